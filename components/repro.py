"""`dvc repro`, stage by stage, under one parent run: what `pb-rlsvr repro` and the Prefect flow share.

The order comes from DVC's own graph. DVC runs in a process group of its own, because a signal to this process
alone would leave `dvc` and the training under it running.
"""

import fcntl
import graphlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from components.contracts import EX_TEMPFAIL, PipelineError
from components.environment import PARENT_RUN_ID, TRACKING_URI, child_environment, exit_on_sigterm
from components.params import load_params
from components.progress import say
from components.promotion.adapter import has_passed
from components.promotion.registry import keep_champion
from components.tracking import ParentRun, StageStatus, check_store, mark_dead_runs, open_parent, read_receipt

LOCK_FILE = Path(".dvc/tmp/pb-rlsvr.lock")
COMPARE = "compare/dvc.yaml"
"""Stages of their own, which a pass over the pipeline leaves alone."""
GRACE_S = 8.0
"""Between SIGTERM and SIGKILL: time for a stage to save what it has and to close its run."""
PASSING = (EX_TEMPFAIL, -signal.SIGKILL, 128 + signal.SIGKILL)
"""Exit statuses of stages that are worth another try: what may pass by itself, and what the kernel ended."""

OnLine = Callable[[str], None]


class StageFailedError(PipelineError):
    """A stage ended with `status`, which is None where nobody read DVC's output."""

    def __init__(self, stage: str, status: int | None) -> None:
        super().__init__(f"stage `{stage}` failed: the lines above say why; mend it and start again")
        self.may_pass = status in PASSING


def repro_all(force: bool = False) -> None:
    """Bring every stage up to date under one parent run.

    Raises:
        PipelineError: Parameters are wrong, another run is at work here, or a stage failed.
    """
    with pipeline_run({}) as (parent, look):
        stages = look.stages()
        untouched = look.up_to_date(stages if force else ())
        for stage in stages:
            repro_stage(stage, parent, force=force, untouched=stage in untouched)


@dataclass(frozen=True)
class Look:
    """What DVC says of the pipeline before a pass over it: asked for at once, read when it is needed."""

    _dags: Sequence[Future[str]]
    _status: Future[str]

    def stages(self) -> list[str]:
        """The stages (those that the targets need, targets included; else all), each after what it depends on.

        Raises:
            PipelineError: DVC cannot read its graph, or has no stage of that name.
        """
        sorter: graphlib.TopologicalSorter[str] = graphlib.TopologicalSorter()
        for dag in self._dags:
            for line in dag.result().splitlines():
                names = re.findall(r'"([^"]+)"', line)
                if names and COMPARE not in line:  # `"stage";` or `"before" -> "after";`
                    sorter.add(*reversed(names))
        return list(sorter.static_order())

    def up_to_date(self, forced: Collection[str] = ()) -> set[str]:
        """Of `stages()`, those before the first that is to run: all at once cost what one `dvc repro` does.

        Raises:
            PipelineError: As `stages`, or DVC cannot tell.
        """
        touched = json.loads(self._status.result())
        return set(itertools.takewhile(lambda stage: stage not in touched and stage not in forced, self.stages()))


@contextmanager
def looking(targets: Sequence[str] | None = None) -> Iterator[Look]:
    """Ask DVC about the stages that `targets` need, or all, while this process goes on: both take seconds to begin."""
    with ThreadPoolExecutor() as pool:
        dags = [pool.submit(_ask_dvc, ["dag", "--dot", *named]) for named in ([[t] for t in targets or ()] or [[]])]
        yield Look(dags, pool.submit(_ask_dvc, ["status", "--json", "dvc.yaml"]))


@contextmanager
def pipeline_run(tags: Mapping[str, str], targets: Sequence[str] | None = None) -> Iterator[tuple[ParentRun, Look]]:
    """The checks, the lock and the parent run around a pass over the pipeline, and what DVC says of it.

    Raises:
        PipelineError: Parameters are wrong, another pass is at work here, or MLflow's store cannot be written.
    """
    with held(), looking(targets) as look, tracked(tags) as parent:
        yield parent, look


@contextmanager
def held() -> Iterator[None]:
    """The workspace, for one pass with parameters that are right.

    Raises:
        PipelineError: Parameters are wrong, or another pass is at work here.
    """
    exit_on_sigterm()
    load_params()
    with workspace_lock():
        yield


