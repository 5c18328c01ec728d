"""Problems of others: each published or tabular format becomes the same records."""

from components.contracts import PipelineError
from components.params import SourceParams
from components.problems.sources.gsm8k import read_gsm8k
from components.problems.sources.hub import read_hub
from components.problems.sources.mgsm import read_exemplars, read_mgsm
from components.problems.sources.own import read_own
from components.problems.sources.problem import SourceProblem, SourceText
from components.problems.sources.table import read_table

__all__ = ["SourceProblem", "SourceText", "read_exemplars", "read_source"]


def read_source(params: SourceParams) -> list[SourceProblem]:
    """All problems of a source, in file order.

    Raises:
        PipelineError: The source is missing, breaks its format, or holds no problems (one line: file, row, what to do).
    """
    read = {"mgsm": read_mgsm, "gsm8k": read_gsm8k, "questions": read_own, "table": read_table, "hub": read_hub}
    problems = read[params.format](params)
    if not problems:
        raise PipelineError(f"{params.path}: holds no problems")
    return problems
