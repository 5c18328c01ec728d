"""Text files as rows that count from 0."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.contracts import PipelineError
from components.problems.sources.problem import at_row


def read_text(path: Path) -> str:
    """The whole file as text; a byte order mark is no part of it.

    Raises:
        PipelineError: It cannot be opened, or is not UTF-8.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PipelineError(f"{path}: {error.strerror}; name a file under `problems.sources`") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PipelineError(f"{path}: line {line} is not UTF-8; save the file as UTF-8") from None


def read_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row, object) of every line that is not blank; blank ones count, so row N is line N + 1.

    Raises:
        PipelineError: The file cannot be read, or a line is no JSON object.
    """
    for row, line in enumerate(read_text(path).split("\n")):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise at_row(path, row, f"not readable as JSON ({error})") from None
        if not isinstance(value, dict):
            raise at_row(path, row, "not a JSON object")
        yield row, value
