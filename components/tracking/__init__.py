"""The pipeline's numbers in MLflow. The only package that imports mlflow, and only inside functions.

But for served_model.py, which MLflow itself runs.
"""

from components.tracking.comparison import log_comparison, reward_figures
from components.tracking.dead import mark_dead_runs
from components.tracking.lookup import KnownRun, KnownVersion, Lookup
from components.tracking.parent import ParentRun, StageStatus, open_parent
from components.tracking.receipt import make_receipt, read_receipt
from components.tracking.registry import CHAMPION, MODEL, keep_champion, register_champion
from components.tracking.run import TrackedRun, logged_params, numbers, tracked_run
from components.tracking.store import check_store
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
    "keep_champion",
    "log_comparison",
    "logged_params",
    "make_receipt",
    "mark_dead_runs",
    "numbers",
    "open_parent",
    "read_receipt",
    "register_champion",
    "reward_figures",
    "tracked_run",
]
