"""The receipt of a stage run: which run made these results, from which code and versions, on what machine.

A receipt is a label, never an input of another stage: two runs with equal results have different receipts.
"""

import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from components.environment import num_cores

RECEIPTS = Path("runs")
PACKAGES = (
    "accelerate", "datasets", "dvc", "mlflow", "numpy", "peft", "prefect", "sentence-transformers",
    "tokenizers", "torch", "transformers", "trl",
)  # fmt: skip
# What stages write and Git tracks: it changes while the pipeline runs and says nothing about the code.
RESULTS = ("dvc.lock", "compare/dvc.lock", "metrics", "runs", "plots", "report")


def make_receipt(stage: str, run_id: str | None, started: datetime, seconds: float, degraded: bool) -> dict[str, Any]:
    """Everything that identifies a finished run of `stage`, ready for JSON."""
    return {
        "stage": stage,
        "run_id": run_id,
        "started": started.isoformat(),
        "seconds": round(seconds, 1),
        "tracking_degraded": degraded,
        "git": git_state(),
        "versions": {"python": platform.python_version(), **_versions()},
        "machine": {"cpu": _cpu_model(), "cores": num_cores(), "system": platform.platform()},
    }


def read_receipt(stage: str) -> Mapping[str, Any] | None:
    """The receipt of the run whose results are in the workspace; None where the stage has no results."""
    path = RECEIPTS / f"{stage}.json"
    if not path.exists():
        return None
    receipt: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return receipt


def git_state() -> dict[str, Any]:
    """The commit, and whether anything but results differs from it; None where this is no Git checkout."""
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--", ".", *(f":!{path}" for path in RESULTS))
    return {"commit": commit, "dirty": None if changes is None else bool(changes)}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in PACKAGES}


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
