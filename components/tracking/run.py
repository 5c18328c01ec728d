"""One MLflow run: parameters, metrics over steps, artifacts, and an end that tells how it went."""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from components.progress import say
from components.tracking.dead import process_tags
from components.tracking.spool import Entry, Spool, abandoned, deliver
from components.tracking.store import EXPERIMENT, Store, store_name

if TYPE_CHECKING:
    from mlflow import MlflowClient

Status = Literal["FINISHED", "FAILED", "KILLED"]
LATE = "tracking.late"
"""Tag of runs that the store did not take when they happened."""


class TrackedRun:
    """A run in the store. What the store does not take waits, on the disk, and is sent with what comes later."""

    def __init__(
        self,
        store: Store,
        run_id: str | None,
        creation: Mapping[str, Any] | None = None,
        left: Spool | None = None,
    ) -> None:
        """`creation` is what MLflow creates the run with, where `run_id` is None; `left` what another process left."""
        self.store, self.run_id = store, run_id
        self._creation = dict(creation or {})
        header = {"store": store_name(), "experiment": store.experiment, "run_id": run_id, "creation": self._creation}
        self._spool = left or Spool(header)
        self._is_late = left is not None

    @property
    def degraded(self) -> bool:
        """Whether the store has not taken all of this run, or took some of it late."""
        return self.store.degraded

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log nested parameters under dotted keys (`train.steps`)."""
        self._send({"kind": "params", "values": logged_params(params)})

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Log all `metrics` at `step` in one call."""
        values = {key: float(value) for key, value in metrics.items()}
        self._send({"kind": "metrics", "values": values, "step": step, "at_ms": _now_ms()})

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags; setting one again replaces it."""
        self._send({"kind": "tags", "values": dict(tags)})

    def log_json(self, value: Any, name: str) -> None:  # noqa: ANN401 - whatever json can write
        """Store `value` as the artifact `name`."""
        self._send({"kind": "json", "values": value, "name": name})

    def log_table(self, rows: Sequence[Mapping[str, Any]], name: str) -> None:
        """Store rows as the table `name` (it ends in .json); a column that a row lacks is empty there."""
        columns = list(dict.fromkeys(key for row in rows for key in row))
        data = [[row.get(column) for column in columns] for row in rows]
        self._send({"kind": "table", "values": {"columns": columns, "data": data}, "name": name})

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        """Store a file in `folder`, or a folder under that or its own name."""
        self._send({"kind": "artifact", "path": str(path.resolve()), "folder": folder})

    def finish(self, status: Status) -> None:
        """End the run."""
        self.store.resume()
        self._send({"kind": "end", "status": status, "at_ms": _now_ms()})
        if self._spool.entries:
            kept = "is kept in mlruns/spool: the next run with this store sends it"
            lost = "is lost in part: mlruns/spool had no room for it"
            say(f"warning: what MLflow did not take of this run {kept if self._spool.is_on_disk else lost}")
        self._spool.leave()

    def _send(self, entry: Entry) -> None:
        """Send what waits and then `entry`, or have it wait too."""
        self._spool.add(entry)
        if self.store.attempt(self._deliver_all) is None:
            self._is_late = True
            self._spool.keep()

    def _deliver_all(self, client: "MlflowClient", experiment_id: str) -> bool:
        if self.run_id is None:
            self.run_id = _create(client, experiment_id, self._creation)
            self._spool.name_run(self.run_id)
        entries = self._spool.entries
        while entries:
            deliver(client, self.run_id, entries[0])
            del entries[0]
        if self._is_late:
            deliver(client, self.run_id, {"kind": "tags", "values": {LATE: "true"}})
            self._is_late = False
        self._spool.sent()
        return True


def send_abandoned() -> None:
    """Send what ended processes could not; what cannot be sent now either stays."""
    for spool in abandoned():
        header = spool.header
        run = TrackedRun(Store(header["experiment"]), header["run_id"], header["creation"], spool)
        if run.store.attempt(run._deliver_all):
            say(f"sent to MLflow what waited in {spool.path}")


def _create(client: "MlflowClient", experiment_id: str, creation: Mapping[str, Any]) -> str:
    run = client.create_run(
        experiment_id, run_name=creation["name"], tags=creation["tags"], start_time=creation["at_ms"]
    )
    return str(run.info.run_id)


def _now_ms() -> int:
    return int(time.time() * 1000)


@contextmanager
def tracked_run(
    name: str,
    tags: Mapping[str, str],
    parent_run_id: str | None = None,
    experiment: str = EXPERIMENT,
    reopened: str | None = None,
) -> Iterator[TrackedRun]:
    """A run around a block: FINISHED after it, FAILED on an error, KILLED if stopped from outside.

    Args:
        reopened: The run that goes on, in place of a new one.
    """
    store = Store(experiment)
    send_abandoned()
    all_tags = dict(tags) | process_tags() | ({"mlflow.parentRunId": parent_run_id} if parent_run_id else {})
    creation = {"name": name, "tags": all_tags, "at_ms": _now_ms()}
    run = TrackedRun(store, reopened, creation)
    if reopened is None:
        run.set_tags({})  # creates it
    else:
        store.attempt(lambda client, _: client.update_run(reopened, status="RUNNING"))
        run.set_tags(all_tags)
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
    return {_name(key): float(value) for key, value in flat.items() if type(value) in (int, float)}


def _name(key: str) -> str:
    """As MLflow takes it: few marks, and no path that leads up (families, sources and pools have users' names)."""
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


def logged_params(values: Mapping[str, Any]) -> dict[str, str]:
    """Nested parameters as MLflow has them once they are logged: text under dotted keys."""
    return {_name(key): _text(value) for key, value in flatten(values, ".").items()}


def _text(value: Any) -> str:  # noqa: ANN401 - a leaf of the parameters
    return value if isinstance(value, str) else json.dumps(value)
