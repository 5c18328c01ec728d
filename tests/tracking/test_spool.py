"""What waits for MLflow on the disk: it reaches its own store and run, with its own files, whatever happens to it."""

import errno
import json
import os
import shutil
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest

from components.contracts import PipelineError
from components.tracking import spool, store, tracked_run
from components.tracking.run import TrackedRun, send_abandoned
from components.tracking.store import Store
from components.tracking.unfinished import UnfinishedRun

FOLDER = Path("mlruns/spool")
pytestmark = pytest.mark.usefixtures("repository")


def refuse(*_arguments):
    raise OSError("gone")


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch):
    """A block in which no store can be opened."""
    monkeypatch.setattr(store, "WAITS_S", ())

    @contextmanager
    def outage():
        with monkeypatch.context() as patch:
            patch.setattr(store, "connect", refuse)
            yield

    return outage


def waiting() -> list[Path]:
    return sorted(FOLDER.glob("*.jsonl"))


def names(all_runs) -> Counter[str]:
    return Counter(run.info.run_name for run in all_runs())


def artifacts(run) -> Path:
    return Path(run.info.artifact_uri.removeprefix("file://"))


def test_what_waits_is_sent_to_its_own_store_alone(away, monkeypatch: pytest.MonkeyPatch, all_runs) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("PBRLSVR_TRACKING_URI", "http://team:5000?key=secret")
        with away(), tracked_run("elsewhere", {}):
            pass
    with tracked_run("here", {}):
        pass
    assert names(all_runs) == {"here": 1}
    (kept,) = waiting()
    assert json.loads(kept.read_text().splitlines()[0])["store"] == "http://team:5000"
    assert "secret" not in kept.read_text()


def test_an_address_with_a_password_is_refused_before_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PBRLSVR_TRACKING_URI", "http://somebody:secret@team:5000")
    with pytest.raises(PipelineError, match="leave user and password out"):
        TrackedRun(Store(), None)
    assert waiting() == []


def test_a_file_that_names_no_store_is_sent(away, all_runs) -> None:
    with away(), tracked_run("old", {}):
        pass
    (kept,) = waiting()
    header, *rest = kept.read_text().splitlines(keepends=True)
    unnamed = {key: value for key, value in json.loads(header).items() if key != "store"}
    kept.write_text("".join([json.dumps(unnamed) + "\n", *rest]))
    send_abandoned()
    assert names(all_runs) == {"old": 1}


def test_a_run_that_the_store_does_not_know_keeps_what_waits(away, capsys: pytest.CaptureFixture[str]) -> None:
    run = TrackedRun(Store(), "0" * 32)
    with away():
        run.log_metrics({"loss": 1.0})
        run.finish("FINISHED")
    (kept,) = waiting()
    content = kept.read_bytes()
    capsys.readouterr()
    send_abandoned()
    assert kept.read_bytes() == content
    assert (
        f"no run {'0' * 32} there; if it is gone for good, remove its file in mlruns/spool" in capsys.readouterr().out
    )


