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


def parse_json(text: str) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """What a JSON text holds, fit to be written again.

    Raises:
        ValueError: It is no JSON, is nested too deeply to be read, or escapes half a surrogate pair, which no file in
            UTF-8 can hold.
    """
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeEncodeError:
        raise ValueError(r"half a surrogate pair such as \ud83d, which UTF-8 cannot hold; write both or none") from None
    return value


def read_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row, object) of every line that is not blank; blank ones count, so row N is line N + 1.

    Raises:
        PipelineError: The file cannot be read, or a line is no JSON object.
    """
    for row, line in enumerate(read_text(path).split("\n")):
        if not line.strip():
            continue
        try:
            value = parse_json(line)
        except ValueError as error:
            raise at_row(path, row, f"not readable as JSON ({error})") from None
        if not isinstance(value, dict):
            raise at_row(path, row, "not a JSON object")
        yield row, value
