"""Reading Chinese and Japanese numerals: 十八, 二百五十六, 一万二千, 二〇二四, 三点五, 二分之一, 百分之五十."""

import re
import unicodedata
from collections.abc import Iterator
from fractions import Fraction
from functools import cache

from components.answers.numbers import Number, canonical_number
from components.answers.scales import compose
from components.lang.table import Language

_DIGITS = "〇零一二兩两三四五六七八九壹贰貳叁參参肆伍陆陸柒捌玖壱弐"
_SCALES = "十百千万萬亿億兆拾佰仟廿卅"
_NUMERAL = f"[{_DIGITS}{_SCALES}]"
_ONE = frozenset("一壹壱")
_SHORTENED = frozenset("百千万萬亿億佰仟")
_LONGEST = 40


def find_numerals(plain: str, row: Language, start: int = 0) -> Iterator[Number]:
    """Numbers in Chinese characters, from left to right; words that only hold such a character are passed over.

    Args:
        plain: As returned by `plain_text`.
        row: Of the table; finds nothing where the language writes no Chinese characters.
        start: Where to begin.
    """
    if row.script not in ("Han", "Kana"):
        return
    is_chinese = row.script == "Han"
    for match in _pattern(row.not_numerals, row.minus_words).finditer(plain, start):
        if not match["numeral"] or (value := _value(match["numeral"], is_chinese)) is None:
            continue
        if match["mixed"]:
            value += _value(match["mixed"], is_chinese) or 0
        if plain.startswith(row.half_words, match.end()):
            value += Fraction(1, 2)
        yield Number(canonical_number(-value if match["minus"] else value), match.start(), match.end())


def is_lone_one(number: Number, plain: str) -> bool:
    """Whether a numeral is a single 一, which mostly is an article."""
    return plain[number.start : number.end] in _ONE


@cache
def _pattern(not_numerals: tuple[str, ...], minus_words: tuple[str, ...]) -> re.Pattern[str]:
    passed = "|".join(map(re.escape, sorted(not_numerals, key=len, reverse=True))) or "(?!)"
    minus = "|".join(map(re.escape, minus_words)) or "(?!)"
    decimal = f"{_NUMERAL}++(?:[点點]{_NUMERAL}++)?+"
    return re.compile(
        f"(?:{passed})|(?P<minus>{minus}|-)?(?P<numeral>{decimal}(?:分[之の]{decimal})?+)(?:又(?P<mixed>{decimal}分之{decimal}))?"
    )


def _value(numeral: str, is_chinese: bool) -> Fraction | None:
    if len(numeral) > _LONGEST:
        return None
    below, _, above = numeral.replace("分の", "分之").partition("分之")
    if not above:
        return _decimal(below, is_chinese)
    denominator, numerator = _decimal(below, is_chinese), _decimal(above, is_chinese)
    if not denominator or numerator is None:
        return None
    return numerator if below == "百" else numerator / denominator  # a percent sign is a unit


def _decimal(numeral: str, is_chinese: bool) -> Fraction | None:
    whole, _, decimals = numeral.replace("點", "点").partition("点")
    value = _whole(whole, is_chinese)
    if value is None or not decimals:
        return value
    if any(character in _SCALES for character in decimals):
        return None
    return value + Fraction(_positional(decimals), 10 ** len(decimals))


def _whole(numeral: str, is_chinese: bool) -> Fraction | None:
    """None for `三四`, three or four. In Chinese 一百五 is 150 (and 105 is 一百零五), in Japanese 百五 is 105."""
    if any(character in _SCALES for character in numeral):
        pieces: list[Fraction | int] = []
        for character in numeral:
            value = _of(character)
            if character in "廿卅":
                pieces += [Fraction(value // 10), 10]
            elif character in _SCALES:
                pieces.append(value)
            elif value:
                pieces.append(Fraction(value))
        if is_chinese and numeral[-2:-1] in _SHORTENED and isinstance(pieces[-1], Fraction):
            pieces[-1] *= Fraction(_of(numeral[-2]), 10)
        return compose(pieces)
    if len(numeral) == 2 and "〇" not in numeral and "零" not in numeral:
        return None
    return Fraction(_positional(numeral))


def _positional(numeral: str) -> int:
    return int("".join(str(_of(character)) for character in numeral))


def _of(character: str) -> int:
    return 2 if character == "两" else int(unicodedata.numeric(character))
