"""Reading the number that a response announces: what follows an answer phrase, or stands in a box.

A number that follows directly (at most one word between) is the announced one, and of an equation its right side. Where
a longer wording stands between, it is the last number of that sentence. A negated number is passed over, and several
numbers joined by "or" announce none. Only the sentence is looked at, and of it a bounded part: time is constant.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from components.answers.doubts import (
    is_denied,
    is_either,
    is_list,
    is_range,
    is_reference,
    num_unspaced,
    opens_range,
    without_denials,
)
from components.answers.latex import latex_number
from components.answers.numbers import Number
from components.answers.numerals import find_numerals
from components.answers.plain import CASED
from components.answers.quantities import find_quantities, quantity
from components.answers.words import words_as_digits
from components.lang.table import Language

_REACH = 300  # characters of a sentence that are looked at
_DIRECT = 40  # characters that one word and marks may take
_DIRECT_UNSPACED = 8  # letters, in scripts without spaces between words
_SENTENCE_END = re.compile(r"[\n。！？।॥]|[.!?؟]['\"*»”)]*(?=\s|$)")
_MARKS = " \t\r\n\u00a0*_>"
_NO_NUMBER_YET = re.compile(r"[<>≤≥≠±\\]|[,，](?=.*[^\W\d_])")  # a comma and words: another clause
_LIST_MARK = re.compile(r"[.)](?=\s+\S)")
_STEP_MARK = re.compile(r"\s*[:)]")
# Terms with their units up to an equals sign: `12 apples + 5 apples =`. Each word must stand before a sign.
_EQUATION_LEFT = re.compile(
    r"(?:[\d\s'+\-*/×÷·⋅()%$€£¥]++|[.,](?=\d)|[^\W\d_]++(?=[\s)]*[-+*/×÷·⋅=)])|[^\W\d_]++(?=\s+[^\W\d_]++\s*[-+*/×÷=]))*+=\s*"
)
_UNIT = re.compile(r"\s?([^\W\d_]+|%)")
_UNIT_AND_OR = re.compile(r"\s?([^\W\d_]+|%),?\s[^\W\d_]+\s*$")
# Something to calculate with a number; an asterisk alone may be Markdown's.
_OPERATION = re.compile(r"[^\W\d_]*(?:\s[^\W\d_]+)?(?:\s[*x]\s|[*x]|\s?[×÷·⋅+]\s?)[$€£¥]?\d")
# In a box, a number may have a unit behind it (m^2), but nothing to calculate.
_BOX_REST = re.compile(rf"(?!\s?[xyzni](?![{CASED}]))(?:[^\d\\+^=(×÷√<>|!]|(?<=[a-zµ])\s?\^\{{?-?\d\}}?)*")


@dataclass(frozen=True, slots=True)
class Statement:
    """What is announced at one place."""

    number: Number | None = None
    hedged: bool = False
    """Whether several numbers are offered instead of one."""
    denied_up_to: int = 0
    """Where the last number ends that is said not to be the answer; 0 where none is."""


def statement_at(plain: str, start: int, lang: str, row: Language) -> Statement:
    r"""What is announced from `start` on.

    Args:
        plain: As returned by `plain_text`.
        start: Where an answer phrase ends.
        lang: BCP-47 code.
        row: The table's row of `lang`, or the English one.

    Raises:
        Unparsed: It is LaTeX that could not be evaluated in time, such as `$10^{10^{10}}$`.
    """
    num_words = 0 if plain[start - 1 : start] == ":" else 1  # behind a colon a sentence may begin
    start = start + len(plain[start : start + _REACH]) - len(plain[start : start + _REACH].lstrip(_MARKS))
    sentence = plain[start : sentence_end(plain, start)]
    if sentence[:1] in (",", "，"):
        return Statement()  # the phrase announced nothing: its sentence goes on
    if "\\" in sentence[:_DIRECT] and (value := _formula(sentence)) is not None:
        return Statement(Number(value, start, start + len(sentence)))
    readings = _readings(sentence, lang, row, num_words)
    for text, numbers, most_words in readings:
        if _is_direct(text, numbers[0], most_words, row):
            if _is_list_mark(plain, start, text, numbers[0]):
                return Statement()
            return _among(text, numbers, lang, row, start, direct=True)
    if not readings:
        return Statement()
    text, numbers, _ = readings[0]
    return _among(text, numbers, lang, row, start, direct=False)


def boxed_statement(content: str, lang: str, row: Language) -> Statement:
    """What a box announces, where that is a plain number, maybe with words; anything else announces nothing here."""
    for text, numbers, _ in _readings(content, lang, row, 1):
        first, before = numbers[0], text[: numbers[0].start]
        if len(numbers) > 1 and _offers_both(text, first, numbers[1], len(text), row):
            return Statement(hedged=True)
        is_tuple = "," in text[first.end :] and text.lstrip()[:1] in ("(", "[", "{")
        if is_tuple or is_denied(before, row, text[first.end :]):
            continue
        if _BOX_REST.fullmatch(before.replace("(", "")) and _BOX_REST.fullmatch(text, first.end):
            return Statement(first)
    return Statement()


def _formula(sentence: str) -> str | None:
    """The value of the LaTeX that the sentence opens with; None where it opens with something else."""
    formula = sentence.lstrip(" $").partition("$")[0].strip()
    return latex_number(formula) if formula.startswith(("\\", "-\\")) and "boxed" not in formula else None


def sentence_end(plain: str, start: int) -> int:
    """Where the sentence or line that `start` lies in ends, or what is looked at of it."""
    end = _SENTENCE_END.search(plain, start, start + _REACH)
    if end is not None:
        return end.start()
    stop = min(len(plain), start + _REACH)
    while stop < len(plain) and stop < start + 2 * _REACH and not plain[stop].isspace():  # cut no number in two
        stop += 1
    return stop


def _readings(sentence: str, lang: str, row: Language, num_words: int) -> list[tuple[str, list[Number], int]]:
    """The numbers in digits, in Chinese characters and in words, where there are any.

    Each with the text that they stand in, and how many words may stand before one that follows directly.
    """
    digits = (sentence, _numbers(sentence, lang, row), num_words)
    if digits[1] and _is_direct(sentence, digits[1][0], num_words, row):
        return [digits]
    written = words_as_digits(sentence, lang, announced=True) or ""
    numerals = (sentence, [*find_numerals(sentence, row)], num_words)
    words = (written, _numbers(written, lang, row), 0)
    return [reading for reading in (digits, numerals, words) if reading[1]]


def _numbers(text: str, lang: str, row: Language) -> list[Number]:
    found = [number for match in find_quantities(text, lang) if (number := quantity(match, lang)) is not None]
    return [number for number in found if not is_reference(text[: number.start], text[number.end :], row)]


def _is_direct(text: str, number: Number, num_words: int, row: Language) -> bool:
    """Whether the text begins with the number, but for so many words at most."""
    between = text[: number.start].strip(_MARKS)
    if not between:
        return True
    if len(between) > _DIRECT or _NO_NUMBER_YET.search(between):
        return False
    between = without_denials(between, row)
    words = [word for word in between.split() if any(character.isalpha() for character in word)]
    unspaced = num_unspaced(between)
    return unspaced <= _DIRECT_UNSPACED if unspaced else len(words) <= num_words


def _is_list_mark(plain: str, start: int, text: str, number: Number) -> bool:
    """Whether the number only counts a step or an item of a list that begins behind the phrase."""
    if text[: number.start].strip(" *"):
        return _STEP_MARK.match(text, number.end) is not None
    return "\n" in plain[max(0, start - 4) : start] and _LIST_MARK.match(plain, start + number.end) is not None


def _among(text: str, numbers: list[Number], lang: str, row: Language, offset: int, *, direct: bool) -> Statement:
    """The announced one of the numbers: the first that is not denied where it follows directly, else the last."""
    ends = [0, *(number.end for number in numbers)]
    starts = [*(number.start for number in numbers), len(text)]
    between = [text[end:start] for end, start in zip(ends, starts, strict=True)]  # before, between and behind them
    denied = [is_denied(between[index], row, between[index + 1]) for index in range(len(numbers))]
    denied_up_to = max((offset + number.end for number, no in zip(numbers, denied, strict=True) if no), default=0)
    left = [index for index, no in enumerate(denied) if not no]
    if not left:
        return Statement(denied_up_to=denied_up_to)
    chosen = left[0] if direct else left[-1]
    if direct and (result := _right_side(text, numbers[chosen], lang, row)) is not None:
        return Statement(result, denied_up_to=denied_up_to)
    if direct and _OPERATION.match(text, numbers[chosen].end):
        return Statement(hedged=True)  # something to calculate, but no result
    if len(left) > 1 and chosen == left[0] and opens_range(between[chosen], row):
        return Statement(hedged=True)
    for first, second in pairwise(left):
        are_neighbours = chosen in (first, second) and second == first + 1
        if are_neighbours and _offers_both(text, numbers[first], numbers[second], starts[second + 1], row):
            return Statement(hedged=True)
    return Statement(numbers[chosen], denied_up_to=denied_up_to)


def _offers_both(text: str, one: Number, other: Number, stop: int, row: Language) -> bool:
    """Whether two neighbouring numbers are offered side by side; the same one twice (1.5 or 3/2) is one."""
    if _are_equal(one, other):
        return False
    between = text[one.end : other.start]
    if _is_restated(between, text[other.end : stop], row):
        return False
    return is_range(between) or is_either(between, row) or is_list(between, text[other.end : stop])


def _is_restated(between: str, behind: str, row: Language) -> bool:
    """Whether two numbers have different units, as one quantity has that is told twice: 90 minutes or 1.5 hours."""
    if between.split()[-1:] and between.split()[-1] in (*row.and_words, "and"):
        return False
    units = _UNIT_AND_OR.match(between), _UNIT.match(behind)
    return units[0] is not None and (units[0][1] == "%" or (units[1] is not None and units[0][1] != units[1][1]))


def _are_equal(one: Number, other: Number) -> bool:
    return ":" not in one.value + other.value and Fraction(one.value) == Fraction(other.value)


def _right_side(text: str, number: Number, lang: str, row: Language) -> Number | None:
    """What stands right of the equation that the number opens; None where that is no lone number (`18 = 9 × 2`)."""
    position = number.start
    while (equation := _EQUATION_LEFT.match(text, position)) and not is_either(text[number.end : equation.end()], row):
        position = equation.end()
    if position == number.start:
        return None
    result = next(iter(_numbers(text[position : position + _DIRECT], lang, row)), None)
    is_result = result is not None and not _OPERATION.match(text, position + result.end)
    return result if is_result else None
