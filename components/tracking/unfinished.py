"""The MLflow run of a stage that has not finished, so that its next attempt with the same fingerprint goes on in it."""

import json
from pathlib import Path

from components.contracts import write_json
from components.tracking.store import Store, store_name

ROOT = Path(".checkpoints")


class UnfinishedRun:
    """`.checkpoints/<stage>.run.json`, there from a stage's start until its results are written."""

    def __init__(self, stage: str, fingerprint: str | None) -> None:
        """`fingerprint` None: inputs are missing, so the stage will not get far."""
        self._path = ROOT / f"{stage}.run.json"
        self._of = {"fingerprint": fingerprint, "store": store_name()}
        self._is_known = fingerprint is not None

    def find(self) -> str | None:
        """The run's id, if an attempt with this fingerprint left one that the store still has."""
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # torn or none: a new run
            return None
        run_id = kept.pop("run_id", None)
        if not self._is_known or kept != self._of or run_id is None:
            return None
        found = Store().attempt(lambda client, number: client.search_runs([number], f"attributes.run_id = '{run_id}'"))
        return str(run_id) if found else None

    def keep(self, run_id: str | None) -> None:
        """Remember the run."""
        if self._is_known:
            write_json(self._path, self._of | {"run_id": run_id})

    def clear(self) -> None:
        """The stage has finished."""
        self._path.unlink(missing_ok=True)
