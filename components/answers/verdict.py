"""Comparing a final answer with a gold one: exactly, on rationals and letters, unless the gold is a rounded decimal."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from components.answers.plain import plain_text
from components.answers.quantities import find_quantities, quantity
from components.answers.reading import AnswerPath, read_answer
from components.contracts.records import CHOICE_LETTERS

_LETTERS = frozenset(CHOICE_LETTERS)
_CANONICAL = re.compile(r"0|-?(?:[1-9][0-9]*|0(?=\.))(?:\.[0-9]*[1-9])?")
_TIME = re.compile(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d))?( pm)?")
_LEAST_ROUNDED_DECIMALS = 2
_GOLD_NUMBER = r"(?:[0-9]+|[1-9][0-9]{0,2}(?:,[0-9]{3})+|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3})(?:\.[0-9]+)?"
_GOLD_SHAPE = re.compile(
    rf"[-+]?[$€£¥₹]? ?{_GOLD_NUMBER}(?: ?%|/[0-9]{{1,9}}| [0-9]{{1,4}}/[0-9]{{1,4}}|:[0-5][0-9](?: ?pm)?)?"
)
_GOLD = "en"  # `.` for decimals, `,` for grouping


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a response answers, and whether that is right."""

    answer: str | None
    """As in `Answer.value`."""
    path: AnswerPath
    correct: bool | None
    """None where nobody knows the gold."""
    ambiguous: bool
    """Whether the answer has two readings, as `1.234` has; only the language's own counts."""


def verify(text: str, gold: str | None, lang: str = "en", choices: Sequence[str] = ()) -> Verdict:
    """Read the final answer out of a response and compare it with the gold one.

    Args:
        text: Any text.
        gold: A number (`.` for decimals, `,` for grouping), a fraction `p/q`, a time `h:mm`, or a letter A to J, which
            makes it a choice question; None where nobody knows it.
        lang: BCP-47 code of the response's language.
        choices: The choices' texts where there are any and they are known.

    Raises:
        ValueError: The gold is none of these.

    Example:
        >>> verify("Die Antwort ist 1.234,5 Euro.", "1234.5", "de").correct
        True
    """
    is_letter = gold is not None and gold.strip() in _LETTERS
    canonical = None if gold is None else gold.strip() if is_letter else canonical_gold(gold)
    is_choice = bool(choices) or is_letter
    answer = read_answer(text, lang, len(choices) or len(CHOICE_LETTERS) if is_choice else 0, choices)
    correct = grade(answer.value, canonical)
    if correct is False and gold is not None and text.strip() == gold.strip():
        correct = True  # the gold itself, letter by letter, is no other number
    return Verdict(answer.value, answer.path, correct, answer.ambiguous)


def same_answer(answer: str | None, other: str | None) -> bool:
    """Whether two answers are the same rational number, time or letter A to J; False where either is none of them.

    A time is its number of hours, so 8:00 is 8 and 8:30 is 8.5; after noon, `3:00 pm` is 3:00 and 15:00.
    """
    if answer is None or other is None:
        return False
    if answer == other and answer in _LETTERS:
        return True
    if _CANONICAL.fullmatch(answer) and _CANONICAL.fullmatch(other):
        return answer == other  # such a number is written in one way only
    return not _values(answer).isdisjoint(_values(other))


def grade(answer: str | None, gold: str | None) -> bool | None:
    """Whether an answer is the gold one; None where nobody knows the gold.

    Exact, but for a gold that is taken as rounded: one of at least two decimals that does not end in 5 (halves,
    quarters and eighths do). A more precise answer is right where it rounds to it, half away from zero: 10/3 and 3.333
    for 3.33, but neither 3.34 nor 3.3; never 12.54 for 12.5, nor 0.251 for 0.25.
    """
    if gold is None:
        return None
    return same_answer(answer, gold) or _rounds_to(answer, gold)


def same_places(answers: Sequence[str | None]) -> list[list[int]]:
    """Places of answers that are the same (10/3 and 3.33, 8:30 and 8.5), largest group first, ties by first place.

    None is the same as nothing.
    """
    groups: list[list[int]] = []
    for place, answer in enumerate(answers):
        if answer is None:
            continue
        for group in groups:
            first = answers[group[0]]
            if grade(answer, first) or grade(first, answer):
                group.append(place)
                break
        else:
            groups.append([place])
    return sorted(groups, key=len, reverse=True)


@lru_cache(4096)
def canonical_gold(text: str) -> str:
    """A gold answer that is a number, a fraction or a time, in canonical form.

    Without commas, or with one at every thousand or, as in India, at the thousand and every hundred above it. Commas
    elsewhere are a decimal mark, a list or a slip: refused. Currency and per cent signs are units: 50% is 50.

    Raises:
        ValueError: The text is something else.
    """
    plain = plain_text(text.strip())
    match = next(find_quantities(plain, _GOLD), None) if _GOLD_SHAPE.fullmatch(plain) else None
    number = match and quantity(match, _GOLD)
    if number is None:
        raise ValueError(f"{text.strip()!r} is no number; write one such as 1234.5 or 3/4")
    return number.value


def _values(answer: str) -> frozenset[Fraction]:
    """All numbers that the answer may stand for."""
    if time := _TIME.fullmatch(answer):
        hours, minutes, seconds = (Fraction(int(part or 0)) for part in time.groups()[:3])
        rest = minutes / 60 + seconds / 3600
        return frozenset({hours + rest, hours % 12 + 12 + rest} if time[4] else {hours + rest})
    try:
        return frozenset({Fraction(answer)})
    except (ValueError, ZeroDivisionError):
        return frozenset()


def _rounds_to(answer: str | None, gold: str) -> bool:
    num_decimals = len(gold.partition(".")[2])
    if answer is None or num_decimals < _LEAST_ROUNDED_DECIMALS or gold[-1] in "05":
        return False
    if "/" not in answer and len(answer.partition(".")[2]) <= num_decimals:
        return False
    half, exact = Fraction(1, 2 * 10**num_decimals), Fraction(gold)
    return any(-half <= abs(value) - abs(exact) < half and value * exact > 0 for value in _values(answer))
