"""Reading final answers: golden cases as data, and properties over locales, digit systems and garbage."""

import json
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest
from babel.localedata import locale_identifiers
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from bench.verifier import PIECES
from components.answers import read_answer, same_answer, verify
from components.answers.verdict import canonical_gold, grade
from components.answers.words import _LOOKED_UP, _READ
from components.contracts.records import CHOICE_LETTERS
from components.lang import language, languages
from components.lang.table import group_marks
from tests.processes import cpu_seconds

CASES = json.loads(Path(__file__).with_name("numbers.json").read_text(encoding="utf-8"))
ZEROS = [chr(code) for code in range(sys.maxunicode) if unicodedata.decimal(chr(code), None) == 0]
LOCALES = [tag for tag in locale_identifiers() if not tag.startswith("tok")]  # Toki Pona groups in twos
codes = st.sampled_from(sorted(languages()))
numbers = st.builds(
    lambda whole, places: Decimal(whole).scaleb(-places), st.integers(-(10**12), 10**12), st.integers(0, 4)
)
golds = st.one_of(
    st.builds("{:,}".format, st.integers(-(10**12), 10**12)),
    st.builds("{:f}".format, numbers),
    st.builds("{}/{}".format, st.integers(-999, 999), st.integers(1, 999)),
    st.builds("{}:{:02}".format, st.integers(0, 23), st.integers(0, 59)),
    st.builds("{}%".format, st.integers(0, 200)),
    st.sampled_from(CHOICE_LETTERS),
)


@pytest.mark.parametrize("case", CASES, ids=[f"{case['lang']}: {case['why']}" for case in CASES])
def test_golden_case(case):
    answer = read_answer(case["text"], case["lang"])
    assert (answer.value, answer.path) == (case["expected"], case["path"])


def in_digits(text, zero):
    return "".join(chr(ord(zero) + int(char)) if char.isascii() and char.isdigit() else char for char in text)


@given(value=numbers, lang=codes, zero=st.sampled_from(ZEROS))
def test_a_number_formatted_by_cldr_is_read_back(value, lang, zero):
    """As babel formats it for the language, in every decimal digit system of Unicode; alone and announced."""
    text = in_digits(format_decimal(value, locale=lang, decimal_quantization=False), zero)
    alone, announced = read_answer(text, lang), read_answer(language(lang).answer_sentence.format(answer=text), lang)
    assert (alone.path, announced.path) == ("last_number", "phrase")
    assert Fraction(alone.value) == Fraction(announced.value) == Fraction(value)


@given(value=numbers, tag=st.sampled_from(LOCALES), system=st.sampled_from(["latn", "default"]))
def test_a_number_of_any_locale_is_read_back(value, tag, system):
    """In every locale of CLDR, in the table or not, with its own digits, marks and minus."""
    text = format_decimal(value, locale=tag, decimal_quantization=False, numbering_system=system)
    assert Fraction(read_answer(text, tag.replace("_", "-")).value) == Fraction(value)


@given(whole=st.integers(1, 10**11), lang=codes)
def test_indian_groups_are_read_back(whole, lang):
    digits = str(whole)
    head, tail = digits[:-3], digits[-3:]
    pairs = [head[max(end - 2, 0) : end] for end in range(len(head), 0, -2)][::-1]
    if len(pairs) != 1 or group_marks(lang) == ",":  # `12,345` alone is a decimal where commas do not group
        assert canonical_gold(",".join([*pairs, tail])) == digits
        assert read_answer(",".join([*pairs, tail]), lang).value == digits


@given(value=st.integers(1, 10**16 - 1))
def test_japanese_numerals_are_read_back(value):
    """As num2words writes them: no 零, and no 一 before 十, 百 and 千."""
    answer = read_answer(language("ja").answer_sentence.format(answer=num2words(value, lang="ja")), "ja")
    assert (answer.value, answer.path) == (str(value), "phrase")


def in_chinese(value):
    """As Chinese writes a number: 零 for one or more places left out within it."""
    digits = str(value)
    written, gap = "", False
    for place, digit in zip(range(len(digits) - 1, -1, -1), digits, strict=True):
        if digit != "0":
            written += (
                "零" * (gap and bool(written)) + "零一二三四五六七八九"[int(digit)] + ["", "十", "百", "千"][place % 4]
            )
        gap = digit == "0"
        if place and place % 4 == 0 and value // 10**place % 10**4:
            written += {4: "万", 8: "亿", 12: "兆"}[place]
            gap = False
    return written


