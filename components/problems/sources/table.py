"""A table of one's own: JSONL, CSV (UTF-8, a header, commas) or Parquet, by the file's ending."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from components.contracts import PipelineError
from components.params import SourceParams
from components.problems.sources.columns import Row, read_columns
from components.problems.sources.lines import read_jsonl, read_text
from components.problems.sources.problem import SourceProblem, at_row


def read_table(params: SourceParams) -> list[SourceProblem]:
    """All problems of the table; the family is the file's name.

    Raises:
        PipelineError: The ending is another one, the file is not readable, or a row breaks a rule of `read_columns`.
    """
    path = Path(params.path)
    if path.suffix not in READERS:
        raise PipelineError(f"{path}: format `table` reads {', '.join(READERS)}; give the file one of these endings")
    return read_columns(params, _filled(READERS[path.suffix](path)), path.stem)


def _filled(numbered: Iterable[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
    """A key that only other lines of a JSONL have is an empty cell."""
    rows = list(numbered)
    empty = dict.fromkeys(key for _, values in rows for key in values)
    return ((row, {**empty, **values}) for row, values in rows)


def _read_csv(path: Path) -> Iterator[tuple[int, Row]]:
    rows = csv.DictReader(io.StringIO(read_text(path), newline=""), strict=True)
    row = -1
    try:
        _check_header(path, rows.fieldnames or ())
        for row, values in enumerate(rows):
            if None in values or None in values.values():  # cells too many lie under None, those too few are None
                raise at_row(path, row, f"not as many cells as the header's {len(rows.fieldnames or ())} columns")
            yield row, values
    except csv.Error as error:
        raise at_row(path, row + 1, f"not readable as CSV ({error})") from None


def _check_header(path: Path, names: Sequence[str]) -> None:
    """Names stand once, because a row keeps one cell a name; columns without a name are never read."""
    for place, name in enumerate(names):
        if name and name in names[:place]:
            raise PipelineError(f"{path}: two columns are named `{name}`; rename one")


def _read_parquet(path: Path) -> Iterator[tuple[int, Row]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        table.validate(full=True)  # text that is not UTF-8 would stop the reading of its row
    except (OSError, pa.ArrowInvalid) as error:
        raise PipelineError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})") from None
    return enumerate(table.to_pylist())


READERS = {".jsonl": read_jsonl, ".csv": _read_csv, ".parquet": _read_parquet}
"""By ending: (row, values) of each row."""
