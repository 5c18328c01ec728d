"""Finding numbers of the question that a working leaves out. Our own idea: such a sample solved another problem.

A filter that costs some right samples where questions hold numbers that the solution does not need; so it is a
parameter. Gold answers are not looked at.
"""

from components.answers.numbers import find_numbers
from components.answers.plain import plain_text

_LEAVES_NO_TRACE = "1"  # one half is a division by two, one box needs no multiplication


def unused_number(question: str, working: str) -> str | None:
    """The first number of an English question, canonical, that its working does not show; None where all are there.

    Numbers in words are not looked for.
    """
    shown = {_LEAVES_NO_TRACE, *_numbers(working)}
    return next((number for number in _numbers(question) if number not in shown), None)


def _numbers(text: str) -> list[str]:
    return [number.value.removeprefix("-") for number in find_numbers(plain_text(text), "en")]
