"""Reading final answers: golden cases as data, and properties over locales, digit systems and garbage."""

import json
import time
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.contracts import PipelineError
from components.contracts.records import CHOICE_LETTERS
from components.lang import canonical_answer, language, languages, read_answer, same_answer

CASES = json.loads(Path(__file__).with_name("answers.json").read_text(encoding="utf-8"))
ZEROS = {"ASCII": "0", "Bengali": "০", "Telugu": "౦", "Thai": "๐", "Arabic": "٠", "full-width": "０"}
codes = st.sampled_from(sorted(languages()))


@pytest.mark.parametrize("case", CASES, ids=[f"{case['lang']}: {case['why']}" for case in CASES])
def test_golden_case(case):
    answer = read_answer(case["text"], case["lang"])
    assert (answer.value, answer.path) == (case["expected"], case["path"])


def render(value: int, decimals: str, lang: str, zero: str) -> str:
    """A number as the language writes it: grouped in threes, its decimal mark, digits from `zero` on."""
    row = language(lang)
    whole = f"{abs(value):,}".replace(",", row.group_marks[0])
    text = ("-" if value < 0 else "") + whole + (row.decimal_mark + decimals if decimals else "")
    return "".join(chr(ord(zero) + int(char)) if char.isascii() and char.isdigit() else char for char in text)


@given(
    value=st.integers(-(10**12), 10**12).filter(bool),
    decimals=st.text("0123456789", max_size=4),
    lang=codes,
    zero=st.sampled_from(sorted(ZEROS.values())),
)
def test_number_in_its_locale_is_read_back(value, decimals, lang, zero):
    text = language(lang).answer_sentence.format(answer=render(value, decimals, lang, zero))
    answer = read_answer(text, lang)
    assert answer.path == "phrase"
    assert same_answer(answer.value, f"{value}.{decimals or 0}")


@given(whole=st.integers(1, 10**11), lang=codes)
def test_indian_groups_are_read_back(whole, lang):
    digits = str(whole)
    head, tail = digits[:-3], digits[-3:]
    pairs = [head[max(end - 2, 0) : end] for end in range(len(head), 0, -2)][::-1]
    if len(pairs) != 1 or language(lang).group_marks == ",":  # `12,345` alone is a decimal where commas do not group
        assert canonical_answer(",".join([*pairs, tail])) == digits
        assert read_answer(",".join([*pairs, tail]), lang).value == digits


@given(
    text=st.text(alphabet=st.sampled_from("0159١๙০.,'-−– =(){}\\boxed\nA答えは\u00a0"), max_size=60),
    lang=codes,
)
def test_any_text_gives_a_canonical_answer_or_none(text, lang):
    value = read_answer(text, lang).value
    if value is not None:
        assert canonical_answer(value) == value
        assert same_answer(value, value)


@given(value=st.fractions(max_denominator=50))
def test_comparison_is_exact(value):
    assert same_answer(str(value), str(value))
    assert not same_answer(str(value), str(value + Fraction(1, 10**12)))


@pytest.mark.parametrize(("a", "b"), [("17", "17.0"), ("0.5", "1/2"), ("-3", "-3.00")])
def test_equal_notations(a, b):
    assert same_answer(a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (None, None), (None, "1"), ("1", None), ("x", "x"), ("1/0", "1/0"), ("125", "12.5"),
        ("A", "B"), ("B", "2"), ("AB", "AB"), ("a", "a"), ("K", "K"), ("", ""), (None, "A"),
    ],
)  # fmt: skip
def test_unequal_or_unreadable(a, b):
    assert not same_answer(a, b)


@pytest.mark.parametrize("letter", CHOICE_LETTERS)
def test_a_choice_is_itself_alone(letter):
    assert [other for other in CHOICE_LETTERS if same_answer(letter, other)] == [letter]


@pytest.mark.parametrize(("gold", "expected"), [("1,234", "1234"), ("#### 18", "18"), ("$2.50", "2.5"), ("-7", "-7")])
def test_gold_becomes_canonical(gold, expected):
    assert canonical_answer(gold) == expected


def test_gold_without_number_is_refused():
    with pytest.raises(ValueError, match="no number"):
        canonical_answer("unknown")


def test_unknown_language_is_named():
    with pytest.raises(PipelineError, match=r"`xx` is not known; add .*languages/xx\.yaml"):
        read_answer("17", "xx")


@pytest.mark.parametrize("piece", ["1 234,5 - ", "answer is ", "\\boxed{", "12 = ", "- ", "1,", "{"])
def test_time_is_linear_in_length(piece):
    text = piece * (100_000 // len(piece))
    started = time.process_time()
    read_answer(text, "en")
    assert time.process_time() - started < 2
