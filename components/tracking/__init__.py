"""The pipeline's numbers in MLflow, which is imported inside functions alone (`promotion` has MLflow's registry)."""

from components.tracking.comparison import log_comparison, reward_figures
from components.tracking.dead import mark_dead_runs
from components.tracking.lookup import KnownRun, KnownVersion, Lookup
from components.tracking.parent import ParentRun, StageStatus, open_parent
from components.tracking.receipt import make_receipt, read_receipt
from components.tracking.run import TrackedRun, logged_params, numbers, tracked_run
from components.tracking.store import CHAMPION, MODEL, check_store
from components.tracking.unfinished import UnfinishedRun

__all__ = [
    "CHAMPION",
    "MODEL",
    "KnownRun",
    "KnownVersion",
    "Lookup",
    "ParentRun",
    "StageStatus",
    "TrackedRun",
    "UnfinishedRun",
    "check_store",
    "log_comparison",
    "logged_params",
    "make_receipt",
    "mark_dead_runs",
    "numbers",
    "open_parent",
    "read_receipt",
    "reward_figures",
    "tracked_run",
]
