"""A data set of the Hugging Face hub, or a local folder in its form. Code that comes with a data set never runs."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

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


def _rows(params: SourceParams) -> Iterator[tuple[int, Row]]:
    from datasets import load_dataset
    from datasets.exceptions import DatasetsError

    try:
        yield from enumerate(  # cells are decoded row by row, which can fail too
            load_dataset(params.path, name=params.config, split=params.split, revision=params.revision)
        )
    except (DatasetsError, OSError, ValueError, RuntimeError) as error:
        asked = f"{params.path} (config {params.config}, split {params.split})"
        raise PipelineError(f"{asked}: not to be had ({' '.join(str(error).split())[:200]})") from None
