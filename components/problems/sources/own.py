"""JSONL of our own `Question` records: a user's, or those of another run."""

from pathlib import Path

from components.contracts import Question
from components.params import SourceParams
from components.problems.sources.problem import SourceProblem, SourceText
from components.questions import read_questions


def read_own(params: SourceParams) -> list[SourceProblem]:
    """All problems of the file. Split and provenance come from where the file is named, not from its records.

    Raises:
        ContractError: The file is missing, or a row breaks the contract.
    """
    asked: dict[str, list[tuple[int, Question]]] = {}
    for row, question in enumerate(read_questions(Path(params.path))):
        asked.setdefault(question.problem_id, []).append((row, question))
    return [_problem(params, problem_id, rows) for problem_id, rows in asked.items()]


def _problem(params: SourceParams, problem_id: str, rows: list[tuple[int, Question]]) -> SourceProblem:
    _, first = rows[0]
    texts = {q.lang: SourceText(q.question, row, q.choices, q.solution, q.translated_by) for row, q in rows}
    return SourceProblem(problem_id, first.family, params.path, texts, first.answer, first.num_steps)
