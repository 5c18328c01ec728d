"""Attacks of kind `wrong`: no answer, another answer, or an answer that is not in the language.

Each takes the honest response's anatomy, the honest responses of the run and a seeded random source, and returns the
text; it raises `CannotBuildError` with the reason where the response does not allow it.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from random import Random

from components.answers.plain import ascii_digits
from components.answers.verdict import grade
from components.attacks.anatomy import LETTER_RUNS, Anatomy
from components.attacks.records import CannotBuildError, Honest

_NUMBER = r"[$€£¥₹]?(?<!\d)\d++(?:[.,'٬٫\u00a0\u202f]\d++)*+\s?%?"
_TERM = rf"[-−]?\(*\s?{_NUMBER}\s?\)*"
_SIDE = rf"{_TERM}(?:\s?[-+*/×÷·⋅−–]\s?{_TERM})*+"
_EQUALS = "=≈＝"
_CALCULATION = re.compile(rf"{_SIDE}(?:\s?[{_EQUALS}]\s?{_SIDE})*+")  # equation or not, so that none is scanned twice
_SPACES = re.compile(r"(\s)\s+")
_TIMES = re.compile(r"(?<=[\d)] )[xX](?= [$€£¥₹(]?\d)|(?<=[\d)])[xX](?=\d)")
_LATEX = {"\\times": "×", "\\cdot": "·", "\\div": "÷", "\\approx": "≈"} | dict.fromkeys(
    ("\\(", "\\)", "\\[", "\\]"), " "
)


def empty(_: Anatomy, __: Sequence[Honest], ___: Random) -> str:
    """Nothing at all."""
    return ""


def digits(anatomy: Anatomy, _: Sequence[Honest], __: Random) -> str:
    """The honest text's numbers and nothing else: `12 5 17 17`."""
    if not anatomy.numbers:
        raise CannotBuildError("no number in digits")
    return " ".join(anatomy.honest.text[number.start : number.end] for number in anatomy.numbers)


def equations(anatomy: Anatomy, _: Sequence[Honest], __: Random) -> str:
    """The honest text's equations without a word, a line each."""
    text = anatomy.honest.text
    for command, sign in _LATEX.items():
        text = text.replace(command, sign)
    without_words = LETTER_RUNS.sub("", _TIMES.sub("×", text))
    found = []
    for line in without_words.splitlines():
        joined = _SPACES.sub(r"\1", line)
        for match in _CALCULATION.finditer(ascii_digits(joined)):
            if set(_EQUALS) & set(match[0]):
                found.append(joined[match.start() : match.end()].strip())
    if not found:
        raise CannotBuildError("no equation")
    return "\n".join(found)


def english_reference(anatomy: Anatomy, _: Sequence[Honest], __: Random) -> str:
    """The English reference, copied."""
    if anatomy.honest.lang == "en":
        raise CannotBuildError("English is the language asked for")
    if not anatomy.honest.reference_text:
        raise CannotBuildError("no reference text")
    return anatomy.honest.reference_text


def final_number(anatomy: Anatomy, _: Sequence[Honest], __: Random) -> str:
    """One digit (or the letter) of the announced answer is another; the working stays, so it contradicts it."""
    return anatomy.announced[2]


def wrong_language(anatomy: Anatomy, others: Sequence[Honest], rng: Random) -> str:
    """A right response to the same problem in another language; not English where there is any other."""
    honest = anatomy.honest
    same = [row for row in others if row.problem_id == honest.problem_id and row.lang != honest.lang]
    spoken = sorted({(row.lang, row.text) for row in same if LETTER_RUNS.search(row.text)})
    if not spoken:
        raise CannotBuildError("no honest response to the problem in another language")
    return rng.choice([row for row in spoken if row[0] != "en"] or spoken)[1]


def other_reference(anatomy: Anatomy, others: Sequence[Honest], rng: Random) -> str:
    """A right response to another problem, with another answer."""
    honest = anatomy.honest
    if anatomy.right is None:
        raise CannotBuildError("the honest response has no readable answer")
    found = [row for row in others if row.lang == honest.lang and row.problem_id != honest.problem_id]
    rows = sorted(found, key=lambda row: (row.problem_id, row.text))
    start = rng.randrange(len(rows)) if rows else 0
    for row in rows[start:] + rows[:start]:
        answer = _right_answer(row)
        if answer is not None and grade(answer, anatomy.right) is False and not anatomy.is_right(row.text):
            return row.text
    raise CannotBuildError("no honest response to another problem with another answer")


def question(anatomy: Anatomy, _: Sequence[Honest], __: Random) -> str:
    """The question, repeated."""
    if not anatomy.honest.question:
        raise CannotBuildError("no question")
    if anatomy.right is not None and anatomy.is_right(anatomy.honest.question):
        raise CannotBuildError("the question reads as the right answer")
    return anatomy.honest.question


@lru_cache(maxsize=4096)
def _right_answer(honest: Honest) -> str | None:
    return Anatomy(honest).right
