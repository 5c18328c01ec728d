"""Readers and writers: JSONL for text that people read, Parquet for tables, JSON for small keyed results.

Writing is atomic (temporary file, then rename): a crash leaves the old file or none. Reading names the file, the
line and the field that broke the contract.
"""

import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from components.contracts.errors import ContractError, first_problem

R = TypeVar("R", bound=BaseModel)

_RUN_THE_STAGE = "run the stage that writes it (`dvc repro`)"


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all.

    Raises:
        ContractError: The folder is not writable.
    """
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401 - whatever json can write
    """Write `value` as indented JSON with sorted keys, atomically; NaN is refused."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def write_records(path: Path, records: Iterable[BaseModel]) -> None:
    """Write one JSON object a line, atomically."""
    write_text(path, "".join(record.model_dump_json() + "\n" for record in records))


def read_records(path: Path, model: type[R], advice: str = _RUN_THE_STAGE) -> list[R]:
    """Read a JSONL file of `model`; `advice` is what to do where it is missing.

    Raises:
        ContractError: The file is missing, is not UTF-8, or a line breaks the contract (file, line and field named).
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ContractError(f"{path}: {error.strerror}; {advice}") from None
    records = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            records.append(model.model_validate_json(line.decode()))
        except UnicodeDecodeError as error:
            raise ContractError(
                f"{path}:{number}: not UTF-8 at byte {error.start} of the line; save it as UTF-8"
            ) from None
        except ValidationError as error:
            raise ContractError(f"{path}:{number}: field {first_problem(error, 'line')}") from None
    return records


def write_table(path: Path, records: Sequence[BaseModel], model: type[BaseModel]) -> None:
    """Write records as one Parquet table with `model`'s columns, atomically (also where there are no rows)."""
    import pandas as pd

    frame = pd.DataFrame([record.model_dump() for record in records], columns=list(model.model_fields))
    buffer = BytesIO()
    frame.to_parquet(buffer, index=False)
    write_bytes(path, buffer.getvalue())


def read_table(path: Path, model: type[R]) -> list[R]:
    """Read a Parquet table of `model`.

    Raises:
        ContractError: The file is missing or unreadable, or a row breaks the contract (file, row and field named).
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowInvalid) as error:
        raise ContractError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})") from None
    records = []
    for number, row in enumerate(rows):
        try:
            records.append(model.model_validate(row))
        except ValidationError as error:
            raise ContractError(f"{path}: row {number}: field {first_problem(error, 'line')}") from None
    return records


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data`, whole or not at all.

    Raises:
        ContractError: The folder is not writable.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise ContractError(f"{path}: cannot write here ({error.strerror}); make its folder writable") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