@contextmanager
def tracked(tags: Mapping[str, str]) -> Iterator[ParentRun]:
    """A parent run in MLflow.

    Raises:
        PipelineError: Its store cannot be written.
    """
    check_store()
    if os.environ.get("MLFLOW_TRACKING_URI") and TRACKING_URI not in os.environ:
        say(f"warning: MLFLOW_TRACKING_URI is not read; to send runs there, set {TRACKING_URI}")
    mark_dead_runs()
    with open_parent(tags) as parent:
        yield parent


def repro_stage(
    stage: str, parent: ParentRun, on_line: OnLine | None = None, force: bool = False, untouched: bool = False
) -> StageStatus:
    """Bring one stage up to date (its dependencies must be) and stamp it.

    Args:
        stage: Its name in dvc.yaml.
        parent: Gets the outcome; the stage's own run becomes its child.
        on_line: Given each line of output; None leaves it on the terminal, where bars can be drawn.
        force: Run it although nothing changed.
        untouched: It is known to be up to date (`Look.up_to_date`): DVC need not be asked again.

    Returns:
        `executed`, or `reused` where the results were there already or came out of DVC's run cache.

    Raises:
        StageFailedError: The stage failed.
    """
    if untouched:
        (on_line or say)(f"stage {stage}: nothing changed")
        _stamp(stage, parent, "reused")
        return "reused"
    environment = child_environment() | ({PARENT_RUN_ID: parent.run_id} if parent.run_id else {})
    started = datetime.now(UTC)
    command = ["dvc", "repro", "--single-item", *(["--force"] if force else []), stage]
    statuses: list[int] = []

    def read(line: str) -> None:
        statuses.extend(int(number) for number in re.findall(r"exited with (-?\d+)$", line))
        if on_line is not None:
            on_line(line)

    if run_group(command, environment, read if on_line else None) != 0:
        parent.stamp(stage, "failed")
        raise StageFailedError(stage, statuses[-1] if statuses else None)
    status = _status_since(stage, started)
    _stamp(stage, parent, status)
    return status


def _stamp(stage: str, parent: ParentRun, status: StageStatus) -> None:
    parent.stamp(stage, status)
    if stage == "report" and has_passed():
        keep_champion()  # a report that was reused has registered nothing


@contextmanager
def workspace_lock() -> Iterator[None]:
    """Hold the workspace for one pass: DVC gives its own lock free while a stage's command runs.

    Raises:
        PipelineError: Another pass holds it.
    """
    LOCK_FILE.parent.mkdir(parents=True, exist_ok=True)
    with LOCK_FILE.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip()
            raise PipelineError(
                f"{Path.cwd()}: the pipeline is running here already (process {owner}); wait or stop it"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def run_group(
    command: Sequence[str],
    environment: Mapping[str, str],
    on_line: OnLine | None,
    begun: list[subprocess.Popen[str]] | None = None,
) -> int:
    """Run `command` in a process group of its own that never outlives this call, nor this process; its exit status.

    Args:
        begun: Is given the process, which another thread may stop.
    """
    tether = (sys.executable, "-m", "components.tether", str(os.getpid()))
    output = subprocess.PIPE if on_line else None
    errors = subprocess.STDOUT if on_line else None
    process = subprocess.Popen(
        [*tether, *command],
        env=environment,
        stdout=output,
        stderr=errors,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    if begun is not None:
        begun.append(process)
    try:
        if process.stdout is not None and on_line is not None:
            for line in process.stdout:
                on_line(line.rstrip())
        return process.wait()
    finally:
        stop_group(process)


def stop_group(process: subprocess.Popen[str]) -> None:
    """End what is left of the group that `process` leads: SIGTERM, then SIGKILL after a grace period."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + GRACE_S
        try:
            os.killpg(process.pid, number)
            while time.monotonic() < deadline:
                process.poll()  # reaps the leader, which would count as alive
                os.killpg(process.pid, 0)
                time.sleep(0.05)
        except ProcessLookupError:
            return


def _status_since(stage: str, started: datetime) -> StageStatus:
    receipt = read_receipt(stage)
    if receipt is None or datetime.fromisoformat(receipt["started"]) < started:
        return "reused"
    return "executed"


def _ask_dvc(arguments: Sequence[str]) -> str:
    done = subprocess.run(["dvc", *arguments], env=child_environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), done.stderr)
        raise PipelineError(f"dvc cannot read the pipeline: {reason.removeprefix('ERROR: ').strip()}")
    return done.stdout
