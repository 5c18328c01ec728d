"""Every family in every language: solutions that read back as the answer, and files that break the format."""

import operator
import re
from fractions import Fraction
from functools import cache

import pytest

from components.answers import read_answer
from components.answers.numbers import find_numbers
from components.answers.plain import ascii_digits
from components.contracts import PipelineError
from components.lang import language
from components.problems.build import ask, draw_problems
from components.problems.families import (
    FAMILIES_FOLDER,
    LARGEST,
    MAX_DECIMALS,
    SMALLEST,
    load_families,
    written_languages,
)

FAMILIES = load_families()
NUM_SEEDS = 200
NUMBER = r"(\d(?:[\d.,\u00a0\u202f]*\d)?)"
EQUATION = re.compile(rf"{NUMBER} ([-+×÷]) {NUMBER} = {NUMBER}")
OPERATIONS = {"+": operator.add, "-": operator.sub, "×": operator.mul, "÷": operator.truediv}
WRITTEN = written_languages(FAMILIES)
NATIVE = [code for code in WRITTEN if language(code).native_digits]
EACH = [(family.name, lang) for family in FAMILIES for lang in WRITTEN]


PROBLEMS = {family.name: [next(draw_problems(family, seed)) for seed in range(NUM_SEEDS)] for family in FAMILIES}


@cache
def samples(family, lang, native_digits=False):
    return [ask(problem, "shots", lang, native_digits) for problem in PROBLEMS[family]]


def read(text, lang):
    return Fraction(next(find_numbers(ascii_digits(text), lang)).value)


def check_solution(question, lang):
    answer = read_answer(question.solution, lang)
    assert (answer.value, answer.path) == (question.answer, "phrase")
    equations = EQUATION.findall(question.solution)
    assert len(equations) == question.num_steps
    for a, sign, b, result in equations:
        assert OPERATIONS[sign](read(a, lang), read(b, lang)) == read(result, lang)
    assert read(equations[-1][-1], lang) == Fraction(question.answer)


def numbers_of(question):
    return sorted(number.value for number in find_numbers(ascii_digits(question.question), question.lang))


@pytest.mark.parametrize(("family", "lang"), EACH)
def test_worked_solution_reads_as_the_answer(family, lang):
    for question in samples(family, lang):
        check_solution(question, lang)


@pytest.mark.parametrize("lang", NATIVE)
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_native_digits_read_the_same(family, lang):
    for question, plain in zip(samples(family.name, lang, True), samples(family.name, lang), strict=True):
        check_solution(question, lang)
        assert not re.search(r"[0-9]", question.question + question.solution)
        assert ascii_digits(question.question) == plain.question


def test_native_digits_change_no_other_language():
    assert [samples("litres", lang, True) == samples("litres", lang) for lang in ("en", "ru", "zh")] == [True] * 3


@pytest.mark.parametrize(("family", "lang"), EACH)
def test_texts_are_one_filled_line(family, lang):
    for question in samples(family, lang):
        text = question.question + question.solution
        assert not set("{}\n") & set(text)
        assert "  " not in text


@pytest.mark.parametrize(("family", "lang"), EACH)
def test_question_gives_the_same_numbers_in_every_language(family, lang):
    for english, question in zip(samples(family, "en"), samples(family, lang), strict=True):
        assert numbers_of(question) == numbers_of(english)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_numbers_are_distinct_draws_in_range(family):
    instances = family.instances(17)
    assert len(instances) >= 120
    assert len({tuple(sorted(numbers.items())) for numbers in instances}) == len(instances)
    for value in (value for numbers in instances for value in numbers.values()):
        assert SMALLEST <= value <= LARGEST
        assert value == round(value, MAX_DECIMALS)


def test_enough_families_of_all_difficulties():
    seen = [family for family in FAMILIES if not family.unseen]
    assert len(FAMILIES) >= 16
    assert len(FAMILIES) - len(seen) == 5
    assert {len(family.steps) for family in seen} == {1, 2, 3, 4}


def test_some_answers_are_decimals():
    assert any("." in question.answer for question in samples("litres", "en"))
    assert any("," in question.solution for question in samples("litres", "de"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("steps: {total: a + b}", "steps: {total: a + z}", "`total: a \\+ z` must be"),
        ("steps: {total: a + b}", "steps: {total: a ** b}", "`total: a \\*\\* b` must be"),
        ("unseen: false", "unseen: false\nextra: 1", "`extra`"),
        ("shot: 4", "shot: 0", "`shot`"),
        ("unseen: false", "unseen: true", "an unseen family is never a worked example; remove `shot`"),
        ("b: [2, 12]", "b: [12, 2]", "numbers.b is an empty range"),
        ("b: [2, 12]", "b: [2, 9000]", "numbers give 161982 draws; narrow the ranges to 20000 in all"),
        ("picks {a} apples", "picks {a} {a:apples}", "text.en has no forms: apples"),
        ("picks {a} apples", "picks {d} apples", "text.en has unknown placeholders: d"),
        ("unseen: false", "unseen: [", "not readable as a family"),
    ],
)
def test_broken_file_is_named(tmp_path, old, new, message):
    text = (FAMILIES_FOLDER / "change-add.yaml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "mine.yaml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(PipelineError, match=rf"mine\.yaml: .*{message}") as caught:
        load_families(tmp_path)
    assert "\n" not in str(caught.value)


def test_family_is_found_by_its_file_alone(tmp_path):
    text = (FAMILIES_FOLDER / "comparison.yaml").read_text(encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    assert [family.name for family in load_families(tmp_path)] == ["mine"]
