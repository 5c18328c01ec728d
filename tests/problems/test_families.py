"""Every family in every language: solutions that read back as the answer, and files that break the format."""

import re
from functools import cache
from itertools import islice

import pytest

from components.contracts import PipelineError
from components.lang import languages, read_answer
from components.problems.build import ask, draw_problems
from components.problems.families import FAMILIES_FOLDER, LARGEST, SMALLEST, load_families, load_names

FAMILIES = load_families()
EQUATION = re.compile(r"(\d+) ([-+×÷]) (\d+) = (\d+)")
OPERATIONS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "×": lambda a, b: a * b,
    "÷": lambda a, b: a / b,
}


PROBLEMS = {family.name: list(islice(draw_problems(family, 17), 100)) for family in FAMILIES}


@cache
def samples(family, lang):
    return [ask(problem, "shots", lang) for problem in PROBLEMS[family]]


@pytest.mark.parametrize("lang", languages())
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_worked_solution_reads_as_the_answer(family, lang):
    for question in samples(family.name, lang):
        answer = read_answer(question.solution, lang)
        assert (answer.value, answer.path) == (question.answer, "phrase")
        equations = EQUATION.findall(question.solution)
        assert len(equations) == question.num_steps
        assert all(OPERATIONS[sign](int(a), int(b)) == int(result) for a, sign, b, result in equations)
        assert equations[-1][-1] == question.answer


@pytest.mark.parametrize("lang", languages())
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_texts_are_one_filled_line(family, lang):
    for question in samples(family.name, lang):
        text = question.question + question.solution
        assert not set("{}\n") & set(text)
        assert "  " not in text


@pytest.mark.parametrize("lang", languages())
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_question_gives_the_same_numbers_in_every_language(family, lang):
    english = {tuple(sorted(re.findall(r"\d+", q.question))) for q in samples(family.name, "en")}
    assert {tuple(sorted(re.findall(r"\d+", q.question))) for q in samples(family.name, lang)} == english


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_numbers_are_distinct_draws_in_range(family):
    instances = family.instances(17)
    assert len({tuple(sorted(numbers.items())) for numbers in instances}) == len(instances)
    assert all(SMALLEST <= number <= LARGEST for numbers in instances for number in numbers.values())


def test_ten_families_of_which_three_are_unseen():
    assert len(FAMILIES) == 10
    assert sum(family.unseen for family in FAMILIES) == 3
    assert {len(family.steps) for family in FAMILIES if not family.unseen} == {1, 2}


def test_every_language_has_names():
    assert set(load_names()) == set(languages())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("steps: {total: a + b}", "steps: {total: a + z}", "`total: a \\+ z` must be"),
        ("steps: {total: a + b}", "steps: {total: a ** b}", "`total: a \\*\\* b` must be"),
        ("unseen: false", "unseen: false\nextra: 1", "`extra`"),
        ("shot: 4", "shot: 0", "`shot`"),
        ("unseen: false", "unseen: true", "an unseen family is never a worked example; remove `shot`"),
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
