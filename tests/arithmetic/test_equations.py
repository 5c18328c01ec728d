"""False equations are found, and nothing else is taken for one: golden cases as data, and properties."""

import json
import time
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from components.arithmetic.equations import false_equation

CASES = json.loads(Path(__file__).with_name("equations.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[f"{case['why']}: {case['text']}" for case in CASES])
def test_golden_case(case):
    assert false_equation(case["text"]) == case["false"]


def combined(children):
    return st.tuples(children, st.sampled_from("+-*/"), children).map(lambda parts: f"({' '.join(parts)})")


numbers = st.integers(0, 500).map(str) | st.decimals(0, 99, places=2).map(str)
expressions = st.recursive(numbers, combined, max_leaves=5).filter(lambda text: text.startswith("("))


def value(expression):
    """By Python's own grammar, with exact numbers."""
    exact = {"__builtins__": {}, "F": Fraction}
    quoted = "".join(f"F('{part}')" if part[0].isdigit() else part for part in split_numbers(expression))
    return eval(quoted, exact)  # noqa: S307 - our own text


def split_numbers(expression):
    return expression.replace("(", "( ").replace(")", " )").split()


@given(expression=expressions, decimals=st.integers(0, 4), error=st.integers(-50, 50))
def test_exactly_the_wrong_results_are_found(expression, decimals, error):
    try:
        right = value(expression)
    except ZeroDivisionError:
        assert false_equation(f"So {expression} = 3.") is None
        return
    rounded = Fraction(round(right * 10**decimals) + error, 10**decimals)
    shown = f"{float(rounded):.{decimals}f}"
    assume(Fraction(shown) == rounded)
    is_true = abs(rounded - right) <= Fraction(1, 2 * 10**decimals)
    found = false_equation(f"So {expression} = {shown} apples.")
    assert found == (None if is_true else f"{expression} = {shown}")


@given(st.text(st.sampled_from("0123456789 .,=+-−*/x×÷()%$ab \n'!?|^²½"), max_size=60) | st.text(max_size=60))
def test_any_text_is_read_without_an_error(text):
    found = false_equation(text)
    assert found is None or "=" in found


@given(text=st.text(st.sampled_from("0123456789 .,=+-*/x()%$abc"), max_size=40))
def test_what_is_found_is_found_alone(text):
    found = false_equation(text)
    if found is not None:
        assert false_equation(found) == found


@pytest.mark.parametrize("piece", ["1 + ", "1 = ", "(", "1 + 1 = ", "- ", "5 kg + ", "1,", "x 2 ", "**", "=", ") 3"])
def test_time_is_linear_in_length(piece):
    text = piece * (20_000 // len(piece))
    started = time.process_time()
    false_equation(text)
    false_equation(text + "= 3")
    assert time.process_time() - started < 4
