"""`components.repro` over a small DVC repository: order, outcomes, errors, and no orphans."""

import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from components import repro
from components.contracts import PipelineError
from components.tracking import mark_dead_runs
from tests.flows.conftest import processes_in, start
from tests.processes import pids_in, wait_until, wait_while_it_runs

pytestmark = pytest.mark.slow

REPRO = "from components.repro import repro_all; repro_all()"


def last_parent_tags() -> dict[str, str]:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{Path.cwd()}/mlruns/mlflow.db")
    experiment: Any = client.get_experiment_by_name("pb-rlsvr")
    run = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time DESC"])[0]
    return {key.removeprefix("stage."): value for key, value in run.data.tags.items() if "stage." in key} | {
        "": run.info.status
    }


def outcomes() -> dict[str, str]:
    with repro.pipeline_run({}) as (parent, look):
        return {stage: repro.repro_stage(stage, parent, lambda _: None) for stage in look.stages()}


def order_of(*targets: str) -> list[str]:
    with repro.looking(targets) as look:
        return look.stages()


def up_to_date(forced: Sequence[str] = (), targets: Sequence[str] = ()) -> set[str]:
    with repro.looking(targets) as look:
        return look.up_to_date(forced)


@pytest.mark.usefixtures("toy")
def test_order_is_that_of_dvcs_graph() -> None:
    order = order_of()
    assert sorted(order) == ["apart", "first", "last"]
    assert order[-1] == "last"  # the first one in dvc.yaml
    assert order_of("first") == ["first"]
    assert order_of("first", "last") == order
    with pytest.raises(PipelineError, match="nosuch"):
        order_of("nosuch")


@pytest.mark.usefixtures("toy")
def test_executed_reused_and_restored_are_told_apart() -> None:
    assert set(outcomes().values()) == {"executed"}
    assert set(outcomes().values()) == {"reused"}
    before = Path("params.yaml").read_text()
    Path("params.yaml").write_text(before.replace("seed: 17", "seed: 18", 1))
    assert outcomes() == {"first": "executed", "apart": "reused", "last": "executed"}
    made = json.loads(Path("runs/last.json").read_text())["started"]
    Path("params.yaml").write_text(before)
    assert set(outcomes().values()) == {"reused"}  # out of DVC's run cache
    assert json.loads(Path("runs/last.json").read_text())["started"] < made
    assert last_parent_tags() == {
        "first.status": "reused",
        "apart.status": "reused",
        "last.status": "reused",
        "": "FINISHED",
    }


@pytest.mark.usefixtures("toy")
def test_what_is_left_alone_has_nothing_to_be_done_nor_before_it(capsys: pytest.CaptureFixture[str]) -> None:
    stages = order_of()
    assert up_to_date() == set()
    repro.repro_all()
    assert up_to_date() == set(stages)
    capsys.readouterr()
    repro.repro_all()
    assert capsys.readouterr().out.count("nothing changed") == 3
    assert last_parent_tags() == dict.fromkeys([f"{stage}.status" for stage in stages], "reused") | {"": "FINISHED"}
    Path("last.txt").write_text("by hand")
    assert up_to_date() == set(stages[:2])
    Path(f"{stages[1]}.txt").unlink()
    assert up_to_date() == {stages[0]}
    repro.repro_all()
    assert up_to_date() == set(stages)
    assert up_to_date(targets=["first"]) == {"first"}
    assert up_to_date([stages[1]]) == {stages[0]}
    Path("params.yaml").write_text(Path("params.yaml").read_text().replace("seed: 17", "seed: 18", 1))
    assert up_to_date() == set(stages[: stages.index("first")])
    with pytest.raises(PipelineError, match="nosuch"):
        up_to_date(targets=["nosuch"])


def test_a_failed_stage_is_named_and_stamped(toy: Path) -> None:
    (toy / "fail").touch()
    with pytest.raises(PipelineError, match=r"stage `(first|apart)` failed"):
        outcomes()
    tags = last_parent_tags()
    assert tags.pop("") == "FAILED"
    assert list(tags.values()) == ["failed"]


def test_a_second_run_in_the_same_folder_is_refused(toy: Path) -> None:
    with repro.workspace_lock():
        second = start("-m", "components.cli", "repro")
        output, _ = second.communicate()
    assert second.returncode == 1
    assert output.startswith(f"pb-rlsvr: {toy}: the pipeline is running here already (process ")
    assert len(output.splitlines()) == 1


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_run_takes_dvc_and_the_stage_with_it(toy: Path, number: signal.Signals, status: int) -> None:
    (toy / "wait").touch()
    running = start("-c", REPRO)
    wait_while_it_runs(running, (toy / "waiting").exists)
    running.send_signal(number)
    running.communicate()
    assert running.returncode in (status, -number)
    assert processes_in(toy) == []
    assert last_parent_tags()[""] == "KILLED"
    (toy / "wait").unlink()
    with repro.pipeline_run({}) as (parent, _):  # no lock is left behind
        assert repro.repro_stage("first", parent) == "executed"


def test_a_killed_run_takes_dvc_and_the_stage_with_it_and_is_marked_by_the_next(toy: Path) -> None:
    (toy / "wait").touch()
    running = start("-c", REPRO)
    wait_while_it_runs(running, (toy / "waiting").exists)
    own = [pid for pid in pids_in(toy) if pid not in (running.pid, os.getpid())]
    running.kill()
    running.wait()
    wait_until(lambda: processes_in(toy) == [], 10)
    # DVC takes the holder of a lock for alive until init has reaped it
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in own), 30)
    assert last_parent_tags()[""] == "RUNNING"  # nobody could end it
    (toy / "wait").unlink()
    mark_dead_runs()
    assert last_parent_tags()[""] == "KILLED"
    assert set(outcomes().values()) == {"executed"}
