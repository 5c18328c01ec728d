"""The parent run of one pass over the pipeline, and the stamps that join MLflow runs to DVC's content hashes.

DVC rewrites `dvc.lock` after a stage has finished, so a stage cannot know its own hashes: they are stamped on
its run afterwards. Stamping is idempotent; `pb-rlsvr repro` and the Prefect flow use the same code.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml

from components.tracking.receipt import git_state, read_receipt
from components.tracking.run import TrackedRun, numbers, tracked_run

if TYPE_CHECKING:
    from mlflow import MlflowClient

StageStatus = Literal["executed", "reused", "failed"]

LOCK = Path("dvc.lock")
HEADLINE, SUMMARY = Path("metrics/evaluate.json"), Path("metrics/report.json")
_FINISHED = "tags.`stage.report.status` LIKE '%' and attributes.status = 'FINISHED'"
REPORT = tuple(Path("report") / name for name in ("report.html", "report.md", "model_card.md"))


class ParentRun:
    """One pass over the pipeline."""

    def __init__(self, run: TrackedRun) -> None:
        self._run = run

    @property
    def run_id(self) -> str | None:
        """What stage processes are told, so that their runs become children; None during an outage."""
        return self._run.run_id

    @property
    def experiment_id(self) -> str:
        """Of the run, in MLflow; empty during an outage."""
        return self._run.store.attempt(lambda _, number: number) or ""

    def metrics(self) -> dict[str, float]:
        """The numbers that this pass has so far; none during an outage."""
        run_id = self.run_id
        found = run_id and self._run.store.attempt(lambda client, _: client.get_run(run_id))
        return dict(found.data.metrics) if found else {}

    def metrics_before(self) -> dict[str, float]:
        """Those of the newest pass that was finished; none where there is no other, or during an outage."""
        found = self._run.store.attempt(
            lambda client, number: client.search_runs(
                [number], _FINISHED, order_by=["attributes.start_time DESC"], max_results=1
            )
        )
        return dict(found[0].data.metrics) if found else {}

    def stamp(self, stage: str, status: StageStatus) -> None:
        """Record how `stage` went, and put DVC's hashes on the run that made its results."""
        tags: dict[str, str] = {f"stage.{stage}.status": status}
        if status != "failed":
            tags |= self._stamp_maker(stage)
            self._copy_results(stage)
        self._run.set_tags(tags)

    def attach(self, paths: Iterable[Path]) -> None:
        """Store those of the files `paths` that exist."""
        for path in paths:
            if path.exists():
                self._run.log_artifact(path)

    def _stamp_maker(self, stage: str) -> dict[str, str]:
        receipt = read_receipt(stage)
        run_id = receipt["run_id"] if receipt is not None else None
        if run_id is None:
            return {}
        # A receipt that came with a clone may name a run of another store.
        known = self._run.store.attempt(lambda client, _: _knows(client, run_id))
        if known and LOCK.exists():
            TrackedRun(self._run.store, run_id).set_tags(_lock_tags(stage))
        return {f"stage.{stage}.run_id": run_id}

    def _copy_results(self, stage: str) -> None:
        # With the headline numbers on it, a pass is one full row when passes are compared.
        if stage == HEADLINE.stem and HEADLINE.exists():
            self._run.log_metrics(numbers(stage, json.loads(HEADLINE.read_text(encoding="utf-8"))))
        if stage == "report":
            self.attach(REPORT)
            if SUMMARY.exists():
                told = json.loads(SUMMARY.read_text(encoding="utf-8"))
                self._run.log_metrics(
                    numbers(stage, {name: told.get(name, {}) for name in ("macro", "gap_to_english")})
                )


@contextmanager
def open_parent(tags: Mapping[str, str]) -> Iterator[ParentRun]:
    """The parent run around a pass over the pipeline; ends FINISHED, FAILED or KILLED."""
    git = git_state()
    all_tags = {"git.commit": git["commit"] or "none", "git.dirty": str(git["dirty"]).lower(), **tags}
    name = f"pipeline/{git['commit'][:7]}" if git["commit"] else "pipeline"
    with tracked_run(name, all_tags) as run:
        parent = ParentRun(run)
        try:
            yield parent
        finally:
            # Also after a failure: they tell what was tried.
            parent.attach((LOCK, Path("params.yaml")))


def _knows(client: "MlflowClient", run_id: str) -> bool:
    from mlflow.exceptions import MlflowException

    try:
        client.get_run(run_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return False
        raise
    return True


def _lock_tags(stage: str) -> dict[str, str]:
    content = LOCK.read_bytes()
    # libyaml's loader: the one in Python takes over a second of a pass, which reads the lock file for each stage
    entry: dict[str, Any] = yaml.CSafeLoader(content).get_single_data()["stages"].get(stage, {})
    tags = {"dvc.lock.sha256": hashlib.sha256(content).hexdigest(), "dvc.cmd": str(entry.get("cmd", ""))}
    for kind, key in (("dep", "deps"), ("out", "outs")):
        tags |= {f"dvc.{kind}.{item['path']}": item["md5"] for item in entry.get(key, [])}
    return tags
