"""What the store could not take yet: kept in order on the disk, and sent when the store is back.

`mlruns/spool/<id>.jsonl` holds the run's header, then an entry a line. The process that writes it holds its lock, so a
file without a lock belongs to a process that has ended: the next run sends it. Sending an entry twice changes nothing,
since it carries its own time and step.
"""

import fcntl
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.environment import MLRUNS
from components.progress import say

if TYPE_CHECKING:
    from mlflow import MlflowClient

SPOOL = MLRUNS / "spool"

Entry = dict[str, Any]


class Spool:
    """One run's entries that wait, oldest first. `header` has `experiment`, `run_id` or None, and how to create it."""

    def __init__(self, header: Entry) -> None:
        self.header = header
        self.entries: list[Entry] = []
        self._not_on_disk: list[Entry] = []
        self._file = -1
        self._path = SPOOL / f"{uuid.uuid4().hex}.jsonl"

    def add(self, entry: Entry) -> None:
        """Put `entry` at the end."""
        self.entries.append(entry)
        self._not_on_disk.append(entry)

    def keep(self) -> None:
        """See that all that waits is on the disk."""
        if self._file < 0:
            SPOOL.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            self._write(self.header)
        for entry in self._not_on_disk:
            self._write(entry)
        self._not_on_disk.clear()

    def sent(self) -> None:
        """Nothing waits any longer."""
        self.entries.clear()
        self._not_on_disk.clear()
        if self._file >= 0:
            self._path.unlink(missing_ok=True)
        self.leave()

    def leave(self) -> None:
        """Leave what waits to the next run."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self, entry: Entry) -> None:
        os.write(self._file, (json.dumps(entry) + "\n").encode())


def abandoned() -> Iterator[tuple[Path, Entry, list[Entry]]]:
    """Path, header and entries of every file whose process has ended; its lock is held while it is looked at."""
    for path in sorted(SPOOL.glob("*.jsonl")):
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            lines = file.read().splitlines(keepends=True)
            whole = [json.loads(line) for line in lines if line.endswith(b"\n")]  # the last can be torn
            if whole:
                yield path, whole[0], whole[1:]


def deliver(client: "MlflowClient", run_id: str, entry: Entry) -> None:
    """Send one entry. What MLflow refuses for good is told and left out: it would hold up all that comes after it."""
    from mlflow.exceptions import MlflowException

    try:
        _deliver(client, run_id, entry)
    except MlflowException as error:
        status = int(error.get_http_status_code())  # type: ignore[no-untyped-call] # MLflow's
        if status in (401, 403) or not 400 <= status < 500:  # a login can be mended
            raise
        say(f"warning: MLflow refuses {entry['kind']} of run {run_id}: {str(error).splitlines()[0]}")
    except FileNotFoundError as error:
        say(f"warning: {error.filename}: no longer there to be stored in MLflow")


def _deliver(client: "MlflowClient", run_id: str, entry: Entry) -> None:
    from mlflow.entities import Metric, Param, RunTag

    values: Any = entry.get("values")
    match entry["kind"]:
        case "metrics":
            metrics = [Metric(key, value, entry["at_ms"], entry["step"]) for key, value in values.items()]
            client.log_batch(run_id, metrics=metrics)
        case "params":
            client.log_batch(run_id, params=[Param(key, value) for key, value in values.items()])
        case "tags":
            client.log_batch(run_id, tags=[RunTag(key, value) for key, value in values.items()])
        case "json":
            client.log_dict(run_id, values, entry["name"])
        case "text":
            client.log_text(run_id, values, entry["name"])
        case "table":
            _deliver_table(client, run_id, values, entry["name"])
        case "artifact":
            path = Path(entry["path"])
            if path.is_dir():
                client.log_artifacts(run_id, str(path), entry["folder"] or path.name)
            else:
                path.stat()  # else an OSError without a name, which would pass for an outage
                client.log_artifact(run_id, str(path), entry["folder"])
        case "end":
            client.set_terminated(run_id, entry["status"], entry["at_ms"])


def _deliver_table(client: "MlflowClient", run_id: str, table: Entry, name: str) -> None:
    """`log_table` would add the rows to those of a table that is there: that one is replaced, in MLflow's own form."""
    if name in (file.path for file in client.list_artifacts(run_id)):
        client.log_dict(run_id, table, name)
    else:
        rows = zip(*table["data"], strict=True)
        client.log_table(run_id, dict(zip(table["columns"], map(list, rows), strict=True)), name)
