"""The flow on a real Prefect API, over the small DVC repository."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import processes_in, start
from tests.flows.test_repro import last_parent_tags

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def _prefect() -> Iterator[None]:
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


def task_outcomes(state: Any) -> dict[str, str]:
    """Task run names with their states' types, from the API."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    flow_run = FlowRunFilter(id=FlowRunFilterId(any_=[state.state_details.flow_run_id]))
    with get_client(sync_client=True) as client:
        deadline = time.monotonic() + 20  # task runs reach the API through events, a little later
        while time.monotonic() < deadline:
            runs = {run.name: run.state_type.value for run in client.read_task_runs(flow_run_filter=flow_run)}
            if runs and all(kind in ("COMPLETED", "FAILED") for kind in runs.values()):
                return runs
            time.sleep(0.3)
    raise AssertionError(runs)


def stages_artifact() -> str:
    from prefect.artifacts import Artifact

    artifact: Any = Artifact.get("stages")
    return str(artifact.data)


@pytest.mark.usefixtures("_prefect", "toy")
def test_one_task_a_stage_executed_then_reused() -> None:
    from flows.pipeline import pb_rlsvr

    first = pb_rlsvr(return_state=True)
    assert first.is_completed()
    assert task_outcomes(first) == dict.fromkeys(("first", "apart", "last"), "COMPLETED")
    assert stages_artifact().count("| executed |") == 3
    assert last_parent_tags()[""] == "FINISHED"
    pb_rlsvr()
    assert stages_artifact().count("| reused |") == 3
    pb_rlsvr(targets=["first"], force=True)
    assert stages_artifact().count("| executed |") == 1
    assert "last" not in stages_artifact()


@pytest.mark.usefixtures("_prefect")
def test_a_failed_stage_fails_its_task_and_the_flow(toy: Path) -> None:
    from flows.pipeline import pb_rlsvr

    (toy / "fail").touch()
    state = pb_rlsvr(return_state=True)
    assert state.is_failed()
    assert list(task_outcomes(state).values()) == ["FAILED"]  # later stages were never started
    assert last_parent_tags()[""] == "FAILED"


def test_a_stopped_flow_takes_dvc_and_the_stage_with_it(toy: Path) -> None:
    (toy / "wait").touch()
    running = start("-m", "flows", PBRLSVR_PREFECT_PORT="1")  # nobody listens there: an ephemeral server
    while not (toy / "waiting").exists():
        assert running.poll() is None, running.communicate()[0]
        time.sleep(0.1)
    running.send_signal(signal.SIGTERM)
    output, _ = running.communicate(timeout=90)
    assert running.returncode == 143, output
    assert processes_in(toy) == []
    assert last_parent_tags()[""] == "KILLED"


def test_a_wrong_parameter_is_one_line_and_nothing_starts(toy: Path) -> None:
    path = toy / "params.yaml"
    path.write_text(path.read_text().replace("seed: 17", "seed: -1", 1))
    running = start("-m", "flows", PBRLSVR_PREFECT_PORT="1")
    output, _ = running.communicate(timeout=90)
    assert running.returncode == 1
    assert output.startswith("pb-rlsvr: params.yaml: `base.seed`: ")
    assert len(output.splitlines()) == 1


def test_make_schedule_needs_a_server(toy: Path) -> None:
    assert toy.exists()
    running = start("-m", "flows.deploy", PBRLSVR_PREFECT_PORT="1")
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 1
    assert output == "pb-rlsvr: no Prefect server is running; start one with `make ui` in another terminal\n"
