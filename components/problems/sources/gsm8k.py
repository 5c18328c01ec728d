"""GSM8K's JSONL: `question`, and `answer` with steps, `<<...>>` calculator marks and the final answer after `####`.

Cobbe et al. 2021, https://github.com/openai/grade-school-math.
"""

import re
from pathlib import Path
from typing import Any

from components.answers.verdict import canonical_gold
from components.params import SourceParams
from components.problems.sources.lines import read_jsonl
from components.problems.sources.problem import SourceProblem, SourceText, at_row, worked_solution

_MARK = re.compile(r"<<[^>]*>>")


def read_gsm8k(params: SourceParams) -> list[SourceProblem]:
    """All problems of the file; the number of steps is that of the calculator marks.

    Raises:
        PipelineError: The file is missing, or a row lacks a field or a readable final answer.
    """
    path = Path(params.path)
    return [_problem(params, path, row, value) for row, value in read_jsonl(path)]


def _problem(params: SourceParams, path: Path, row: int, value: dict[str, Any]) -> SourceProblem:
    question, worked = value.get("question"), value.get("answer")
    if not isinstance(question, str) or not question.strip() or not isinstance(worked, str):
        raise at_row(path, row, "needs the texts `question` and `answer`")
    working, mark, final = worked.rpartition("####")
    if not mark:
        raise at_row(path, row, "`answer` has no `####` before the final answer")
    try:
        answer = canonical_gold(final)
    except ValueError as error:
        raise at_row(path, row, f"`answer` {error}, after `####`") from None
    solution = worked_solution(_MARK.sub("", working), answer, params.lang)
    return SourceProblem(
        key=f"{row:04d}",
        family="gsm8k",
        source=params.path,
        texts={params.lang: SourceText(question.strip(), row, solution=solution)},
        answer=answer,
        num_steps=len(_MARK.findall(working)) or None,
    )
