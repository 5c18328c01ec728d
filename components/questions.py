"""What every file of questions must hold, ours or a user's own in the same format."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from components.answers.verdict import canonical_gold
from components.contracts import ContractError, Question, read_records
from components.contracts.records import CHOICE_LETTERS


def read_questions(path: Path) -> list[Question]:
    """Read a JSONL file of questions and check it.

    Raises:
        ContractError: A line breaks the record's schema, or `check_questions` refuses it.
    """
    questions = read_records(path, Question)
    check_questions(path, enumerate(questions))
    return questions


def check_questions(path: Path, rows_asked: Iterable[tuple[int, Question]]) -> None:
    """Check texts, answers (canonical number, letter of a choice, or none), and that a problem's languages agree.

    Args:
        path: The file, for the error.
        rows_asked: The questions, each with its row in the file, from 0.

    Raises:
        ContractError: The first row that breaks a rule.
    """
    rows: dict[tuple[str, str], int] = {}
    first: dict[str, tuple[int, Question]] = {}
    for row, question in rows_asked:
        where = f"{path}: row {row} (from 0)"
        _check_texts(where, question)
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


def check_choices(choices: Sequence[str]) -> None:
    """Check the texts of one question's choices.

    Raises:
        ValueError: They are not 2 to 10, one is blank, or two are the same.
    """
    texts = [choice.strip() for choice in choices]
    if not 2 <= len(texts) <= len(CHOICE_LETTERS) or not all(texts):
        raise ValueError(f"gives {len(texts)} choices; 2 to {len(CHOICE_LETTERS)} without gaps are needed")
    for place, text in enumerate(texts):
        if text in texts[:place]:
            raise ValueError(f"gives the choice {text!r} twice; choices must differ")


def _check_texts(where: str, question: Question) -> None:
    if not question.question.strip():
        raise ContractError(f"{where}: `question` is blank")
    if question.choices:
        try:
            check_choices(question.choices)
        except ValueError as error:
            raise ContractError(f"{where}: `choices` {error}") from None


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
