"""What the store could not take yet: kept in order on the disk, and sent when the store is back.

`mlruns/spool/<id>.jsonl` holds the run's header, then an entry a line, and `<id>.artifacts` copies of the files that
wait, since others take their place. The process that writes it holds its lock, so a file without a lock belongs to a
process that has ended: the next run with the same store sends it. Sending an entry twice changes nothing, since it
carries its own time and step.
"""

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.environment import MLRUNS
from components.progress import say
from components.tracking.store import store_name

if TYPE_CHECKING:
    from mlflow import MlflowClient

SPOOL = MLRUNS / "spool"

_OUTAGES = (401, 403, 404, 429)
"""Refusals that end: a login is mended, what stands before a server finds it again, a rush is over."""

Entry = dict[str, Any]


class Spool:
    """One run's entries that wait, oldest first. `header` has `experiment`, `run_id` or None, and how to create it."""

    def __init__(self, header: Entry, path: Path | None = None) -> None:
        """`path`: the file of another process that is taken over."""
        self.header = header
        self.entries: list[Entry] = []
        self.path = path or SPOOL / f"{uuid.uuid4().hex}.jsonl"
        self._not_on_disk: list[Entry] = []
        self._file = -1
        self._num_bytes = 0
        self._told: set[str] = set()

    @property
    def is_on_disk(self) -> bool:
        """Whether all that waits would outlive this process."""
        return not self._not_on_disk

    def add(self, entry: Entry) -> None:
        """Put `entry` at the end."""
        self.entries.append(entry)
        self._not_on_disk.append(entry)

    def keep(self) -> None:
        """See that all that waits is on the disk. What finds no room there waits in memory, and is tried again."""
        try:
            self._open()
            while self._not_on_disk:
                self._copy_artifact(self._not_on_disk[0])
                self._write(self._not_on_disk[0])
                del self._not_on_disk[0]
        except OSError as error:
            self._warn(
                f"cannot write ({error.strerror}); make room: what MLflow has not taken is lost if this process ends"
            )

    def name_run(self, run_id: str) -> None:
        """The run has been created: whoever sends what is left must find it."""
        self.header["run_id"] = run_id
        if self._file >= 0:  # its header says that there is none
            self._not_on_disk.insert(0, {"kind": "run", "run_id": run_id})
            self.keep()

    def sent(self) -> None:
        """Nothing waits any longer."""
        self.entries.clear()
        self._not_on_disk.clear()
        if self._file >= 0:
            self.path.unlink(missing_ok=True)
            shutil.rmtree(self._copies, ignore_errors=True)
        self.leave()

    def leave(self) -> None:
        """Leave what waits to the next run."""
        if self._file < 0:
            return
        if self._num_bytes == 0:  # not even the header found room
            self.path.unlink(missing_ok=True)
        os.close(self._file)
        self._file = -1

    @property
    def _copies(self) -> Path:
        return self.path.with_suffix(".artifacts").resolve()

    def _open(self) -> None:
        if self._file < 0:
            SPOOL.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
            except BaseException:
                os.close(file)
                raise
            self._file, self._num_bytes = file, os.fstat(file).st_size
        if self._num_bytes == 0:
            self._write(self.header)

    def _write(self, entry: Entry) -> None:
        """Append a line whole, or leave the file as it was."""
        line = data = (json.dumps(entry) + "\n").encode()
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except BaseException:
            os.ftruncate(self._file, self._num_bytes)
            raise
        self._num_bytes += len(line)

    def _copy_artifact(self, entry: Entry) -> None:
        """Have `entry` name a copy of its file or folder: the next pass writes another in its place."""
        if entry["kind"] != "artifact":
            return
        path = Path(entry["path"])
        if path.is_relative_to(self._copies) or not path.exists():
            return
        copy = self._copies / uuid.uuid4().hex / path.name
        try:
            copy.parent.mkdir(parents=True)
            if path.is_dir():
                shutil.copytree(path, copy)
            else:
                shutil.copy2(path, copy)
        except OSError as error:
            shutil.rmtree(copy.parent, ignore_errors=True)
            reason = error.strerror or "of a whole folder"
            self._warn(f"no copy can be made ({reason}); make room: MLflow gets files as they are when it is back")
        else:
            entry["path"] = str(copy)

    def _warn(self, message: str) -> None:
        if message not in self._told:
            say(f"warning: {SPOOL}: {message}")
        self._told.add(message)


def abandoned() -> Iterator[Spool]:
    """What waits for this store and belongs to no process any longer; its lock is held while it is looked at."""
    for path in sorted(SPOOL.glob("*.jsonl")):
        spool = _take(path)
        if spool is None:
            continue
        try:
            if spool.header.get("store", store_name()) == store_name():  # older files name none
                yield spool
        finally:
            spool.leave()


def _take(path: Path) -> Spool | None:
    """Lock and read the file of an ended process; one that cannot be read is put out of the way."""
    file = _lock(path)
    if file < 0:
        return None
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]  # the last line can be torn
    if not content:  # its process is about to write
        os.close(file)
        return None
    try:
        header, entries = _parse(whole)
    except (ValueError, KeyError, TypeError):
        broken = path.rename(path.with_suffix(".broken"))
        os.close(file)
        say(f"warning: {path}: cannot be read and is now {broken.name}; MLflow lacks what it holds, remove it")
        return None
    os.ftruncate(file, len(whole))
    spool = Spool(header, path)
    spool.entries, spool._file, spool._num_bytes = entries, file, len(whole)
    return spool


def _lock(path: Path) -> int:
    """The file, locked; -1 where its process is alive, another one has just sent it, or it is another user's."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND)
    except OSError:
        return -1
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file).st_nlink:  # else it was sent and removed after it was opened
            return file
    except OSError:
        pass
    os.close(file)
    return -1


def _parse(whole: bytes) -> tuple[Entry, list[Entry]]:
    header, *lines = [json.loads(line) for line in whole.splitlines()]
    runs = [line["run_id"] for line in lines if line["kind"] == "run"]
    known = runs[-1] if runs else header["run_id"]
    named = {"experiment": header["experiment"], "creation": header["creation"], "run_id": known}
    return header | named, [line for line in lines if line["kind"] != "run"]


def deliver(client: "MlflowClient", run_id: str, entry: Entry) -> None:
    """Send one entry. What MLflow refuses for good is told and left out: it would hold up all that comes after it."""
    from mlflow.exceptions import MlflowException

    try:
        _deliver(client, run_id, entry)
    except MlflowException as error:
        status = int(error.get_http_status_code())  # type: ignore[no-untyped-call] # MLflow's
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise OSError(f"no run {run_id} there; if it is gone for good, remove its file in {SPOOL}") from None
        if status in _OUTAGES or not 400 <= status < 500:
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
