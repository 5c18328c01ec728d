"""LaTeX that is more than a number: its values, and a worker that hangs, dies, is asked by threads or after a fork."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import pytest

from components.answers import read_answer, verify
from components.answers.latex import TIMEOUT_S, Unparsed, latex_number

ENDLESS = r"10^{10^{10}}"


@pytest.mark.parametrize(
    ("latex", "value"),
    [
        (r"\sqrt{16}", "4"), (r"2^{10}", "1024"), (r"\frac{6}{4}", "1.5"), (r"\dfrac{1}{3}", "1/3"), (r"5!", "120"),
        (r"1.5\times 10^{3}", "1500"), (r"0.1+0.2", "0.3"), (r"x=\frac{1}{2}", "0.5"), (r"\binom{5}{2}", "10"),
        (r"\log_2 8", "3"), (r"3\frac{1}{2}", "3.5"), (r"\sum_{i=1}^{10} i", "55"),
    ],
)  # fmt: skip
def test_rational_values_are_exact(latex, value):
    assert latex_number(latex) == value


@pytest.mark.parametrize(
    "latex", [r"\text{no}", "x+1", r"\frac{1}{0}", "(1,2)", r"\sqrt{-1}", "", r"\frac{", "}{", "\n"]
)
def test_what_is_no_real_number(latex):
    assert latex_number(latex) is None


def test_irrational_numbers_have_many_digits():
    assert abs(Fraction(latex_number(r"\sqrt{2}")) ** 2 - 2) < Fraction(1, 10**25)
    assert verify(r"\boxed{\pi}", "3.14").correct
    assert not verify(r"\boxed{\pi}", "3.15").correct


@pytest.mark.alone
def test_an_endless_one_is_unparsed_in_time_and_the_next_is_read():
    latex_number(r"\sqrt{9}")  # the worker runs
    started = time.monotonic()
    with pytest.raises(Unparsed):
        latex_number(ENDLESS)
    assert time.monotonic() - started < TIMEOUT_S + 1
    assert latex_number(r"\sqrt{25}") == "5"


def test_an_unparsed_box_is_no_answer_and_nothing_else_takes_its_place():
    answer = read_answer(rf"The answer is 7. \boxed{{{ENDLESS}}}", "en")
    assert (answer.value, answer.path) == (None, "unparsed")


@pytest.mark.slow
def test_threads_share_the_worker():
    asked = [rf"\sqrt{{{number**2}}}" for number in range(100, 140)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(latex_number, asked)) == [str(number) for number in range(100, 140)]


@pytest.mark.slow
def test_a_forked_process_has_a_worker_of_its_own():
    latex_number(r"\sqrt{36}")
    child = os.fork()
    if not child:
        os._exit(0 if latex_number(r"\sqrt{49}") == "7" else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert latex_number(r"\sqrt{64}") == "8"
