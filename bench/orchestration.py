"""Measure what Prefect, DVC and MLflow add to a stage, and a flow in which nothing is to be done.

Needs a finished pipeline (`make repro`); starts the servers of `make ui` unless they run. Run by `make bench`, or
alone: python -m bench.orchestration [--turns 5]. In turns: a flow without work, a stage's bare command, a flow forced
to run that stage. What is added is the forced flow less the idle one less the bare command. Writes
bench/results/orchestration.json.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from components.contracts import write_json
from components.environment import child_environment
from flows.settings import answers, prefect_url

RESULTS = Path("bench/results/orchestration.json")
STAGES = ("problems", "report")
"""The cheapest, so that noise of the work itself hides least: the first of the graph and its last."""


def main() -> None:
    """Print a line a turn, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=5)
    asked = parser.parse_args()
    idle: list[float] = []
    added: dict[str, list[float]] = {stage: [] for stage in STAGES}
    with servers():
        flow()  # what is stale runs now, and files are warm
        for _ in range(asked.turns):
            idle.append(flow())
            print(f"idle flow: {idle[-1]:.1f} s", flush=True)
            for stage in STAGES:
                without = flow("--target", stage)
                bare = seconds([sys.executable, "-m", f"components.{stage}"])
                forced = flow("--target", stage, "--force")
                added[stage].append(forced - without - bare)
                print(
                    f"{stage}: idle {without:.1f} s, bare {bare:.1f} s, forced {forced:.1f} s: "
                    f"{added[stage][-1]:+.1f} s",
                    flush=True,
                )
        flow()  # DVC learns of what the bare commands wrote
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "turns": asked.turns,
        "idle_flow_s": median(idle),
        "added_s": {stage: median(seconds_of) for stage, seconds_of in added.items()},
    }
    print(result)
    write_json(RESULTS, result)


def flow(*arguments: str) -> float:
    """Run `pb-rlsvr flow`; its seconds."""
    return seconds([sys.executable, "-m", "flows", *arguments])


def seconds(command: Sequence[str]) -> float:
    """How long `command` takes, start and end of Python included.

    Raises:
        RuntimeError: It failed.
    """
    started = time.perf_counter()
    done = subprocess.run(command, env=child_environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.perf_counter() - started


@contextmanager
def servers() -> Iterator[None]:
    """Those of `make ui`, running."""
    if answers(f"{prefect_url()}/api/health"):
        yield
        return
    with subprocess.Popen([sys.executable, "-m", "flows.ui"], stdout=subprocess.PIPE, text=True) as process:
        try:
            if not any("Ctrl-C" in line for line in process.stdout or []):
                raise RuntimeError("the servers of `make ui` did not start")
            yield
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
