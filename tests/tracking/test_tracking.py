"""Runs, parents and stamps against a real SQLite store; an outage against a port where nobody listens."""

import hashlib
import json
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.environment import Terminated
from components.repro import tracked
from components.tracking import check_store, make_receipt, numbers, open_parent, spool, store, tracked_run

LOCK = """
schema: '2.0'
stages:
  train:
    cmd: exec python -m components.train
    deps:
    - path: data/problems/train.jsonl
      hash: md5
      md5: aaa
      size: 1
    outs:
    - path: adapters/trained
      hash: md5
      md5: bbb.dir
      size: 2
      nfiles: 1
"""


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, "FINISHED"),
        (ValueError, "FAILED"),
        (SystemExit, "FAILED"),
        (KeyboardInterrupt, "KILLED"),
        (Terminated, "KILLED"),
    ],
)
@pytest.mark.usefixtures("repository")
def test_a_run_tells_how_it_ended(all_runs, error: type[BaseException] | None, status: str) -> None:
    def work() -> None:
        with tracked_run("train", {"dvc.stage": "train"}):
            if error is not None:
                raise error

    if error is None:
        work()
    else:
        with pytest.raises(error):
            work()
    (run,) = all_runs()
    assert run.info.status == status
    assert run.data.tags["dvc.stage"] == "train"


