"""JSONL of our own `Question` records: a user's, or those of another run."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from components.contracts import Question, first_problem
from components.params import SourceParams
from components.problems.sources.lines import read_jsonl
from components.problems.sources.problem import SourceProblem, SourceText, at_row
from components.questions import check_questions


def read_own(params: SourceParams) -> list[SourceProblem]:
    """All problems of the file. Split and provenance come from where the file is named, not from its records.

    Raises:
        PipelineError: The file is missing, or a row is no record or breaks a rule of `check_questions`.
    """
    path = Path(params.path)
    questions = [(row, _question(path, row, value)) for row, value in read_jsonl(path)]
    check_questions(path, questions)
    asked: dict[str, list[tuple[int, Question]]] = {}
    for row, question in questions:
        asked.setdefault(question.problem_id, []).append((row, question))
    return [_problem(params, problem_id, rows) for problem_id, rows in asked.items()]


def _question(path: Path, row: int, value: dict[str, Any]) -> Question:
    try:
        return Question.model_validate(value)
    except ValidationError as error:
        raise at_row(path, row, f"field {first_problem(error)}") from None


def _problem(params: SourceParams, problem_id: str, rows: list[tuple[int, Question]]) -> SourceProblem:
    _, first = rows[0]
    texts = {q.lang: SourceText(q.question, row, q.choices, q.solution, q.translated_by) for row, q in rows}
    return SourceProblem(problem_id, first.family, params.path, texts, first.answer, first.num_steps)
