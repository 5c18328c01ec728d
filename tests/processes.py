"""Processes as tests look at them."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def pids_in(folder: Path) -> list[int]:
    """Processes that work in `folder`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == folder:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def command_of(pid: int) -> str:
    """Its command line; empty where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return ""


def python_of(folder: Path, module: str) -> int | None:
    """The Python process in `folder` that runs `module`, without a shell around it; None where there is none."""
    found = [pid for pid in pids_in(folder) if command_of(pid).endswith(f"-m {module}")]
    return next((pid for pid in found if "python" in Path(f"/proc/{pid}/exe").resolve().name), None)


def wait_until(true: Callable[[], bool], limit_s: float = 120) -> float:
    """Seconds until it is true."""
    started = time.monotonic()
    while not true():
        assert time.monotonic() - started < limit_s, "not in time"
        time.sleep(0.02)
    return time.monotonic() - started


def wait_while_it_runs(process: "subprocess.Popen[str]", true: Callable[[], bool], limit_s: float = 120) -> None:
    """Wait until it is true; the process must not end before."""

    def done() -> bool:
        assert process.poll() is None, "it ended before it could be stopped"
        return true()

    wait_until(done, limit_s)


def wait_until_gone(pids: Callable[[], list[int]], limit_s: float) -> None:
    """Wait until it lists no process; what is left by then is named with its state and what it waits for."""
    started = time.monotonic()
    while left := pids():
        late = time.monotonic() - started > limit_s
        assert not late, "\n".join(["not gone:", *[_told(pid) for pid in left]])
        time.sleep(0.02)


def _told(pid: int) -> str:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        waits_for = Path(f"/proc/{pid}/wchan").read_text()
    except OSError:
        return f"{pid}: gone by now"
    kept = [
        line for line in lines if line.startswith(("State", "PPid", "SigBlk", "SigIgn", "SigCgt", "ShdPnd", "SigPnd"))
    ]
    return f"{pid} {command_of(pid)}: {' '.join(kept)} wchan: {waits_for}".replace("\t", "")


def cpu_seconds(work: Callable[[], object]) -> float:
    """The least processor time of up to three tries: a neighbour on the same core makes any one of them longer."""
    least = float("inf")
    for _ in range(3):
        started = time.process_time()
        work()
        least = min(least, time.process_time() - started)
        if least < 1:
            break
    return least
