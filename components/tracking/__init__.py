"""The pipeline's numbers in MLflow. The only package that imports mlflow, and only inside functions."""

from components.tracking.comparison import log_comparison, reward_figures
from components.tracking.parent import ParentRun, StageStatus, open_parent
from components.tracking.receipt import make_receipt, read_receipt
from components.tracking.run import TrackedRun, numbers, tracked_run
from components.tracking.store import check_store
from components.tracking.unfinished import UnfinishedRun

__all__ = [
    "ParentRun",
    "StageStatus",
    "TrackedRun",
    "UnfinishedRun",
    "check_store",
    "log_comparison",
    "make_receipt",
    "numbers",
    "open_parent",
    "read_receipt",
    "reward_figures",
    "tracked_run",
]
