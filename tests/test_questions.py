"""Checks of question files, ours and a user's own."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.contracts import ContractError, Question, write_records
from components.questions import canonical_gold, read_questions


def question(problem_id="p-1", lang="en", answer="17", choices=(), text="How many?"):
    return Question(
        problem_id=problem_id, lang=lang, split="test", family="own", num_steps=1, unseen_family=True,
        question=text, choices=choices, answer=answer,
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
        (question("p-2", answer="1/2"), "row 1 (from 0): `answer` '1/2' is not canonical; write '0.5'"),
        (question("p-2", answer="1/0"), "row 1 (from 0): `answer` '1/0' is no number"),
        (question("p-2", answer="1e5"), "row 1 (from 0): `answer` '1e5' is no number"),
        (question(lang="es", answer=None), "row 1 (from 0): problem `p-1` has answer None here but 17 in row 0"),
        (question("p-2", answer="C", choices=("x", "y")), "row 1 (from 0): `answer` 'C' is no letter of a choice"),
        (question("p-2", answer="AB", choices=("x", "y")), "row 1 (from 0): `answer` 'AB' is no letter of a choice"),
        (question("p-2", answer="5", choices=("x", "y")), "row 1 (from 0): `answer` '5' is no letter of a choice"),
        (question("p-2", answer="A"), "row 1 (from 0): `answer` 'A' is no number"),
        (question("p-2", answer="3 - 5"), "row 1 (from 0): `answer` '3 - 5' is no number"),
        (question("p-2", answer="12,34"), "row 1 (from 0): `answer` '12,34' is no number"),
        (question("p-2", text=" "), "row 1 (from 0): `question` is blank"),
        (question("p-2", answer="A", choices=("x",)), "row 1 (from 0): `choices` gives 1 choices; 2 to 10"),
        (question("p-2", answer="A", choices=("x", " ")), "row 1 (from 0): `choices` gives 2 choices; 2 to 10 without"),
        (
            question("p-2", answer=None, choices=("x", "y", "x ")),
            "row 1 (from 0): `choices` gives the choice 'x' twice",
        ),
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


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("1234", "1234"), ("1,234", "1234"), ("1,234,567.50", "1234567.5"), ("-12,345", "-12345"), ("−3", "-3"),
        ("+5", "5"), ("007", "7"), ("1,00,000", "100000"), ("12,34,567", "1234567"), ("12,34,56,789.5", "123456789.5"),
        (" 8 ", "8"), ("১,২৩৪", "1234"), ("๑๒", "12"),
        ("3/4", "0.75"), ("2/6", "1/3"), ("1 1/2", "1.5"), ("50%", "50"), ("$2.50", "2.5"), ("8:30", "8:30"),
    ],
)  # fmt: skip
def test_gold_numbers_become_canonical(text, canonical):
    assert canonical_gold(text) == canonical


@pytest.mark.parametrize(
    "text",
    ["1,000,00", "1,2,3", "12,34", "5,", ",5", "1,,000", "1234,567", "0,123", "012,345", "1,23,45", "123,45,678",
     "1,000.", ".5", "1.2.3", "1,234,5", "", "--5"],
)  # fmt: skip
def test_other_commas_are_no_number(text):
    with pytest.raises(ValueError, match="is no number"):
        canonical_gold(text)


def indian(number):
    """Grouped at the thousand, then at every hundred above it."""
    digits = str(number)
    head, tail = digits[:-3], digits[-3:]
    pairs = [head[max(end - 2, 0) : end] for end in range(len(head), 0, -2)][::-1]
    return ",".join([*pairs, tail])


@given(st.integers(0, 10**12), st.sampled_from(["", "-", "−"]), st.sampled_from(["", ".25"]))
def test_both_groupings_read_as_the_plain_number(number, sign, fraction):
    plain = canonical_gold(f"{sign}{number}{fraction}")
    assert canonical_gold(f"{sign}{number:,}{fraction}") == canonical_gold(f"{sign}{indian(number)}{fraction}") == plain


@given(st.integers(0, 10**9), st.sets(st.integers(0, 10), max_size=4))
def test_commas_elsewhere_are_refused(number, places):
    digits = str(number)
    text = "".join("," * (place in places) + digit for place, digit in enumerate(digits))
    if text in (digits, f"{number:,}", indian(number)):
        assert canonical_gold(text) == digits
    else:
        with pytest.raises(ValueError, match="is no number"):
            canonical_gold(text)
