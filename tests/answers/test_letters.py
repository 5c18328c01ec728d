"""Reading the letter of a choice: golden cases as data, and properties over notations, languages and garbage."""

import json
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.answers import read_answer
from components.contracts.records import CHOICE_LETTERS
from components.lang import language, languages
from tests.processes import cpu_seconds

CASES = json.loads(Path(__file__).with_name("letters.json").read_text(encoding="utf-8"))
NOTATIONS = [
    "{}", "({})", "（{}）", "{}.", "{})", "**{}**", "**({})**", "[{}]", "【{}】", "'{}'", "“{}”", "${}$", "`{}`",
    "({}) 12", "{}) 12", "{}. doce", "**{}** 12", "{}\n",
]  # fmt: skip
BOXES = ["{}", "({})", "\\text{{{}}}", "\\textbf{{({})}}", " {} ", "{}) 12"]
codes = st.sampled_from(sorted(languages()))
letters = st.sampled_from(CHOICE_LETTERS)


def full_width(letter):
    return chr(ord(letter) + 0xFEE0)


@pytest.mark.parametrize("case", CASES, ids=[f"{case['lang']}: {case['why']}" for case in CASES])
def test_golden_case(case):
    answer = read_answer(case["text"], case["lang"], case["num"])
    assert (answer.value, answer.path) == (case["expected"], case["path"])


@given(letter=letters, lang=codes, notation=st.sampled_from(NOTATIONS), wide=st.booleans())
def test_a_letter_in_any_notation_is_read_back(letter, lang, notation, wide):
    written = notation.format(full_width(letter) if wide else letter)
    text = language(lang).answer_sentence.format(answer=written)
    answer = read_answer(text, lang, len(CHOICE_LETTERS))
    assert (answer.value, answer.path) == (letter, "phrase")


@given(letter=letters, lang=codes, box=st.sampled_from(BOXES), small=st.booleans())
def test_a_boxed_letter_is_read_back(letter, lang, box, small):
    text = f"A = (B). \\boxed{{{box.format(letter.lower() if small else letter)}}} (C)"
    answer = read_answer(text, lang, len(CHOICE_LETTERS))
    assert (answer.value, answer.path) == (letter, "boxed")


@given(letter=letters, num_choices=st.integers(1, 10), lang=codes)
def test_a_letter_beyond_the_choices_is_no_answer(letter, num_choices, lang):
    for text in (language(lang).answer_sentence.format(answer=letter), f"\\boxed{{{letter}}}", f"({letter})"):
        value = read_answer(text, lang, num_choices).value
        assert value == (letter if letter in CHOICE_LETTERS[:num_choices] else None)


@given(
    text=st.text(st.sampled_from("ABIJabiВСАΑＡ().:*' \n0=+°-{}\\boxed答案是 answer is"), max_size=60) | st.text(),
    lang=codes,
    num_choices=st.integers(1, 10),
)  # fmt: skip
def test_any_text_gives_a_letter_on_offer_or_none(text, lang, num_choices):
    answer = read_answer(text, lang, num_choices)
    assert answer.value is None or answer.value in tuple(CHOICE_LETTERS[:num_choices])
    assert (answer.value is None) == (answer.path == "none")


@given(words=st.lists(st.from_regex(r"[A-Za-z]{2,8}", fullmatch=True), min_size=1, max_size=12), lang=codes)
def test_words_hold_no_choice(words, lang):
    assert read_answer(f"A {' '.join(words)}", lang, 10).value is None


@pytest.mark.parametrize(
    "piece",
    ["A ", "A", "a,", "(A", "answer is A ", "answer is ", "\\boxed{a, ", "* ", "\n", "' A", "B.c.", "{", "答案"],
)
def test_time_is_linear_in_length(piece):
    for text in (piece * (100_000 // len(piece)), "\\boxed{" + piece * (100_000 // len(piece))):
        assert cpu_seconds(partial(read_answer, text, "zh", 4)) < 2
