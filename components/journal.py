"""Finished pieces of a long generation, kept outside DVC's outputs so that a killed stage goes on where it was.

DVC deletes a stage's outputs before it runs, so unfinished work lives in `.checkpoints/<stage>/<fingerprint>/`. The
fingerprint covers all that shapes the result: other parameters or inputs find an empty journal.

`journal.jsonl` holds one line a piece, `{"key": ..., "records": [...]}`. A line is appended whole and on the disk
before its piece counts as finished; only the last line can be torn, and then its piece is done again.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from components.contracts import ContractError, PipelineError, first_problem

R = TypeVar("R", bound=BaseModel)
ROOT = Path(".checkpoints")


@dataclass(frozen=True, slots=True)
class _Piece:
    line: int
    """In the file, from 1."""
    records: list[Any]


class Journal:
    """One stage's finished pieces, for one process at a time. Opening one removes those of other fingerprints.

    All methods may be called from several threads.
    """

    def __init__(self, stage: str, stage_fingerprint: str) -> None:
        """Take the stage's lock and read what is finished.

        Raises:
            PipelineError: Another process holds the lock (which the kernel frees when that process ends, however).
            ContractError: A line other than the last is broken.
        """
        self.folder = ROOT / stage / stage_fingerprint
        self.path = self.folder / "journal.jsonl"
        self._writing = Lock()
        self._lock_file, self._file = _lock(stage), -1
        try:
            self._open()
        except BaseException:
            self.release()
            raise

    def piece(self, key: str, model: type[R], compute: Callable[[], Sequence[R]]) -> list[R]:
        """The records of one piece: read if they are there, else computed and appended."""
        if key in self:
            return self.read(key, model)
        records = list(compute())
        self.append(key, records)
        return records

    def __contains__(self, key: str) -> bool:
        """Whether the piece `key` is finished."""
        return key in self._pieces

    def read(self, key: str, model: type[R]) -> list[R]:
        """The records of a finished piece.

        Raises:
            KeyError: The piece is not finished.
            ContractError: The line holds other records than `model`.
        """
        piece = self._pieces[key]
        try:
            return [model.model_validate(record) for record in piece.records]
        except ValidationError as error:
            raise ContractError(f"{self.path}:{piece.line}: field {first_problem(error)}; {_MEND}") from None

    def append(self, key: str, records: Sequence[BaseModel]) -> None:
        """Keep a finished piece; it is on the disk when this returns.

        Raises:
            ValueError: A piece of this key is finished already.
            PipelineError: It cannot be written (disk full); the journal is left as it was.
        """
        dumped = [record.model_dump(mode="json") for record in records]
        line = json.dumps({"key": key, "records": dumped}, ensure_ascii=False).encode() + b"\n"
        with self._writing:
            if key in self:
                raise ValueError(f"{self.path}: piece `{key}` is finished already")
            try:
                _write_whole(self._file, line)
            except BaseException as error:
                os.ftruncate(self._file, self._num_bytes)
                if isinstance(error, OSError):
                    raise PipelineError(f"{self.path}: cannot write ({error.strerror}); make room") from None
                raise
            self._num_bytes += len(line)
            self._num_lines += 1
            self._pieces[key] = _Piece(self._num_lines, dumped)

    def release(self) -> None:
        """Let go of file and lock, and keep what is finished for the next process."""
        for file in (self._file, self._lock_file):
            if file >= 0:
                os.close(file)
        self._file = self._lock_file = -1

    def close(self) -> None:
        """Remove the journal, after the stage's outputs are written."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.release()

    def _open(self) -> None:
        for other in self.folder.parent.glob("*"):
            if other != self.folder:
                shutil.rmtree(other)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._pieces, self._num_bytes = _read(self.path)
        self._num_lines = len(self._pieces)
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.ftruncate(self._file, self._num_bytes)


def kept_journal(what: str, model: str) -> Journal:
    """For what a served model answers, known by its prompt: to be released, never closed, because it costs hours.

    It outlives the stage, so that a change of what is made of the answers asks for none of them again.

    Args:
        what: `pivot` or `translations`.
        model: The server's name for it; each has a file of its own, `.checkpoints/WHAT-MODEL/answers/journal.jsonl`
            with MODEL quoted as in an address.

    Raises:
        PipelineError, ContractError: As `Journal`.
    """
    return Journal(f"{what}-{quote(model, safe='')}", "answers")


_MEND = "remove that line and its piece is done again"


def _lock(stage: str) -> int:
    """Lock `.checkpoints/<stage>.lock`, which stays behind: removing it would let two processes lock two files."""
    path = ROOT / f"{stage}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise PipelineError(f"{path}: cannot write here ({error.strerror}); make its folder writable") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(file, 32).decode().strip() or "unknown"
        os.close(file)
        message = f"stage `{stage}` is already at work in this folder (process {holder}); wait for it or stop it"
        raise PipelineError(message) from None
    except OSError as error:
        os.close(file)
        raise PipelineError(f"{path}: cannot be locked ({error.strerror}); use a local disk") from None
    os.ftruncate(file, 0)
    os.write(file, f"{os.getpid()}\n".encode())
    return file


def _read(path: Path) -> tuple[dict[str, _Piece], int]:
    """The finished pieces, and how many bytes of the file they take (a torn last line is left out)."""
    whole, _, _ = path.read_bytes().rpartition(b"\n") if path.exists() else (b"", b"", b"")
    pieces: dict[str, _Piece] = {}
    for number, line in enumerate(whole.split(b"\n") if whole else [], start=1):
        try:
            entry = json.loads(line)
            key, records = str(entry["key"]), list(entry["records"])
        except (ValueError, KeyError, TypeError):
            raise ContractError(f"{path}:{number}: not a finished piece; {_MEND}") from None
        if key in pieces:
            raise ContractError(f"{path}:{number}: piece `{key}` is already in line {pieces[key].line}; {_MEND}")
        pieces[key] = _Piece(number, records)
    return pieces, len(whole) + 1 if whole else 0


def _write_whole(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
    os.fsync(file)
