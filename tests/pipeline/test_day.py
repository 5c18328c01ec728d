"""A day in production on tiny parameters: the real stages, served, with a training seed of its own for each run.

Asserted through the HTTP APIs of Prefect and MLflow, on what runs left there.
"""

import os
import signal
import time
from pathlib import Path

import pytest

from components.environment import MLRUNS
from tests.flows.served import Served, served
from tests.processes import pids_in, python_of, wait_until

pytestmark = pytest.mark.alone

MINUTE_S = 60


def wait_for_step(day: Served, folder: str) -> int:
    """The training process, once it has saved something to go on from."""
    since = time.time()

    def saved() -> bool:
        found = [path for path in day.clone.glob(f".checkpoints/train/*/{folder}") if path.stat().st_mtime > since]
        return bool(found) and python_of(day.clone, "components.train") is not None

    wait_until(saved, 240)
    pid = python_of(day.clone, "components.train")
    assert pid is not None
    return pid


def test_a_day_in_production(clone: Path) -> None:
    assert not (clone / MLRUNS / "mlflow.db").exists()
    started = time.monotonic()
    with served(clone) as day:

        def start(seed: int, after_s: float = 0.0) -> str:
            return day.start_run(after_s, set_params={"train.seed": seed})

        # The second waits for the first. Never more than one waits: which of several Prefect lets go on is not fixed.
        for run in [start(100), start(101, MINUTE_S)]:
            assert day.end_of(run, 400) == "COMPLETED", day.log()
            assert "| train | executed |" in day.summary(run)
            assert "| evaluate | executed |" in day.summary(run)
        assert "| trained languages, after |" in day.summary(run)
        two_runs_s = time.monotonic() - started

        cancelled = start(102)
        wait_for_step(day, "rl/checkpoint-*")
        day.cancel(cancelled)
        assert wait_until(lambda: python_of(day.clone, "components.train") is None, 10) < 10
        assert day.end_of(cancelled, 60) == "CANCELLED"

        killed = start(103)
        os.kill(wait_for_step(day, "rl/checkpoint-*"), signal.SIGKILL)
        last = start(104)
        assert day.end_of(killed, 400) == "COMPLETED", day.log()  # tried once more, from its checkpoint
        assert day.end_of(last, 400) == "COMPLETED", day.log()

        passes = day.passes()
        assert [one["status"] for one in passes] == ["FINISHED", "FINISHED", "KILLED", "FINISHED", "FINISHED"]
        seeds = [one["tags"]["set_params.train.seed"] for one in reversed(passes)]
        assert seeds == ["100", "101", "102", "103", "104"]
        for one in passes:
            if one["status"] == "FINISHED":
                assert one["tags"]["stage.train.status"] == one["tags"]["stage.evaluate.status"] == "executed"
                assert "report/macro/trained_languages/trained/accuracy" in one["metrics"]
    assert pids_in(clone / ".cache" / "scheduled") == []
    # Of the three others one was cancelled, and one begun again from its checkpoint: no more than twice the first two.
    assert time.monotonic() - started < max(15 * MINUTE_S, 3 * two_runs_s)
