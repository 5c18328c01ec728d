"""A benchmark's rows in one language, from a local folder in its published format or from the hub, with provenance."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from components.answers import read_answer
from components.benchmarks.setup import Setup, Split
from components.contracts import PipelineError, fingerprint
from components.problems.sources.hub import load_split
from components.problems.sources.lines import parse_json, read_text
from components.problems.sources.mgsm import read_tsv
from components.problems.sources.table import READERS

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Rows:
    """Rows in file order, and where they came from."""

    rows: list[Row]
    provenance: dict[str, Any]
    """`source`, `files` and their `fingerprint`, or of the hub `version` and `revision`; `num_rows`."""


def read_rows(setup: Setup, source: Path | None, lang: str, split: Split, revision: str | None = None) -> Rows:
    """All rows of a split in a language.

    Args:
        source: A folder; None for the hub.
        revision: Of the hub's data set.

    Raises:
        PipelineError: They are not to be had, or a file breaks its format (one line: file, row, what to do).
    """
    found = _of_hub(setup, lang, split, revision) if source is None else _of_folder(setup, source, lang, split)
    if not found.rows:
        raise PipelineError(f"{source or setup.hub}: no rows in `{lang}` for `{split}`")
    return found


def _of_folder(setup: Setup, folder: Path, lang: str, split: Split) -> Rows:
    if not folder.is_dir():
        raise PipelineError(f"{folder}: no such folder; name the one that holds {setup.name}'s files")
    patterns = [pattern.format(lang=lang) for pattern in setup.files[split]]
    if out := next((pattern for pattern in patterns if not _stays_inside(pattern)), None):
        raise PipelineError(f"{setup.name}: `files`: {out!r} leads out of {folder}; name what lies inside")
    paths = next((found for pattern in patterns if (found := sorted(folder.glob(pattern)))), [])
    if not paths:
        raise PipelineError(f"{folder}: nothing in `{lang}` here ({' or '.join(patterns)})")
    rows = [row for path in paths for row in _read(path, lang)]
    column = setup.columns.lang
    own = [row for row in rows if row.get(column) == lang] if column else rows
    told = {"source": str(folder), "files": [str(path.relative_to(folder)) for path in paths]}
    return Rows(own, told | {"fingerprint": fingerprint({}, paths), "num_rows": len(own)})


def _stays_inside(pattern: str) -> bool:
    parts = PurePosixPath(pattern)
    return not parts.is_absolute() and ".." not in parts.parts and "\0" not in pattern


def _read(path: Path, lang: str) -> Iterable[Row]:
    if path.suffix == ".tsv":  # of MGSM
        return [{"question": question, "answer_number": answer} for question, answer in read_tsv(path)]
    if path.name == "exemplars.json":  # of MGSM
        return _exemplars(path, lang)
    if path.suffix not in READERS:
        raise PipelineError(f"{path}: only {', '.join(READERS)} and MGSM's own files can be read")
    return (row for _, row in READERS[path.suffix](path))


def _exemplars(path: Path, lang: str) -> list[Row]:
    """The columns of the hub's data set."""
    try:
        own = parse_json(read_text(path))[lang]
        return [
            {"question": one["q"], "answer": one["a"], "answer_number": read_answer(one["a"], lang).value}
            for one in own.values()
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PipelineError(f"{path}: no worked examples in `{lang}` here ({error!r})") from None


def _of_hub(setup: Setup, lang: str, split: Split, revision: str | None) -> Rows:
    if setup.hub == "none":
        raise PipelineError(f"{setup.name}: is on no hub; give its folder with --data")
    rows, version = load_split(setup.hub, lang, setup.splits[split], revision)
    return Rows(rows, {"source": setup.hub, "version": version, "revision": revision, "num_rows": len(rows)})