@given(value=st.integers(1, 10**16 - 1))
def test_chinese_numerals_are_read_back(value):
    answer = read_answer(language("zh").answer_sentence.format(answer=in_chinese(value)), "zh")
    assert (answer.value, answer.path) == (str(value), "phrase")


@given(value=st.integers(0, 9_999), lang=st.sampled_from(sorted(_READ | _LOOKED_UP)))
def test_number_words_are_read_back(value, lang):
    """As num2words writes them, announced. text2num is an independent library; the others look up what it writes."""
    words = num2words(value, lang=lang).replace(",", "")
    answer = read_answer(language(lang).answer_sentence.format(answer=words), lang)
    assert (answer.value, answer.path) == (str(value), "phrase")


@given(text=st.text(), lang=st.one_of(codes, st.text(max_size=8)))
def test_reading_never_raises(text, lang):
    for num_choices in (0, 10):
        answer = read_answer(text, lang, num_choices)
        assert (answer.value is None) == (answer.path in ("none", "unparsed"))


@given(whole=st.integers(1, 999), thousand=st.integers(0, 999), mark=st.sampled_from(".,"), lang=codes)
def test_one_mark_before_three_digits_is_ambiguous_and_read_by_the_locale(whole, thousand, mark, lang):
    text = f"{whole}{mark}{thousand:03}"
    grouped, decimal = str(whole * 1000 + thousand), f"{whole}.{thousand:03}"
    right, wrong = (grouped, decimal) if mark == group_marks(lang) else (decimal, grouped)
    sentence = language(lang).answer_sentence.format(answer=text)
    assert (verify(sentence, right, lang).correct, verify(sentence, right, lang).ambiguous) == (True, True)
    assert (verify(sentence, wrong, lang).correct, verify(sentence, wrong, lang).ambiguous) == (False, True)


@given(gold=golds, lang=codes)
def test_the_gold_is_right(gold, lang):
    assert verify(gold, gold, lang).correct
    assert verify(gold, gold).correct


def test_threads_read_the_same():
    rows = [(case["text"], case["lang"]) for case in CASES]
    alone = [read_answer(*row) for row in rows]
    with ThreadPoolExecutor(8) as pool:
        for together in pool.map(lambda _: [read_answer(*row) for row in rows], range(8)):
            assert together == alone


@given(
    text=st.text(alphabet=st.sampled_from("0159١๙০.,'-−– =(){}\\boxed\nA答えは\u00a0"), max_size=60),
    lang=codes,
)
def test_any_text_gives_a_canonical_answer_or_none(text, lang):
    value = read_answer(text, lang).value
    if value is not None and ":" not in value:
        assert canonical_gold(value) == value
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


@pytest.mark.parametrize(
    ("answer", "gold", "right"),
    [
        ("10/3", "3.33", True), ("3.333", "3.33", True), ("3.34", "3.33", False), ("3.3", "3.33", False),
        ("-10/3", "-3.33", True), ("10/3", "-3.33", False), ("2/3", "0.67", True), ("200/3", "66.67", True),
        ("2.54", "2.5", False), ("12.49", "12.5", False), ("0.251", "0.25", False), ("17.9", "18", False),
        ("3.335", "3.33", False), ("3.3349", "3.33", True), ("0.333", "1/3", False), ("8:30", "8.5", True),
        ("8:00", "8", True), ("3:00 pm", "3", True), ("3:00 pm", "15", True), ("15:00", "3:00", False),
        ("8:30", "30", False),
    ],
)  # fmt: skip
def test_only_a_rounded_gold_has_a_tolerance(answer, gold, right):
    assert grade(answer, gold) is right


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["en", "zh", "th", "sw"])
@pytest.mark.parametrize("piece", PIECES)
def test_no_text_takes_for_ever(piece, lang):
    """Bounds what is quadratic; `make bench` measures how the cost grows."""
    text = (piece * 100_000)[:100_000]
    for num_choices in (0, 4):
        choices = ("Paris", "2x", "五百", "a")[:num_choices]
        assert cpu_seconds(partial(read_answer, text, lang, num_choices, choices)) < 2


@given(line=st.integers(900, 1100), value=st.integers(10**6, 10**9))
def test_a_number_far_from_the_end_of_a_long_line_is_read_whole(line, value):
    text = f"{value:,}"
    assert read_answer(f"{text} {'so ' * (line // 3)}{'a' * (line % 3)}", "en").value == str(value)