def test_outage_is_one_warning_and_a_flag(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
    monkeypatch.setenv("PBRLSVR_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(store, "WAITS_S", (0.0,))
    check_store()
    with tracked_run("train", {"a": "b"}) as run:
        run.log_metrics({"loss": 1.0}, 1)
        run.log_artifact(repository / "params.yaml")
    assert run.degraded
    assert run.run_id is None
    said = capsys.readouterr().out
    assert said.count("warning: MLflow at") == 1
    assert said.count("kept in mlruns/spool") == 1
    assert len(list(Path("mlruns/spool").glob("*.jsonl"))) == 1


def refuse(_name):
    raise OSError("disk gone")


def test_what_an_ended_process_could_not_send_is_sent_by_the_next_run(
    repository: Path, monkeypatch: pytest.MonkeyPatch, all_runs
) -> None:
    monkeypatch.setattr(store, "WAITS_S", ())
    with monkeypatch.context() as patch:
        patch.setattr(store, "connect", refuse)
        with suppress(KeyboardInterrupt), tracked_run("train", {"a": "b"}) as run:
            run.log_params({"train": {"steps": 3}})
            run.log_metrics({"loss": 1.0}, 1)
            run.log_metrics({"loss": 0.5}, 2)
            run.log_artifact(repository / "params.yaml", "settings")
            run.log_json({"x": 1}, "x.json")
            raise KeyboardInterrupt
    assert all_runs() == []
    (kept,) = Path("mlruns/spool").glob("*.jsonl")
    kept.write_bytes(kept.read_bytes() + b'{"kind": "metr')  # cut off by a kill
    with tracked_run("next", {}):
        pass
    assert not list(Path("mlruns/spool").glob("*.jsonl"))
    first, second = sorted(all_runs(), key=lambda found: found.info.run_name, reverse=True)
    assert (first.info.run_name, first.info.status) == ("train", "KILLED")
    assert first.data.params == {"train.steps": "3"}
    assert first.data.metrics == {"loss": 0.5}
    assert first.data.tags["a"] == "b"
    assert first.data.tags["tracking.late"] == "true"
    assert "tracking.late" not in second.data.tags
    folder = Path(first.info.artifact_uri.removeprefix("file://"))
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        "settings/params.yaml", "x.json",
    }  # fmt: skip


@pytest.mark.usefixtures("repository")
def test_a_store_that_comes_back_gets_all_that_waited_in_order(monkeypatch: pytest.MonkeyPatch, all_runs) -> None:
    monkeypatch.setattr(store, "WAITS_S", ())
    with tracked_run("train", {}) as run:
        run.store._client = None
        with monkeypatch.context() as patch:
            patch.setattr(store, "connect", refuse)
            run.log_metrics({"loss": 3.0}, 1)
        run.log_metrics({"loss": 2.0}, 2)  # within the pause
        (kept,) = Path("mlruns/spool").glob("*.jsonl")
        with tracked_run("another", {}):
            assert kept.exists(), "its process is alive: it sends that itself"
        run.store.resume()
        run.log_metrics({"loss": 1.0}, 3)
        assert not kept.exists()
    finished = next(found for found in all_runs() if found.info.run_name == "train")
    assert finished.info.status == "FINISHED"
    assert finished.data.metrics == {"loss": 1.0}
    assert finished.data.tags["tracking.late"] == "true"
    assert run.degraded


@pytest.mark.usefixtures("repository")
def test_an_outage_in_the_middle_loses_nothing_on_the_disk(monkeypatch: pytest.MonkeyPatch, all_runs) -> None:
    """Some of what waits is sent, then the store is gone again, then the process."""
    monkeypatch.setattr(store, "WAITS_S", ())
    calls = []

    def one_more(client, run_id, entry):
        calls.append(entry)
        if len(calls) == 2:
            raise OSError("gone again")
        spool.deliver(client, run_id, entry)

    with tracked_run("train", {}) as run:
        with monkeypatch.context() as patch:
            patch.setattr(store, "connect", refuse)
            run.store._client = None
            for step in (1, 2, 3):
                run.log_metrics({"loss": float(step)}, step)
        run.store.resume()
        monkeypatch.setattr("components.tracking.run.deliver", one_more)
        run.log_metrics({"loss": 4.0}, 4)
        assert len(calls) == 2
        run.log_metrics({"loss": 5.0}, 5)
        (kept,) = Path("mlruns/spool").glob("*.jsonl")
        entries = [json.loads(line) for line in kept.read_text().splitlines()][1:]
        assert [entry["step"] for entry in entries] == [1, 2, 3, 4, 5]
    (finished,) = all_runs()
    assert finished.data.metrics == {"loss": 5.0}
    assert not kept.exists()


@pytest.mark.usefixtures("repository")
def test_what_mlflow_refuses_for_good_holds_nothing_up(all_runs, capsys: pytest.CaptureFixture[str]) -> None:
    with tracked_run("train", {}) as run:
        run.log_metrics({"a key with ; in it": 1.0})
        run.log_artifact(Path("nowhere.txt"))
        run.log_metrics({"loss": 1.0})
    (finished,) = all_runs()
    assert finished.data.metrics == {"loss": 1.0}
    assert not run.degraded
    said = capsys.readouterr().out
    assert "MLflow refuses metrics" in said
    assert "nowhere.txt: no longer there" in said


@pytest.mark.usefixtures("repository")
def test_a_run_that_was_killed_can_go_on(all_runs) -> None:
    with suppress(KeyboardInterrupt), tracked_run("train", {}) as killed:
        killed.log_metrics({"loss": 1.0}, 1)
        raise KeyboardInterrupt
    with tracked_run("train", {}, reopened=killed.run_id) as run:
        run.log_metrics({"loss": 0.5}, 2)
    (finished,) = all_runs()
    assert finished.info.status == "FINISHED"
    assert finished.data.metrics == {"loss": 0.5}


@pytest.mark.usefixtures("repository")
def test_stamps_join_runs_and_hashes(all_runs) -> None:
    Path("dvc.lock").write_text(LOCK)
    Path("metrics").mkdir()
    Path("metrics/evaluate.json").write_text(json.dumps({"trained": {"es": {"accuracy": 0.25}}}))
    with open_parent({"prefect.flow_run_id": "f"}) as parent:
        with tracked_run("train", {}, parent.run_id) as run:
            pass
        write_receipt("train", run.run_id)
        write_receipt("evaluate", "00000000000000000000000000000000")  # of another store
        for _ in range(2):
            parent.stamp("train", "executed")
        parent.stamp("evaluate", "reused")
        parent.stamp("report", "failed")
    whole, child = all_runs()
    assert child.data.tags["mlflow.parentRunId"] == whole.info.run_id
    assert child.data.tags["dvc.lock.sha256"] == hashlib.sha256(LOCK.encode()).hexdigest()
    assert child.data.tags["dvc.cmd"] == "exec python -m components.train"
    assert child.data.tags["dvc.dep.data/problems/train.jsonl"] == "aaa"
    assert child.data.tags["dvc.out.adapters/trained"] == "bbb.dir"
    tags = whole.data.tags
    assert [tags[f"stage.{stage}.status"] for stage in ("train", "evaluate", "report")] == [
        "executed",
        "reused",
        "failed",
    ]
    assert tags["stage.train.run_id"] == child.info.run_id
    assert tags["stage.evaluate.run_id"] == "0" * 32
    assert "stage.report.run_id" not in tags
    assert tags["prefect.flow_run_id"] == "f"
    assert whole.data.metrics == {"evaluate/trained/es/accuracy": 0.25}
    artifacts = Path(whole.info.artifact_uri.removeprefix("file://"))
    assert {path.name for path in artifacts.iterdir()} == {"dvc.lock", "params.yaml"}


@pytest.mark.usefixtures("repository")
def test_params_under_a_users_own_names_are_taken(all_runs, capsys: pytest.CaptureFixture[str]) -> None:
    with tracked_run("compare", {}) as run:
        run.log_params({"compare": {"pools": {"the pivot's answer": ["hybrid", "gold"]}}})
    (logged,) = all_runs()
    assert logged.data.params["compare.pools.the pivot_s answer"] == '["hybrid", "gold"]'
    assert "refuses" not in capsys.readouterr().out


@pytest.mark.parametrize(("also", "warnings"), [({}, 1), ({"PBRLSVR_TRACKING_URI": "sqlite:///mlruns/mlflow.db"}, 0)])
@pytest.mark.usefixtures("repository")
def test_mlflows_own_variable_is_not_read_and_a_line_says_so(
    also: dict[str, str],
    warnings: int,
    monkeypatch: pytest.MonkeyPatch,
    all_runs,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///elsewhere.db")
    for name, value in also.items():
        monkeypatch.setenv(name, value)
    with tracked({}):
        pass
    assert len(all_runs()) == 1
    assert not Path("elsewhere.db").exists()
    assert capsys.readouterr().out.count("warning: MLFLOW_TRACKING_URI is not read") == warnings


def test_numbers_keeps_finite_leaves_under_the_stage() -> None:
    metrics = {"es": {"accuracy": 0.5, "n": 3, "best": None, "ok": True}, "note": "x"}
    assert numbers("evaluate", metrics) == {"evaluate/es/accuracy": 0.5, "evaluate/es/n": 3.0}
    assert numbers("problems", {"sources": {"../my (own)/a:b.csv": 3}}) == {"problems/sources/my _own_/a_b.csv": 3.0}


def write_receipt(stage: str, run_id: str | None) -> None:
    Path("runs").mkdir(exist_ok=True)
    receipt = make_receipt(stage, run_id, datetime.now(UTC), 1.0, degraded=False)
    Path(f"runs/{stage}.json").write_text(json.dumps(receipt))
