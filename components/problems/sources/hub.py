"""A data set of the Hugging Face hub, or a local folder in its form. Code that comes with a data set never runs."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any

from components.contracts import PipelineError
from components.params import SourceParams
from components.problems.sources.columns import Row, read_columns
from components.problems.sources.problem import SourceProblem


def read_hub(params: SourceParams) -> list[SourceProblem]:
    """All problems of one split of the data set; the family is the last part of its name.

    Raises:
        PipelineError: The data set, its configuration or its split is not to be had, or a row breaks a rule of
            `read_columns`.
    """
    problems = read_columns(params, _rows(params), PurePosixPath(params.path).name)
    name = " ".join(part for part in (params.path, params.config, params.split) if part)
    return [replace(problem, source=name) for problem in problems]


def load_split(path: str, config: str | None, split: str, revision: str | None) -> tuple[list[Row], str]:
    """Rows of one split of a data set, and the data set's version.

    Raises:
        PipelineError: It is not to be had, or its card names a file that is not in it (any file of this machine).
    """
    from datasets import load_dataset_builder
    from datasets.exceptions import DatasetsError

    asked = f"{path} (config {config}, split {split})"
    try:
        builder: Any = load_dataset_builder(path, name=config, revision=revision)
        if outside := _outside(path, builder):
            raise PipelineError(f"{asked}: its card names {outside}, which is not in it; do not trust it")
        builder.download_and_prepare()
        found: Any = builder.as_dataset(split=split)
        return list(found), str(found.info.version or "")  # cells are decoded row by row, which can fail too
    except (DatasetsError, OSError, ValueError, RuntimeError) as error:
        raise PipelineError(f"{asked}: not to be had ({' '.join(str(error).split())[:200]})") from None


def _rows(params: SourceParams) -> Iterator[tuple[int, Row]]:
    yield from enumerate(load_split(params.path, params.config, str(params.split), params.revision)[0])


def _outside(path: str, builder: Any) -> str | None:  # noqa: ANN401 - ships no types
    """A file that a local folder's card names elsewhere; of the hub's data sets, datasets itself sees to it."""
    folder = Path(path).expanduser()
    if not folder.is_dir():
        return None
    files = (file.rpartition("::")[2] for files in (builder.config.data_files or {}).values() for file in files)
    return next((file for file in files if not Path(normpath(file)).is_relative_to(folder.resolve())), None)
