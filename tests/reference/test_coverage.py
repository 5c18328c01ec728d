"""Numbers of the question that a working leaves out."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.problems.build import ask, draw_problems
from components.problems.families import load_families
from components.reference.coverage import unused_number


@pytest.mark.parametrize(
    ("question", "working", "unused"),
    [
        ("5 litres, 8 buckets of 2 litres?", "8 × 2 = 16. Now 16 + 5 = 21.", None),
        ("5 litres, 8 buckets of 2 litres?", "8 × 2 = 16. Now 16 + 8 = 24.", "5"),
        ("1/7 of 21 pencils?", "21 ÷ 7 = 3", None),
        ("1/7 of 21 pencils?", "21 ÷ 3 = 7", None),
        ("1/7 of 21 pencils?", "21 ÷ 3 = 4", "7"),
        ("It costs $1,200.50 a month for 2 months.", "2 * 1200.5 = 2401", None),
        ("It costs $1,200.50 a month for 2 months.", "2 * 1200 = 2400", "1200.5"),
        ("Seven apples and two pears?", "7 + 2 = 9", None),
        ("Take 3 from 10.", "10-3 = 7", None),
        ("", "", None),
    ],
)
def test_golden(question, working, unused):
    assert unused_number(question, working) == unused


@pytest.mark.parametrize("family", load_families(), ids=lambda family: family.name)
def test_our_own_solutions_use_every_number(family):
    for problem in islice(draw_problems(family, 3), 50):
        question = ask(problem, "shots", "en")
        assert unused_number(question.question, question.solution) is None


@given(st.text(), st.text())
def test_what_is_told_is_missing(question, working):
    unused = unused_number(question, working)
    assert unused is None or unused_number(question, f"{working} and {unused}") != unused
