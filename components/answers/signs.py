"""Telling whether a number is negative: a minus that belongs to it, before or behind a currency sign, or a word."""

import re
import unicodedata
from functools import cache

from components.answers.plain import CASED, SPACES, plain_text
from components.lang.table import language

CURRENCY_SIGNS = "".join(chr(code) for code in range(0x10000) if unicodedata.category(chr(code)) == "Sc")
CURRENCY_WORDS = ("rs", "rp", "rm", "tk", "kr", "chf", "usd", "eur", "inr", "zł")
_S = f"[{SPACES}]"
_MONEY = rf"(?:[a-z]{{0,2}}[{CURRENCY_SIGNS}]|(?<![{CASED}])(?:{'|'.join(CURRENCY_WORDS)})\.?)"
# What stands before the digits of a number: a sign, currency, a sign behind the currency.
_LEAD = re.compile(rf"(?:(?P<sign>-)(?P<gap>{_S}?))?(?:{_MONEY}{_S}?)?(?P<inner>-)?$")
_LEAD_REACH = 12
_WORDS_REACH = 40


def is_negative(text: str, start: int, code: str) -> bool:
    """Whether the number whose first digit is at `start` is negative.

    Args:
        text: As returned by `plain_text`.
        start: Of the digits, or of a fraction's sign.
        code: Of a language in the table, whose words for minus count beside the English ones.
    """
    before = text[max(0, start - _LEAD_REACH) : start]
    lead = _LEAD.search(before) if "-" in before else None
    if lead is not None and lead["inner"] and (lead["sign"] or lead.end("inner") - lead.start() > 1):
        return True
    sign = lead and (lead["sign"] or lead["inner"])
    if lead is not None and sign:
        at = start - len(before) + lead.start("sign" if lead["sign"] else "inner")
        return is_sign(text, at, bool(lead["gap"]))
    words = text[max(0, start - _WORDS_REACH) : start]
    if not words.rstrip(SPACES).endswith(_minus_words(code)):
        return False
    word = _minus(code).search(words)
    return word is not None and word["minuend"] is None


def is_sign(text: str, at: int, gap: bool) -> bool:
    """Whether the minus at `at` belongs to the number behind it: no subtraction, hyphen, range or bullet.

    Args:
        text: The text.
        at: Where the minus stands.
        gap: Whether a space follows it.
    """
    before = at - 1
    while before >= 0 and text[before] in SPACES:
        before -= 1
    if gap:
        return before >= 0 and text[before] in "=(:"
    if before < 0:
        return True
    previous = text[before]
    if previous.isdigit() or previous in ")]}%":
        return False
    # A cased letter right before it makes a hyphen (B-52); scripts without case write the sign after a word.
    return before != at - 1 or previous.lower() == previous.upper()


@cache
def _minus_words(code: str) -> tuple[str, ...]:
    words = {plain_text(word) for word in (*language(code).minus_words, *language("en").minus_words)}
    return tuple(sorted(words, key=len, reverse=True))


@cache
def _minus(code: str) -> re.Pattern[str]:
    longest_first = "|".join(map(re.escape, _minus_words(code)))
    others = "".join(f"(?<!{re.escape(plain_text(words))})" for words in language(code).not_minus)
    # `12 minus 5` and `12 apples minus 5` are subtractions
    return re.compile(rf"(?P<minuend>\d{_S}?[^\W\d_]*{_S}?)?(?<![{CASED}])(?:{longest_first}){others}{_S}?$")
