"""Faults on the real stages (tiny parameters): the next run completes, with the results of an undisturbed one.

`docs/reliability.md` lists fault, promise and test.
"""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.environment import child_environment
from tests.flows.test_ui import free_ports
from tests.pipeline.conftest import run, start
from tests.processes import pids_in, python_of, wait_until, wait_until_gone, wait_while_it_runs

pytestmark = pytest.mark.slow

STAGES = ("models", "problems", "reference", "calibrate", "train", "audit", "evaluate", "report")
KEEPING = ("reference", "calibrate", "train", "audit", "evaluate")
"""Those that go on where they were."""
# Files that hold seconds or run ids and so differ between equal runs (dvc.yaml says why).
DIFFERING = ("data/reference/samples.jsonl", "metrics/", "runs/", "report/")


@pytest.fixture(scope="module")
def done(clone: Path) -> Path:
    """The clone with every stage run, undisturbed."""
    run(clone, "dvc", "repro")
    return clone


def results(folder: Path, stages: tuple[str, ...] = STAGES) -> dict[str, str]:
    """DVC's hashes of what the stages made."""
    lock = yaml.safe_load((folder / "dvc.lock").read_text())["stages"]
    outs = [out for stage in stages for out in lock[stage]["outs"]]
    return {out["path"]: out["md5"] for out in outs if not out["path"].startswith(DIFFERING)}


def kill(folder: Path, stage: str) -> None:
    """SIGKILL to the stage's own process."""
    wait_until(lambda: python_of(folder, f"components.{stage}") is not None)
    pid = python_of(folder, f"components.{stage}")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def receipt(folder: Path, stage: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "runs" / f"{stage}.json").read_text())
    return told


def is_in_its_middle(folder: Path, stage: str) -> bool:
    """Unfinished work is there; of a stage that keeps none, its run in MLflow is open."""
    if stage not in KEEPING:
        return (folder / f".checkpoints/{stage}.run.json").exists()
    return any(path.is_file() and path.stat().st_size for path in folder.glob(f".checkpoints/{stage}/**/*"))


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_killed_in_its_middle(done: Path, stage: str) -> None:
    undisturbed = results(done, (stage,))
    assert not is_in_its_middle(done, stage)
    process = start(done, "-m", "dvc", "repro", "--single-item", "--force", stage)
    wait_while_it_runs(process, lambda: is_in_its_middle(done, stage))
    kill(done, stage)
    process.communicate()
    assert process.returncode != 0, "it was not over"
    assert is_in_its_middle(done, stage), "what it had done is kept"
    wait_until_gone(lambda: pids_in(done), 10)
    run(done, "dvc", "repro", "--single-item", "--no-run-cache", "--force", stage)
    assert results(done, (stage,)) == undisturbed


def test_sigterm_to_dvc_takes_the_stage_with_it(done: Path) -> None:
    undisturbed = results(done)
    process = start(done, "-m", "dvc", "repro", "--single-item", "--force", "train")
    wait_until(lambda: any(done.glob(".checkpoints/train/*/rl/checkpoint-1/trainer_state.json")))
    os.kill(process.pid, signal.SIGTERM)
    process.communicate()
    wait_until(lambda: pids_in(done) == [], 10)
    run(done, "dvc", "repro", "--single-item", "--no-run-cache", "--force", "train")
    assert results(done) == undisturbed


def test_a_corrupted_file_of_dvcs_cache_is_made_again(done: Path) -> None:
    undisturbed = results(done)
    name = "data/reference/references.jsonl"
    md5 = undisturbed[name] if name in undisturbed else pytest.fail(f"{name} is no result: {sorted(undisturbed)}")
    cached = done / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    cached.chmod(0o644)
    cached.write_bytes(cached.read_bytes()[:-20])
    (done / name).unlink()
    run(done, "dvc", "repro")
    assert results(done) == undisturbed
    assert (done / name).read_bytes().endswith(b"}\n")


def test_a_truncated_result_is_not_built_upon(done: Path) -> None:
    undisturbed = results(done)
    path = done / "data/problems/train.jsonl"
    whole = path.read_bytes()
    path.unlink()  # it may be a link into the cache
    path.write_bytes(whole[:-30])
    output = run(done, "-m", "components.reference", status=1)  # by hand, past DVC
    assert "train.jsonl" in output.splitlines()[-1]
    run(done, "dvc", "repro")
    assert path.read_bytes() == whole
    assert results(done) == undisturbed


@pytest.fixture
def small_disk(done: Path) -> Iterator[Callable[[str], None]]:
    """A disk of its own under .checkpoints; called with a size it is made so large."""
    folder = done / ".checkpoints"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a disk of limited size needs root")

    def resize(size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)

    yield resize
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_keeps_the_checkpoint_before(done: Path, small_disk: Callable[[str], None]) -> None:
    undisturbed = results(done)
    again = ("-m", "dvc", "repro", "--single-item", "--no-run-cache", "--force", "train")
    process = start(done, *again)
    first = ".checkpoints/train/*/rl/checkpoint-1/trainer_state.json"
    wait_until(lambda: any(done.glob(first)))
    kill(done, "train")
    process.communicate()
    (checkpoint,) = [path.parent for path in done.glob(first)]
    size = sum(path.stat().st_size for path in checkpoint.rglob("*") if path.is_file())
    used = shutil.disk_usage(done / ".checkpoints").used
    small_disk(str(used + size // 2))
    process = start(done, *again)
    output, _ = process.communicate()
    assert process.returncode != 0
    assert "disk" in output.lower(), output[-2000:]
    assert "Traceback" not in output, output[-2000:]
    assert (checkpoint / "trainer_state.json").exists()
    small_disk("200m")
    run(done, "dvc", *again[2:])
    assert results(done) == undisturbed


def test_mlflows_server_away_during_training_and_back(done: Path, tmp_path: Path) -> None:
    port, _ = free_ports()
    place = {"PBRLSVR_TRACKING_URI": f"http://127.0.0.1:{port}"}
    server = _mlflow_server(port, tmp_path)
    process = start(done, "-m", "components.train", **place)
    wait_until(lambda: any(done.glob(".checkpoints/train/*/rl/checkpoint-1")) or process.poll() is not None)
    _end(server)
    output, _ = process.communicate()
    assert process.returncode == 0, output[-3000:]
    assert "warning: MLflow at" in output
    assert receipt(done, "train")["tracking_degraded"] is True
    server = _mlflow_server(port, tmp_path)
    try:
        output = run(done, "-m", "components.report", **place)
        assert "sent to MLflow what waited" in output
        from mlflow import MlflowClient

        client = MlflowClient(f"http://127.0.0.1:{port}")
        (experiment,) = [e for e in client.search_experiments() if e.name == "pb-rlsvr"]
        runs = client.search_runs([experiment.experiment_id], "tags.`dvc.stage` = 'train'")
        assert [one.info.status for one in runs] == ["FINISHED"]
        steps = {metric.step for metric in client.get_metric_history(runs[0].info.run_id, "grpo/reward")}
        assert steps == {1, 2}
        assert runs[0].data.tags["tracking.late"] == "true"
    finally:
        _end(server)


def _mlflow_server(port: int, folder: Path) -> "subprocess.Popen[bytes]":
    from flows.settings import answers

    command = (
        "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder}/server.db", "--artifacts-destination", str(folder / "artifacts"),
    )  # fmt: skip
    environment = child_environment() | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    wait_until(lambda: answers(f"http://127.0.0.1:{port}/health"))
    return process


def _end(server: "subprocess.Popen[bytes]") -> None:
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