@pytest.mark.parametrize("code", ["REQUEST_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED", "ENDPOINT_NOT_FOUND", "408", "429"])
def test_a_server_that_asks_us_to_wait_is_away(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient
    from mlflow.exceptions import RestException

    def wait(*_arguments, **_values):
        raise RestException({"error_code": code, "message": "later"})

    monkeypatch.setattr(MlflowClient, "log_batch", wait)
    with pytest.raises(RestException):
        spool.deliver(MlflowClient(), "0" * 32, {"kind": "tags", "values": {"a": "b"}})


def test_a_partial_return_makes_no_second_run(away, monkeypatch: pytest.MonkeyPatch, all_runs) -> None:
    """The store takes the creation and is gone again, then the process ends."""
    with away():
        run = TrackedRun(Store(), None, {"name": "train", "tags": {}, "at_ms": 1})
        run.log_metrics({"loss": 1.0}, 1)
    with monkeypatch.context() as patch:
        patch.setattr("components.tracking.run.deliver", refuse)
        run.store.resume()
        run.log_metrics({"loss": 0.5}, 2)
    assert run.run_id is not None
    run._spool.leave()
    send_abandoned()
    (found,) = all_runs()
    assert (found.info.run_id, found.data.metrics) == (run.run_id, {"loss": 0.5})
    assert waiting() == []


def test_who_sends_it_makes_no_second_run_either(away, monkeypatch: pytest.MonkeyPatch, all_runs) -> None:
    with away(), tracked_run("train", {}) as run:
        run.log_metrics({"loss": 1.0}, 1)
    (kept,) = waiting()
    kept.write_bytes(kept.read_bytes() + b'{"kind": "metr')  # cut off by a kill
    with monkeypatch.context() as patch:
        patch.setattr("components.tracking.run.deliver", refuse)
        send_abandoned()
        send_abandoned()
    assert kept.exists()
    send_abandoned()
    (found,) = all_runs()
    assert (found.info.status, found.data.metrics) == ("FINISHED", {"loss": 1.0})
    assert not kept.exists()


def fill_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every write takes a few bytes of its line, then none."""
    write, has_room = os.write, []

    def full(file: int, data: bytes) -> int:
        has_room.append(len(has_room) % 2 == 0)
        if has_room[-1]:
            return write(file, data[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)


def test_a_full_disk_ends_nothing_and_is_told_once(
    away, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], all_runs
) -> None:
    with away(), tracked_run("train", {}) as run:
        run.log_metrics({"loss": 3.0}, 1)
        (kept,) = waiting()
        content = kept.read_bytes()
        with monkeypatch.context() as patch:
            fill_disk(patch)
            run.log_metrics({"loss": 2.0}, 2)
            run.log_metrics({"loss": 1.0}, 3)
        assert kept.read_bytes() == content, "no torn line"
        run.log_metrics({"loss": 0.5}, 4)
        steps = [json.loads(line).get("step") for line in kept.read_text().splitlines()]
        assert steps[-4:] == [1, 2, 3, 4]
    said = capsys.readouterr().out
    assert said.count("mlruns/spool: cannot write (No space left on device); make room") == 1
    assert "is kept in mlruns/spool" in said
    send_abandoned()
    (found,) = all_runs()
    assert found.data.metrics == {"loss": 0.5}


def test_a_disk_that_stays_full_says_what_is_lost_and_leaves_no_file(
    away, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill_disk(monkeypatch)
    with away(), tracked_run("train", {}) as run:
        run.log_metrics({"loss": 1.0})
    said = capsys.readouterr().out
    assert "is lost in part: mlruns/spool had no room for it" in said
    assert "is kept in" not in said
    assert waiting() == []


def test_a_write_that_is_short_is_gone_on_with(away, monkeypatch: pytest.MonkeyPatch, all_runs) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:7]))
    with away(), tracked_run("train", {}) as run:
        run.log_metrics({"loss": 1.0})
    send_abandoned()
    (found,) = all_runs()
    assert found.data.metrics == {"loss": 1.0}


@pytest.mark.parametrize("content", ['{"kind\n{"kind": "end"}\n', "[]\n", '{"experiment": "x"}\n', '{"torn'])
def test_a_file_that_cannot_be_read_is_put_aside_once(content: str, capsys: pytest.CaptureFixture[str]) -> None:
    FOLDER.mkdir()
    (FOLDER / "a.jsonl").write_text(content)
    for _ in range(2):
        send_abandoned()
    assert [path.name for path in FOLDER.iterdir()] == ["a.broken"]
    assert capsys.readouterr().out.count("warning: mlruns/spool/a.jsonl: cannot be read and is now a.broken") == 1


def test_an_empty_file_is_left_to_the_process_that_made_it() -> None:
    FOLDER.mkdir()
    (FOLDER / "a.jsonl").touch()
    send_abandoned()
    assert (FOLDER / "a.jsonl").exists()


@pytest.mark.parametrize("when", ["before it is opened", "before it is locked"])
def test_a_file_that_another_process_has_just_sent_is_skipped(
    away, when: str, monkeypatch: pytest.MonkeyPatch, all_runs
) -> None:
    with away(), tracked_run("train", {}):
        pass
    (kept,) = waiting()
    if when == "before it is opened":
        monkeypatch.setattr(Path, "glob", lambda *_: [kept])
        kept.unlink()
    else:
        flock = spool.fcntl.flock
        monkeypatch.setattr(spool.fcntl, "flock", lambda *arguments: (kept.unlink(), flock(*arguments)))
    send_abandoned()
    assert all_runs() == []


def test_files_that_wait_are_sent_as_they_were(away, all_runs) -> None:
    table, page = Path("params.yaml"), Path("report")
    (page / "figures").mkdir(parents=True)
    table.write_text("old")
    (page / "figures" / "a.svg").write_text("old")
    with away(), tracked_run("train", {}) as run:
        run.log_artifact(table, "settings")
        run.log_artifact(page)
    table.write_text("new")
    shutil.rmtree(page)
    send_abandoned()
    (found,) = all_runs()
    assert (artifacts(found) / "settings/params.yaml").read_text() == "old"
    assert (artifacts(found) / "report/figures/a.svg").read_text() == "old"
    assert list(FOLDER.iterdir()) == []


def test_the_same_process_sends_them_as_they_were_too(away, all_runs) -> None:
    with tracked_run("train", {}) as run:
        run.store._client = None
        with away():
            Path("x.txt").write_text("old")
            run.log_artifact(Path("x.txt"))
            Path("x.txt").write_text("new")
        run.store.resume()
    (found,) = all_runs()
    assert (artifacts(found) / "x.txt").read_text() == "old"
    assert list(FOLDER.iterdir()) == []


def test_no_room_for_copies_is_told_once_and_the_path_is_kept(
    away, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], all_runs
) -> None:
    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, away(), tracked_run("train", {}) as run:
        patch.setattr(shutil, "copy2", full)
        for _ in range(2):
            run.log_artifact(Path("params.yaml"))
    assert capsys.readouterr().out.count("no copy can be made (No space left on device); make room") == 1
    send_abandoned()
    (found,) = all_runs()
    assert (artifacts(found) / "params.yaml").exists()
    assert list(FOLDER.iterdir()) == []


def test_an_unfinished_run_names_its_store_without_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PBRLSVR_TRACKING_URI", "postgresql://team/runs?user=a&password=secret")
    UnfinishedRun("train", "f").keep("1")
    kept = Path(".checkpoints/train.run.json").read_text()
    assert "postgresql://team/runs" in kept
    assert "secret" not in kept
