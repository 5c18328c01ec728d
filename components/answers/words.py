"""Numbers in words, rewritten as digits, and then read as digits are.

text2num reads seven languages. For nine others num2words writes the numbers up to 9,999, and what it writes is looked
up; there only an announced number is read, since short ones have other meanings too (Vietnamese năm: five, year).
Swahili, Hindi, Telugu and Korean have no well-kept library of either kind.
"""

import re
from collections.abc import Iterator
from functools import cache

from num2words import num2words
from text_to_num import alpha2digit

from components.answers.plain import plain_text
from components.lang.table import language

_READ = frozenset({"en", "es", "fr", "de", "it", "pt", "nl"})
_LOOKED_UP = frozenset({"ar", "bn", "fa", "id", "it", "pl", "ru", "th", "tr", "vi"})  # it: text2num lacks elisions
_UNSPACED = frozenset({"th"})
_LOOKED_UP_TO = 9_999
_MOST_WORDS = 9
_MARKS = ".,:;!?*_()\"'«»“”"


def words_as_digits(plain: str, lang: str, announced: bool) -> str | None:
    """The text with number words as digits; None where there are none, or nothing reads them.

    Args:
        plain: As returned by `plain_text`.
        lang: BCP-47 code.
        announced: Whether something announces a number.
    """
    code = lang.replace("_", "-").split("-")[0].lower()
    rewritten = plain
    if code in _READ:
        fractions = language(code).fraction_words
        parts = _fractions(code).sub(lambda match: fractions[match[0]], plain) if fractions else plain
        rewritten = alpha2digit(parts, code, 0)
    if rewritten == plain and announced and code in _LOOKED_UP:
        pieces = _unspaced(plain, code) if code in _UNSPACED else _spaced(plain, code)
        rewritten = ("" if code in _UNSPACED else " ").join(pieces)
    return rewritten if rewritten != plain and rewritten != " ".join(plain.split()) else None


@cache
def _fractions(code: str) -> re.Pattern[str]:
    """Words such as `thirds`, which text2num would take for ordinals, or leave and so give two thirds as 2."""
    longest_first = sorted(language(code).fraction_words, key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b")


def _spaced(plain: str, code: str) -> Iterator[str]:
    """Words, the longest runs that are a number as its digits, with the marks around them."""
    numbers, words, at = _numbers(code), plain.split(), 0
    while at < len(words):
        run = min(_MOST_WORDS, len(words) - at)
        while run and "".join(words[at : at + run]).strip(_MARKS) not in numbers:
            run -= 1
        if run:
            joined = "".join(words[at : at + run])
            bare = joined.strip(_MARKS)
            yield joined.replace(bare, str(numbers[bare]))
        else:
            yield words[at]
        at += run or 1


def _unspaced(plain: str, code: str) -> Iterator[str]:
    numbers, at = _numbers(code), 0
    longest, first = max(map(len, numbers)), {words[0] for words in numbers}
    while at < len(plain):
        if plain[at] not in first:
            yield plain[at]
            at += 1
            continue
        length = next((n for n in range(min(longest, len(plain) - at), 0, -1) if plain[at : at + n] in numbers), 0)
        yield str(numbers[plain[at : at + length]]) if length else plain[at]
        at += length or 1


@cache
def _numbers(code: str) -> dict[str, int]:
    """Numbers by their words without spaces: Turkish writes yirmi bir and yirmibir, Arabic sets و off or not."""
    written = ((number, num2words(number, lang=code)) for number in range(_LOOKED_UP_TO + 1))
    return {"".join(plain_text(words).split()): number for number, words in written}
