"""Reading the final answer out of a response in any language, and comparing two answers exactly.

Not read yet: numerals in words or CJK characters, scale words, fractions, times and choices.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Literal

from components.lang.numbers import Number, ascii_digits, find_numbers
from components.lang.table import language

AnswerPath = Literal["boxed", "phrase", "last_number", "none"]

_BOXED = "\\boxed{"
_PHRASE_REACH = 40  # characters between an answer phrase and its number: a few words, not the next sentence but one
_EQUATION_LEFT = re.compile(r"[\d\s.,+\-−–*/×÷·()]*=\s*")
_DIGIT = re.compile(r"\d")
_GOLD_GROUP_MARKS = ","


@dataclass(frozen=True, slots=True)
class Answer:
    """A final answer and how it was found."""

    value: str | None
    """Canonical (`.` for decimals, no grouping, no idle zeros); None where nothing was readable."""
    path: AnswerPath


def read_answer(text: str, lang: str) -> Answer:
    """Read the final answer of a response: boxed, else after an answer phrase, else the last number.

    The phrases of `lang` and the English ones count; the last occurrence with a number wins. Text up to
    `</think>` is ignored where something follows it.

    Args:
        text: Any text; never an error.
        lang: Language of the prompt; settles readings such as `1.234`.

    Raises:
        PipelineError: `lang` is not in the table of languages.
    """
    marks = language(lang).group_marks
    text = ascii_digits(_visible(text))
    if (value := _boxed(text, marks)) is not None:
        return Answer(value, "boxed")
    for match in reversed(list(_phrases(lang).finditer(text))):
        if (value := _result_at(text, match.end(), match.end() + _PHRASE_REACH, marks)) is not None:
            return Answer(value, "phrase")
    value = _last_number(text, marks)
    return Answer(value, "none" if value is None else "last_number")


def same_answer(a: str | None, b: str | None) -> bool:
    """Whether two answers are the same rational number; False where either is missing or is no number."""
    if a is None or b is None:
        return False
    try:
        return Fraction(a) == Fraction(b)
    except (ValueError, ZeroDivisionError):
        return False


def canonical_answer(text: str) -> str:
    """The last number of a gold answer (`.` for decimals, `,` for grouping) in canonical form.

    Raises:
        ValueError: The text has no number.
    """
    value = _last_number(ascii_digits(text), _GOLD_GROUP_MARKS)
    if value is None:
        raise ValueError(f"no number in {text!r}")
    return value


def _visible(text: str) -> str:
    visible = text.rpartition("</think>")[2]
    return visible if visible.strip() else text


@cache
def _phrases(lang: str) -> re.Pattern[str]:
    phrases = dict.fromkeys((*language(lang).answer_phrases, *language("en").answer_phrases))
    longest_first = sorted(phrases, key=len, reverse=True)
    return re.compile("|".join(_phrase_pattern(phrase) for phrase in longest_first), re.IGNORECASE)


def _phrase_pattern(phrase: str) -> str:
    """Any space between words; a colon in both widths, with space or Markdown's asterisks before it."""
    words = r"\s+".join(re.escape(word) for word in phrase.split())
    return words.replace(":", r"[\s*]*[:：]")


def _boxed(text: str, group_marks: str) -> str | None:
    start = text.rfind(_BOXED)
    if start < 0:
        return None
    start += len(_BOXED)
    content = text[start : _closing_brace(text, start)].replace("{,}", ",")
    return _result_at(content, content.rfind("=") + 1, len(content), group_marks)


def _closing_brace(text: str, start: int) -> int:
    depth = 1
    for match in re.finditer(r"[{}]", text[start:]):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return start + match.start()
    return len(text)


def _result_at(text: str, start: int, stop: int, group_marks: str) -> str | None:
    """The first number that begins in `start`..`stop`, or the right side of the equation that it opens."""
    number = _first_number(text, start, stop, group_marks)
    if number is None:
        return None
    position = number.start
    while equation := _EQUATION_LEFT.match(text, position):
        position = equation.end()
    return (_first_number(text, position, position + _PHRASE_REACH, group_marks) or number).value


def _first_number(text: str, start: int, stop: int, group_marks: str) -> Number | None:
    # Looking for a digit first keeps many phrases without numbers linear: none scans beyond its reach.
    if _DIGIT.search(text, start, stop) is None:
        return None
    return next(find_numbers(text, group_marks, start), None)


def _last_number(text: str, group_marks: str) -> str | None:
    last = None
    for number in find_numbers(text, group_marks):
        last = number.value
    return last
