"""What every file of questions must hold, ours or a user's own in the same format."""

import re
from pathlib import Path

from components.contracts import ContractError, Question, read_records
from components.contracts.records import CHOICE_LETTERS
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
    """Check answers (canonical number, letter of a choice, or none), and that a problem's languages agree.

    Raises:
        ContractError: The first row that breaks a rule; rows count from 0, as everywhere.
    """
    rows: dict[tuple[str, str], int] = {}
    first: dict[str, tuple[int, Question]] = {}
    for row, question in enumerate(questions):
        where = f"{path}: row {row} (from 0)"
        _check_answer(where, question)
        key = (question.problem_id, question.lang)
        if key in rows:
            problem = f"problem `{key[0]}` is already asked in `{key[1]}` in row {rows[key]}; remove one"
            raise ContractError(f"{where}: {problem}")
        rows[key] = row
        first_row, other = first.setdefault(question.problem_id, (row, question))
        if question.answer != other.answer:
            problem = f"problem `{key[0]}` has answer {question.answer} here but {other.answer} in row {first_row}"
            raise ContractError(f"{where}: {problem}; a problem has one answer over all languages")
        if len(question.choices) != len(other.choices):
            counts = f"{len(question.choices)} choices here but {len(other.choices)} in row {first_row}"
            raise ContractError(f"{where}: problem `{key[0]}` has {counts}; languages must offer the same ones")


def canonical_gold(text: str) -> str:
    """A gold answer (`.` for decimals, `,` for grouping) in canonical form.

    Raises:
        ValueError: The text is something else than one number.
    """
    if not _NUMBER.fullmatch(text.strip()):
        raise ValueError(f"{text.strip()!r} is no number; write one such as 1234.5")
    return canonical_answer(text)


def _check_answer(where: str, question: Question) -> None:
    answer = question.answer
    if answer is None:
        return
    if question.choices:
        letters = CHOICE_LETTERS[: len(question.choices)]
        if len(answer) != 1 or answer not in letters:
            raise ContractError(f"{where}: `answer` {answer!r} is no letter of a choice; write one of {letters}")
        return
    try:
        canonical = canonical_gold(answer)
    except ValueError as error:
        raise ContractError(f"{where}: `answer` {error}") from None
    if canonical != answer:
        raise ContractError(f"{where}: `answer` {answer!r} is not canonical; write {canonical!r}")
