"""What a lineage consists of."""

from dataclasses import dataclass
from datetime import datetime

from components.tracking import KnownVersion


@dataclass(frozen=True, slots=True)
class Made:
    """The run that made a stage's results."""

    stage: str
    run_id: str
    started: datetime
    seconds: float | None
    """None where it has not ended."""
    commit: str
    dirty: bool | None
    """None where nobody knows: the stage ran outside a pass."""
    sections: tuple[str, ...]
    """Of params.yaml, as far as the stage takes them."""
    params_hash: str
    deps: dict[str, str]
    """What it read: DVC's MD5 by path."""
    outs: dict[str, str]
    """What it made."""
    dvc_lock_sha256: str | None
    """Of dvc.lock when the stage was last stamped: stages after it may not have been in it yet."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over the pipeline."""

    run_id: str
    started: datetime
    status: str
    commit: str
    dirty: bool
    stages: dict[str, str]
    """`executed`, `reused` or `failed`, by stage."""
    prefect_flow_run_id: str | None
    """None where Prefect did not run it."""
    dvc_lock_sha256: str | None
    """Of dvc.lock as the pass left it; None where it left none."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where an adapter, or a run's results, come from."""

    stages: tuple[Made, ...]
    """Each after those whose results it read."""
    passes: tuple[Pass, ...]
    """Those that made or reused it, newest first."""
    versions: tuple[KnownVersion, ...]
    notes: tuple[str, ...]
    """What is not known, a sentence each."""


@dataclass(frozen=True, slots=True)
class History:
    """What came of a commit."""

    commit: str
    passes: tuple[Pass, ...]
    """Newest first."""
    adapters: tuple[Made, ...]
    """Made by, or reused in, these passes, or trained at the commit outside one."""
    versions: tuple[KnownVersion, ...]
    notes: tuple[str, ...]
