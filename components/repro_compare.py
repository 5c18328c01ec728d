"""`make compare`: the comparison's stages through DVC; base, warm-ups and arms several at once where that is asked for.

DVC gives its lock free while a stage's command runs, so that several can be at work in one workspace. Each job is given
its share of the cores, and accelerators of its own.
"""

import os
import queue
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from components.contracts import PipelineError
from components.environment import PARENT_RUN_ID, VISIBLE, child_environment, num_cores
from components.params import load_params
from components.progress import say
from components.repro import COMPARE, held, run_group, stop_group, tracked

_NEEDED = "calibrate"
"""The pipeline's last stage that arms learn by."""


def repro_compare(num_jobs: int) -> None:
    """Train and evaluate the arms that params.yaml lists, and what they need that is not up to date.

    An arm that fails stops none of the others.

    Args:
        num_jobs: Of base, warm-ups and arms, at work at once; their output is then told by lines.

    Raises:
        PipelineError: As `repro_all`.
    """
    with held(), tracked({"pipeline": "compare"}) as parent:
        environment = child_environment() | ({PARENT_RUN_ID: parent.run_id} if parent.run_id else {})
        if num_jobs > 1:
            compare, shares = load_params().compare, shares_of(num_jobs)
            _repro([_NEEDED], environment)
            _together(["base", *(f"warmup@{seed}" for seed in compare.seeds)], shares, environment)
            arms = [f"arm@{arm}-{seed}" for seed in compare.seeds for arm in compare.run]
            _together(arms, shares, environment)
        _repro(["--keep-going", COMPARE], environment)


def _repro(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    if run_group(["dvc", "repro", *arguments], environment, None) != 0:
        raise PipelineError("the comparison is not whole: the lines above say why; mend it and start again")


def shares_of(num_jobs: int) -> list[dict[str, str]]:
    """What each job's environment has of the machine: threads, and accelerators where there are any."""
    threads = os.environ.get("OMP_NUM_THREADS", str(max(1, num_cores() // num_jobs)))
    names = _accelerators()
    size = max(1, len(names) // num_jobs)
    own = [
        [names[(job * size + place) % len(names)] for place in range(size)] if names else [] for job in range(num_jobs)
    ]
    return [{"OMP_NUM_THREADS": threads} | ({VISIBLE: ",".join(given)} if given else {}) for given in own]


def _accelerators() -> list[str]:
    """CUDA's names of those that this process was given."""
    given = os.environ.get(VISIBLE)
    if given is not None:
        return [name for name in given.split(",") if name]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def _together(stages: Sequence[str], shares: Sequence[Mapping[str, str]], environment: Mapping[str, str]) -> None:
    """Bring these stages up to date, what they depend on being so, as many at once as there are shares."""
    free: queue.SimpleQueue[Mapping[str, str]] = queue.SimpleQueue()
    for share in shares:
        free.put(share)
    begun: list[subprocess.Popen[str]] = []

    def run(stage: str) -> int:
        share = free.get()
        try:
            command = ["dvc", "--wait-for-lock", "repro", "--single-item", f"{COMPARE}:{stage}"]
            return run_group(command, {**environment, **share}, lambda line: say(f"{stage}: {line}"), begun)
        finally:
            free.put(share)

    with ThreadPoolExecutor(len(shares)) as pool:
        jobs = {pool.submit(run, stage): stage for stage in stages}
        try:
            failed = [jobs[job] for job in as_completed(jobs) if job.result() != 0]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            running = [process for process in begun if process.returncode is None]
            with ThreadPoolExecutor(len(running) or 1) as stopping:  # each has its grace at the same time
                list(stopping.map(stop_group, running))
            raise
    if failed:
        raise PipelineError(f"{', '.join(failed)}: the lines above say why; mend it and start again")
