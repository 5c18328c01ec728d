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
        runs = [day.start_run(i * MINUTE_S, set_params={"train.seed": 100 + i}) for i in range(5)]
        for run in runs[:2]:
            assert day.end_of(run, 400) == "COMPLETED", day.log()
            assert "| train | executed |" in day.summary(run)
            assert "| evaluate | executed |" in day.summary(run)
        assert "| trained languages, after |" in day.summary(runs[1])

        wait_for_step(day, "rl/checkpoint-*")
        day.cancel(runs[2])
        assert wait_until(lambda: python_of(day.clone, "components.train") is None, 10) < 10
        assert day.end_of(runs[2], 60) == "CANCELLED"

        os.kill(wait_for_step(day, "rl/checkpoint-*"), signal.SIGKILL)
        assert day.end_of(runs[3], 400) == "COMPLETED", day.log()  # tried once more, from its checkpoint
        assert day.end_of(runs[4], 400) == "COMPLETED", day.log()

        passes = day.passes()
        assert [one["status"] for one in passes] == ["FINISHED", "FINISHED", "KILLED", "FINISHED", "FINISHED"]
        seeds = [one["tags"]["set_params.train.seed"] for one in reversed(passes)]
        assert seeds == ["100", "101", "102", "103", "104"]
        for one in passes:
            if one["status"] == "FINISHED":
                assert one["tags"]["stage.train.status"] == one["tags"]["stage.evaluate.status"] == "executed"
                assert "report/macro/trained_languages/trained/accuracy" in one["metrics"]
    assert pids_in(clone / ".cache" / "scheduled") == []
    assert time.monotonic() - started < 15 * MINUTE_S
