"""A killed training goes on from its checkpoint, and ends where an undisturbed one ends."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from components.environment import child_environment
from tests.pipeline.conftest import run
from tests.processes import pids_in, wait_until_gone

pytestmark = pytest.mark.slow

WEIGHTS = "adapters/trained/adapter_model.safetensors"
LIMIT_S = 120


def _train(clone: Path, method: str, num_processes: int) -> dict[str, bytes]:
    """Train undisturbed; the bytes of what it makes, by file."""
    params = yaml.safe_load((clone / "params.yaml").read_text())
    params["train"] |= {
        "method": method,
        "raft_min_reward": None,
        "lessons_per_step": 2,
        "num_processes": num_processes,
    }
    (clone / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    run(clone, "dvc", "repro", "train")
    return {name: (clone / name).read_bytes() for name in (WEIGHTS, "plots/train.csv")}


@pytest.mark.parametrize(
    ("method", "steps_in", "sign", "num_processes"),
    [
        ("raft", "sft", signal.SIGKILL, 1),
        ("grpo", "rl", signal.SIGKILL, 1),
        ("grpo", "rl", signal.SIGTERM, 1),
        ("grpo", "rl", signal.SIGKILL, 2),
        ("raft", "sft", signal.SIGTERM, 2),
    ],
)
def test_a_killed_training_ends_where_an_undisturbed_one_ends(
    clone: Path, method: str, steps_in: str, sign: signal.Signals, num_processes: int
):
    undisturbed = _train(clone, method, num_processes)
    for name in undisturbed:
        (clone / name).unlink()

    store = {"PBRLSVR_TRACKING_URI": f"sqlite:///{clone}/mlruns/mlflow.db"}  # the clone's, not the developer's
    process = subprocess.Popen(
        [sys.executable, "-m", "components.train"], cwd=clone, env=child_environment() | store, start_new_session=True
    )
    deadline = time.monotonic() + LIMIT_S
    while not list(clone.glob(f".checkpoints/train/*/{steps_in}/checkpoint-1/trainer_state.json")):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(sign)
    assert process.wait() == {signal.SIGKILL: -9, signal.SIGTERM: 143}[sign]
    wait_until_gone(lambda: pids_in(clone), 10)
    assert not (clone / WEIGHTS).exists()
    unfinished = json.loads((clone / ".checkpoints/train.run.json").read_text())["run_id"]

    run(clone, "-m", "components.train")
    assert json.loads((clone / "runs/train.json").read_text())["run_id"] == unfinished, "in the same MLflow run"
    assert {name: (clone / name).read_bytes() for name in undisturbed} == undisturbed
    assert not list(clone.glob(".checkpoints/train/*")), "finished work is cleared away"


def test_work_is_kept_until_metrics_are_written_and_no_step_is_added(clone: Path):
    """The last moment at which a stage can fail: everything is trained, nothing is recorded."""
    undisturbed = _train(clone, "grpo", num_processes=1)
    metrics = clone / "metrics/train.json"
    metrics.unlink()
    metrics.mkdir()  # cannot be replaced by a file
    run(clone, "-m", "components.train", status=1)
    assert list(clone.glob(".checkpoints/train/*/rl/checkpoint-2"))
    metrics.rmdir()

    for name in undisturbed:
        (clone / name).unlink()
    run(clone, "-m", "components.train")
    assert {name: (clone / name).read_bytes() for name in undisturbed} == undisturbed
    assert metrics.is_file()
    assert not list(clone.glob(".checkpoints/train/*"))
