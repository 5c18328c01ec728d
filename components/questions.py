"""What every file of questions must hold, ours or a user's own in the same format."""

import re
from pathlib import Path

from components.contracts import ContractError, Question, read_records
from components.lang import canonical_answer

_NUMBER = re.compile(r"[-+−]?\d[\d,]*(\.\d+)?")  # one number and nothing else: no fraction, unit or sum


def read_questions(path: Path) -> list[Question]:
    """Read a JSONL file of questions and check it.

    Raises:
        ContractError: A line breaks the record's schema, or `check_questions` refuses it.
    """
    questions = read_records(path, Question)
    check_questions(path, questions)
    return questions


def check_questions(path: Path, questions: list[Question]) -> None:
    """Check that answers are canonical numbers, and that a problem has one answer and one question a language.

    Raises:
        ContractError: The first row that breaks a rule, counted from 1.
    """
    rows: dict[tuple[str, str], int] = {}
    first: dict[str, tuple[int, str]] = {}
    for row, question in enumerate(questions, start=1):
        _check_answer(path, row, question.answer)
        key = (question.problem_id, question.lang)
        if key in rows:
            problem = f"problem `{key[0]}` is already asked in `{key[1]}` in row {rows[key]}; remove one"
            raise ContractError(f"{path}: row {row}: {problem}")
        rows[key] = row
        first_row, answer = first.setdefault(question.problem_id, (row, question.answer))
        if question.answer != answer:
            problem = f"problem `{key[0]}` has answer {question.answer} here but {answer} in row {first_row}"
            raise ContractError(f"{path}: row {row}: {problem}; a problem has one answer over all languages")


def _check_answer(path: Path, row: int, answer: str) -> None:
    if not _NUMBER.fullmatch(answer.strip()):
        raise ContractError(f"{path}: row {row}: `answer` {answer!r} is no number; write one such as 1234.5")
    canonical = canonical_answer(answer)
    if canonical != answer:
        raise ContractError(f"{path}: row {row}: `answer` {answer!r} is not canonical; write {canonical!r}")
