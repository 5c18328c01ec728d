"""Checks of question files, ours and a user's own."""

from pathlib import Path

import pytest

from components.contracts import ContractError, Question, write_records
from components.questions import read_questions


def question(problem_id="p-1", lang="en", answer="17", choices=()):
    return Question(
        problem_id=problem_id, lang=lang, split="test", family="own", num_steps=1, unseen_family=True,
        question="How many?", choices=choices, answer=answer,
    )  # fmt: skip


def write(folder: Path, *questions: Question) -> Path:
    path = folder / "test.jsonl"
    write_records(path, questions)
    return path


def test_good_file_is_read_back(tmp_path):
    rows = [question(), question(lang="es"), question("p-2", answer="2.5"), question("p-3", answer=None)]
    rows += [question("p-4", answer="B", choices=("x", "y")), question("p-5", answer=None, choices=("x", "y"))]
    assert read_questions(write(tmp_path, *rows)) == rows


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (question(), "row 1 (from 0): problem `p-1` is already asked in `en` in row 0"),
        (question(lang="es", answer="18"), "row 1 (from 0): problem `p-1` has answer 18 here but 17 in row 0"),
        (question("p-2", answer="many"), "row 1 (from 0): `answer` 'many' is no number"),
        (question("p-2", answer="1,234"), "row 1 (from 0): `answer` '1,234' is not canonical; write '1234'"),
        (question("p-2", answer="1/2"), "row 1 (from 0): `answer` '1/2' is no number"),
        (question("p-2", answer="1e5"), "row 1 (from 0): `answer` '1e5' is no number"),
        (question(lang="es", answer=None), "row 1 (from 0): problem `p-1` has answer None here but 17 in row 0"),
        (question("p-2", answer="C", choices=("x", "y")), "row 1 (from 0): `answer` 'C' is no letter of a choice"),
        (question("p-2", answer="AB", choices=("x", "y")), "row 1 (from 0): `answer` 'AB' is no letter of a choice"),
        (question("p-2", answer="5", choices=("x", "y")), "row 1 (from 0): `answer` '5' is no letter of a choice"),
        (question("p-2", answer="A"), "row 1 (from 0): `answer` 'A' is no number"),
        (question("p-2", answer="3 - 5"), "row 1 (from 0): `answer` '3 - 5' is no number"),
    ],
)
def test_bad_row_is_named(tmp_path, second, message):
    path = write(tmp_path, question(), second)
    with pytest.raises(ContractError) as caught:
        read_questions(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_languages_must_offer_the_same_choices(tmp_path):
    first, second = question(answer="A", choices=("x", "y")), question(lang="es", answer="A", choices=("x", "y", "z"))
    with pytest.raises(ContractError, match=r"row 1 \(from 0\): problem `p-1` has 3 choices here but 2 in row 0"):
        read_questions(write(tmp_path, first, second))
