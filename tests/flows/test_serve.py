"""`make serve` for real: runs in a clone, values from the UI, cancelling, dying, trying again."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.conftest import start
from tests.flows.served import Served, commit_all, served, stop
from tests.processes import command_of, pids_in, wait_until, wait_until_gone

pytestmark = pytest.mark.alone

IGNORED = "mlruns/\n.cache/\n.prefect/\n/runs/\n__pycache__/\n"


@pytest.fixture
def day(toy: Path) -> Iterator[Served]:
    (toy / ".gitignore").write_text(IGNORED)
    (toy / ".dvcignore").write_text(".cache/\nmlruns/\n.prefect/\n")
    commit_all(toy, "begin")
    with served(toy) as running:
        yield running


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def leave(day: Served, *, present: bool, name: str = "wait") -> None:
    """Commit the file that makes a stage wait (or fail), or its absence."""
    (day.source / name).touch() if present else (day.source / name).unlink()
    commit_all(day.source, f"{name}: {present}")


def started(day: Served) -> list[int]:
    """Processes of a run that work in the clone: DVC and the stage."""
    return [pid for pid in pids_in(day.clone) if "dvc" in command_of(pid) or "stage.py" in command_of(pid)]


def wait_for_stage(day: Served) -> None:
    wait_until(lambda: (day.clone / "waiting").exists(), 120)


def test_a_day_of_runs(day: Served) -> None:
    part = day.start_run(targets=["apart"], set_params={"base.languages": ["en"], "base.trained_languages": ["en"]})
    assert day.end_of(part) == "COMPLETED", day.log()
    first = day.start_run(set_params={"base.seed": 18})
    assert day.end_of(first) == "COMPLETED", day.log()
    assert day.summary(first).count("| executed |") == 3
    assert "`base.seed: 18`" in day.summary(first)
    assert day.passes()[0]["tags"]["set_params.base.seed"] == "18"
    name = day.run(first)["name"]
    environment = dict(day.environment)
    kept = subprocess.run(
        ["dvc", "exp", "show", "--csv"], cwd=day.source, env=environment, capture_output=True, text=True, check=True
    ).stdout
    (row,) = [line for line in kept.splitlines() if name in line]
    assert ",18" in row
    assert git(day.source, "status", "--porcelain") == ""  # nobody's tree is touched
    assert not (day.source / "first.txt").exists()

    second = day.start_run()  # the values of the commit again
    assert day.end_of(second) == "COMPLETED"
    assert "seed: 17" in (day.clone / "params.yaml").read_text()
    third = day.start_run()
    assert day.end_of(third) == "COMPLETED"
    assert day.summary(third).count("| reused |") == 3

    wrong = day.start_run(set_params={"base.sed": 1})
    assert day.end_of(wrong) == "FAILED"
    assert "unknown key `base.sed`" in day.run(wrong)["state"]["message"]

    leave(day, present=True)
    cancelled = day.start_run(force=True)
    wait_for_stage(day)
    leave(day, present=False)
    waits = day.start_run()  # its turn comes
    own = set(started(day))
    assert own
    day.cancel(cancelled)
    wait_until_gone(lambda: [pid for pid in started(day) if pid in own], 10)
    assert day.end_of(cancelled) == "CANCELLED"
    assert day.end_of(waits) == "COMPLETED"

    leave(day, present=True)
    killed = day.start_run(force=True)
    wait_for_stage(day)
    leave(day, present=False)
    (engine,) = [pid for pid in pids_in(day.clone) if "prefect" in command_of(pid) and "engine" in command_of(pid)]
    os.kill(engine, signal.SIGKILL)
    wait_until_gone(lambda: started(day), 10)  # the kernel tells DVC, and so the stage
    assert day.end_of(killed) == "CRASHED"
    after = day.start_run(force=True)
    assert day.end_of(after) == "COMPLETED"
    assert [one["status"] for one in day.passes()][:3] == ["FINISHED", "KILLED", "FINISHED"]
    assert day.passes()[1]["tags"]["died"] == "true"


def test_what_died_with_the_server_process_is_marked_at_the_next_start(day: Served) -> None:
    leave(day, present=True)
    lost = day.start_run()
    wait_for_stage(day)
    leave(day, present=False)
    for pid in pids_in(day.clone):  # the machine goes down
        os.kill(pid, signal.SIGKILL)
    day.serving.wait()
    assert day.run(lost)["state_type"] == "RUNNING"
    day.restart()
    assert day.end_of(lost, 60) == "CRASHED"
    again = day.start_run()
    assert day.end_of(again) == "COMPLETED"
    second = start("-m", "flows.deploy", **{k: v for k, v in day.environment.items() if k.startswith("P")})
    output, _ = second.communicate(timeout=60)
    assert second.returncode == 1
    assert "served already" in output.splitlines()[-1]


def test_a_run_outlives_prefects_server_for_half_a_minute(day: Served) -> None:
    leave(day, present=True)
    lost = day.start_run()
    wait_for_stage(day)
    leave(day, present=False)
    stop(day.servers)
    (day.clone / "wait").unlink()
    wait_until(lambda: (day.clone / "first.txt").exists(), 60)  # stages need no Prefect
    time.sleep(20)
    day.restart()
    assert day.end_of(lost) == "COMPLETED", day.log()
    after = day.start_run()
    assert day.end_of(after) == "COMPLETED", day.log()
    assert "| first | reused |" in day.summary(after)
    assert [one["status"] for one in day.passes()] == ["FINISHED", "FINISHED"]


def test_only_what_may_pass_is_tried_again(day: Served) -> None:
    path = day.source / "stage.py"
    work = path.read_text()
    once = 'tried = Path(".cache/tried")\nif not tried.exists():\n    tried.touch()\n    sys.exit({status})\n'
    path.write_text(work.replace('if Path("fail")', once.format(status=75) + 'if Path("fail")'))
    commit_all(day.source, "out of reach once")
    passing = day.start_run()
    assert day.end_of(passing) == "COMPLETED"
    (day.clone / ".cache" / "tried").unlink()
    path.write_text(path.read_text().replace("sys.exit(75)", "sys.exit(1)"))
    commit_all(day.source, "wrong once")
    failing = day.start_run(force=True)
    assert day.end_of(failing) == "FAILED"
    assert "| failed |" in day.summary(failing)
    stop(day.serving)
    assert pids_in(day.clone) == []
