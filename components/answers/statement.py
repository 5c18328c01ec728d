"""Reading the number that a response announces: what follows an answer phrase, or stands in a box.

A number that follows directly (at most one word between) is the announced one, and of an equation its right side. Where
a longer wording stands between, it is the last number of that sentence. A negated number is passed over, and several
numbers joined by "or" announce none. Only the sentence is looked at, and of it a bounded part: time is constant.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from components.answers.latex import latex_number
from components.answers.numbers import Number
from components.answers.numerals import find_numerals
from components.answers.plain import plain_text
from components.answers.quantities import CASED, find_quantities, quantity
from components.answers.words import words_as_digits
from components.lang.table import Language, language

_REACH = 300  # characters of a sentence that are looked at
_DIRECT = 40  # characters that one word and marks may take
_DIRECT_UNSPACED = 8  # letters, in scripts without spaces between words
_AFTER = 24  # characters behind a number in which a language negates it, past its unit
_UNSPACED = re.compile("[฀-๿\u1000-\u109f\u1780-\u17ff぀-ヿ㐀-鿿]")
_SENTENCE_END = re.compile(r"[\n。！？।॥]|[.!?؟]['\"*»”)]*(?=\s|$)")
_MARKS = " \t\r\n\u00a0*_>"
_NO_NUMBER_YET = re.compile(r"[<>≤≥≠±\\]")
_LIST_MARK = re.compile(r"[.)](?=\s+\S)")
_STEP_MARK = re.compile(r"\s*[:)]")
_RANGE = re.compile(r"\s?[-~～〜]\s?")
# Terms with their units up to an equals sign: `12 apples + 5 apples =`. Each word must stand before a sign.
_EQUATION_LEFT = re.compile(
    r"(?:[\d\s.,'+\-*/×÷·⋅()%$€£¥]++|[^\W\d_]++(?=[\s)]*[-+*/×÷·⋅=)])|[^\W\d_]++(?=\s+[^\W\d_]++\s*[-+*/×÷=]))*+=\s*"
)
# In a box, a number may have a unit behind it (m^2), but nothing to calculate.
_BOX_REST = re.compile(rf"(?!\s?[xyzn](?![{CASED}]))(?:[^\d\\+^=(×÷√<>|!]|(?<=[a-zµ])\s?\^\{{?-?\d\}}?)*")


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
    start = start + len(plain[start : start + _REACH]) - len(plain[start : start + _REACH].lstrip(_MARKS))
    sentence = plain[start : sentence_end(plain, start)]
    readings = _readings(sentence, lang, row)
    if "\\" in sentence[:_DIRECT] and (value := _formula(sentence)) is not None:
        return Statement(Number(value, start, start + len(sentence)))
    for text, numbers, num_words in readings:
        if _is_direct(text, numbers[0], num_words, row) and not _is_list_mark(plain, start, text, numbers[0]):
            return _among(text, numbers, lang, row, start, direct=True)
    if not readings:
        return Statement()
    text, numbers, _ = readings[0]
    return _among(text, numbers, lang, row, start, direct=False)


def boxed_statement(content: str, lang: str, row: Language) -> Statement:
    """What a box announces, where that is a plain number, maybe with a unit; anything else announces nothing here."""
    for text, numbers, num_words in _readings(content, lang, row):
        if not _is_direct(text, numbers[0], num_words, row):
            continue
        if len(numbers) > 1 and _is_hedge(text[numbers[0].end : numbers[1].start], row):
            return Statement(hedged=True)
        is_tuple = "," in text[numbers[0].end :] and text.lstrip()[:1] in ("(", "[")
        if not is_tuple and _BOX_REST.fullmatch(text, numbers[0].end):
            return Statement(numbers[0])
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


def is_denied(before: str, row: Language, behind: str = "") -> bool:
    """Whether what stands before an answer (and behind it, up to the next) says that it is not the answer."""
    own_before, own_behind = _negations(row.code)
    behind = behind[:_AFTER]
    return any(word in behind for word in own_behind) or _has_word(before, own_before)


def _readings(sentence: str, lang: str, row: Language) -> list[tuple[str, list[Number], int]]:
    """The numbers in digits, in Chinese characters and in words, where there are any.

    Each with the text that they stand in, and how many words may stand before one that follows directly.
    """
    digits = (sentence, _numbers(sentence, lang), 1)
    if digits[1] and _is_direct(sentence, digits[1][0], 1, row):
        return [digits]
    written = words_as_digits(sentence, lang, announced=True)
    numerals = (sentence, [*find_numerals(sentence, row)], 1)
    words = (written or "", _numbers(written or "", lang), 0)
    return [reading for reading in (digits, numerals, words) if reading[1]]


def _numbers(text: str, lang: str) -> list[Number]:
    return [number for match in find_quantities(text, lang) if (number := quantity(match, lang)) is not None]


def _is_direct(text: str, number: Number, num_words: int, row: Language) -> bool:
    """Whether the text begins with the number, but for so many words at most."""
    between = text[: number.start].strip(_MARKS)
    if not between:
        return True
    if len(between) > _DIRECT or _NO_NUMBER_YET.search(between):
        return False
    for word in _negations(row.code)[0]:
        between = between.replace(word, "")
    words = [word for word in between.split() if any(character.isalpha() for character in word)]
    unspaced = len(_UNSPACED.findall(between))
    return unspaced <= _DIRECT_UNSPACED * num_words if unspaced else len(words) <= num_words


def _is_list_mark(plain: str, start: int, text: str, number: Number) -> bool:
    """Whether the number only counts a step or an item of a list that begins behind the phrase."""
    if text[: number.start].strip(" *"):
        return _STEP_MARK.match(text, number.end) is not None
    return "\n" in plain[max(0, start - 4) : start] and _LIST_MARK.match(plain, start + number.end) is not None


def _among(text: str, numbers: list[Number], lang: str, row: Language, offset: int, *, direct: bool) -> Statement:
    """The announced one of the numbers: the first that is not denied where it follows directly, else the last."""
    denied = [_is_denied(text, numbers, index, row) for index in range(len(numbers))]
    denied_up_to = max((offset + number.end for number, no in zip(numbers, denied, strict=True) if no), default=0)
    left = [index for index, no in enumerate(denied) if not no]
    if not left:
        return Statement(denied_up_to=denied_up_to)
    chosen = left[0] if direct else left[-1]
    if direct and (result := _right_side(text, numbers[chosen], lang)) is not None:
        return Statement(result, denied_up_to=denied_up_to)
    for first, second in pairwise(left):
        offered = text[numbers[first].end : numbers[second].start]
        if chosen in (first, second) and second == first + 1 and _is_hedge(offered, row):
            return Statement(hedged=True)
    return Statement(numbers[chosen], denied_up_to=denied_up_to)


def _right_side(text: str, number: Number, lang: str) -> Number | None:
    """What stands right of the equation that the number opens."""
    position = number.start
    while equation := _EQUATION_LEFT.match(text, position):
        position = equation.end()
    if position == number.start:
        return None
    return next(iter(_numbers(text[position : position + _DIRECT], lang)), None)


def _is_denied(text: str, numbers: Sequence[Number], index: int, row: Language) -> bool:
    start = numbers[index - 1].end if index else 0
    stop = numbers[index + 1].start if index + 1 < len(numbers) else len(text)
    return is_denied(text[start : numbers[index].start], row, text[numbers[index].end : stop])


def _is_hedge(between: str, row: Language) -> bool:
    """Whether what stands between two numbers offers the one or the other."""
    if _RANGE.fullmatch(between):
        return True
    words = between.strip(" *$€£¥'\"_\u00a0,()-")
    return any(
        words == word or words.endswith((f" {word}", *([word] if _UNSPACED.search(word) else [])))
        for word in _or_words(row.code)
    )


def _has_word(text: str, words: Sequence[str]) -> bool:
    """Whether one of the words stands close in front of what follows the text: no comma, no digit and at most two words
    between."""
    return any(re.search(_denial(word), text) for word in words if word in text)


@cache
def _denial(word: str) -> str:
    letter = r"[^\W\d_]"
    before, after = (f"(?<!{letter})", f"(?!{letter})") if not _UNSPACED.search(word) else ("", "")
    return rf"{before}{re.escape(word)}{after}(?:\s*[^\s,;:\d]+){{0,2}}\s*$"


@cache
def _negations(code: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    own, english = language(code), language("en")
    before, after = (*own.not_before, *english.not_before), own.not_after
    return tuple(dict.fromkeys(map(plain_text, before))), tuple(dict.fromkeys(map(plain_text, after)))


@cache
def _or_words(code: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(plain_text, (*language(code).or_words, *language("en").or_words))))
