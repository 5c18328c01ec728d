"""`pb-rlsvr verify`: read and judge final answers, one JSON row a line in, the same row with a verdict out."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from components.answers import verify
from components.contracts import ContractError
from components.lang.share import response_shares

STDIN = Path("-")
_TEXT_OR_NONE = (str, type(None))  # unions made at each row would cost more than the checks
_GOLDS = (str, int, float, type(None))
_ENCODER = json.JSONEncoder(ensure_ascii=False)


def verify_file(path: Path, out: BinaryIO, *, with_language: bool) -> None:
    """Judge every row of a JSONL file (`-`: standard input), and write each as soon as it is judged.

    A row has `lang`, `text` and `gold` (null where nobody knows it), and may have `choices` (texts) and `prompt`, whose
    names then count for no language. Whatever else it has is kept. Added, or replaced, are `answer`, `path`, `correct`,
    `ambiguous`, and with language `language` and `language_share`.

    Raises:
        ContractError: The file is not readable, or a line is no such row; rows before it are written.
    """
    unreadable: list[str] = []
    num_rows = 0
    with _opened(path) as lines:
        for num_rows, row in enumerate(_rows(path, lines), start=1):  # noqa: B007 - counts after the loop
            out.write(_ENCODER.encode(_judged(row, with_language, unreadable)).encode() + b"\n")
            if path == STDIN:
                out.flush()
    out.flush()
    if unreadable:
        which = f"{len(unreadable)} of {num_rows} golds, the first {unreadable[0]!r}"
        told = f"{which}, are no number, fraction, time or letter A to J; `correct` is null there"
        print(f"pb-rlsvr: {path}: {told}", file=sys.stderr)


def _judged(row: dict[str, Any], with_language: bool, unreadable: list[str]) -> dict[str, Any]:
    text, lang, gold = row["text"], row["lang"], row["gold"]
    try:
        verdict = verify(
            text, gold if isinstance(gold, _TEXT_OR_NONE) else _written(gold), lang, row.get("choices") or ()
        )
    except ValueError:
        unreadable.append(str(gold))
        verdict = verify(text, None, lang, row.get("choices") or ())
    told: dict[str, Any] = {
        "answer": verdict.answer,
        "path": verdict.path,
        "correct": verdict.correct,
        "ambiguous": verdict.ambiguous,
    }
    if with_language:
        shares = response_shares(text, lang, row.get("prompt") or "")[1]
        told |= {"language": shares.language, "language_share": round(shares.share, 4)}
    return row | told


def _written(gold: float) -> str:
    return format(Decimal(str(gold)), "f")


def _rows(path: Path, lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            row = json.loads(line)
        except ValueError as error:  # not JSON, or not UTF-8
            raise ContractError(f"{where}: not a JSON row ({error}); write one object a line") from None
        if problem := _problem(row):
            raise ContractError(f"{where}: {problem}")
        yield row


def _problem(row: Any) -> str | None:  # noqa: ANN401 - whatever JSON holds
    if not isinstance(row, dict):
        return "not an object; write one with `lang`, `text` and `gold`"
    for key in ("lang", "text"):
        if not isinstance(row.get(key), str):
            return f"`{key}` must be a string"
    if "gold" not in row:
        return "`gold` is missing; write null where nobody knows it"
    if isinstance(row["gold"], bool) or not isinstance(row["gold"], _GOLDS):
        return "`gold` must be a string, a number or null"
    if not isinstance(row.get("prompt", ""), _TEXT_OR_NONE):
        return "`prompt` must be a string"
    choices = row.get("choices")
    if choices is not None and not (
        isinstance(choices, list) and len(choices) <= 10 and all(isinstance(choice, str) for choice in choices)
    ):
        return "`choices` must be a list of at most 10 strings"
    return None


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if path == STDIN:
        yield sys.stdin.buffer
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise ContractError(f"{path}: {error.strerror}; give a JSONL file, or - for standard input") from None
    with file:
        yield file
