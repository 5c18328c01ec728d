"""One MLflow run: parameters, metrics over steps, artifacts, and an end that tells how it went."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from components.tracking.store import EXPERIMENT, Store

Status = Literal["FINISHED", "FAILED", "KILLED"]


class TrackedRun:
    """A run in the store, or none where the store could not be reached. Every call outlives an outage."""

    def __init__(self, store: Store, run_id: str | None) -> None:
        self.store = store
        self.run_id = run_id

    @property
    def degraded(self) -> bool:
        """Whether anything of this run is missing in the store."""
        return self.store.degraded

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log nested parameters under dotted keys (`train.steps`)."""
        from mlflow.entities import Param

        entries = [Param(key, _text(value)) for key, value in flatten(params, ".").items()]
        self._log_batch(params=entries)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Log all `metrics` at `step` in one call."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._log_batch(metrics=[Metric(key, float(value), now, step) for key, value in metrics.items()])

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags; setting one again replaces it."""
        from mlflow.entities import RunTag

        self._log_batch(tags=[RunTag(key, value) for key, value in tags.items()])

    def log_json(self, value: Any, name: str) -> None:  # noqa: ANN401 - whatever json can write
        """Store `value` as the artifact `name`."""
        run_id = self.run_id
        if run_id is not None:
            self.store.attempt(lambda client, _: client.log_dict(run_id, value, name))

    def log_artifact(self, path: Path) -> None:
        """Store a file, or a folder under its own name."""
        run_id = self.run_id
        if run_id is None:
            return
        if path.is_dir():
            self.store.attempt(lambda client, _: client.log_artifacts(run_id, str(path), path.name))
        else:
            self.store.attempt(lambda client, _: client.log_artifact(run_id, str(path)))

    def finish(self, status: Status) -> None:
        """End the run."""
        run_id = self.run_id
        if run_id is not None:
            self.store.resume()
            self.store.attempt(lambda client, _: client.set_terminated(run_id, status))

    def _log_batch(self, **entries: Any) -> None:  # noqa: ANN401 - mlflow's three lists of entities
        run_id = self.run_id
        if run_id is not None:
            self.store.attempt(lambda client, _: client.log_batch(run_id, **entries))


@contextmanager
def tracked_run(
    name: str, tags: Mapping[str, str], parent_run_id: str | None = None, experiment: str = EXPERIMENT
) -> Iterator[TrackedRun]:
    """A run around a block: FINISHED after it, FAILED on an error, KILLED if stopped from outside."""
    store = Store(experiment)
    all_tags = dict(tags) | ({"mlflow.parentRunId": parent_run_id} if parent_run_id else {})
    created = store.attempt(lambda client, number: client.create_run(number, run_name=name, tags=all_tags))
    run = TrackedRun(store, created.info.run_id if created is not None else None)
    try:
        yield run
    except BaseException as error:
        # What stops a program from outside (KeyboardInterrupt, Terminated, Prefect's own) is no `Exception`.
        failed = isinstance(error, Exception) or type(error) is SystemExit
        run.finish("FAILED" if failed else "KILLED")
        raise
    run.finish("FINISHED")


def numbers(stage: str, metrics: Mapping[str, Any]) -> dict[str, float]:
    """A stage's final metrics as MLflow can hold them: flat, under names that no metric of a step has."""
    flat = flatten(metrics, "/", f"{stage}/")
    return {_metric_name(key): float(value) for key, value in flat.items() if type(value) in (int, float)}


def _metric_name(key: str) -> str:
    """As MLflow takes it: few marks, and no path that leads up (families and sources are named after users' files)."""
    parts = (re.sub(r"[^\w. -]", "_", part) for part in key.split("/"))
    return "/".join(part for part in parts if part.strip("._ "))


def flatten(nested: Mapping[str, Any], separator: str, prefix: str = "") -> dict[str, Any]:
    """Turn `{"es": {"accuracy": 0.5}}` into `{"es/accuracy": 0.5}` (separator `/`)."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, separator, f"{prefix}{key}{separator}")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _text(value: Any) -> str:  # noqa: ANN401 - a leaf of the parameters
    return value if isinstance(value, str) else json.dumps(value)
