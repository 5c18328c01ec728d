"""Reading numbers written in digits: grouping, decimal marks and signs.

A mark is read as grouping or as a decimal point, or it ends the number; none is ever deleted blindly. Fractions, scale
words and the like are read in `quantities.py`. Time is linear in the length of the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from components.answers.plain import SPACES
from components.answers.signs import is_sign
from components.lang.table import group_marks

MAX_DIGITS = 1000  # longer runs of digits are a model's stutter; Python refuses to convert more than 4,300
_GROUP = rf"[.,'٬{SPACES}]"
DIGITS = rf"""
    (?P<indian>[1-9]\d?(?:,\d\d)+,\d{{3}})(?P<indian_fraction>[.٫]\d++)?(?!\d)
  | (?P<grouped>[1-9]\d{{0,2}}(?P<mark>{_GROUP})\d{{3}}(?:(?P=mark)\d{{3}})*+)(?!\d)
    (?P<grouped_fraction>(?!(?P=mark))[.,٫]\d++)?
  | (?P<whole>\d++)(?P<fraction>[.,٫]\d++)?
"""
_NUMBER = re.compile(rf"(?P<sign>-)?(?P<gap>[{SPACES}]?)[$€£¥₹₽]?(?:{DIGITS})", re.VERBOSE)


@dataclass(frozen=True, slots=True)
class Number:
    """A number found in a text."""

    value: str
    """Canonical: `-` if negative, ASCII digits, `.` for decimals, no grouping, no idle zeros; or a fraction `p/q` in
    lowest terms that is no decimal; or a time `h:mm`."""
    start: int
    end: int
    ambiguous: bool = False
    """Whether its one mark could group or be decimal, as in `1.234`; it was read as the language does."""


def find_numbers(plain: str, lang: str, start: int = 0) -> Iterator[Number]:
    """Numbers of a text in digits, from left to right.

    Args:
        plain: As returned by `plain_text` or `ascii_digits`.
        lang: BCP-47 code; settles `1.234` and `1,234`, which are grouped where the language groups with the mark
            and decimal elsewhere. All other shapes have one reading.
        start: Where to begin.
    """
    for match in _NUMBER.finditer(plain, start):
        if match.end() - match.start() <= MAX_DIGITS:
            whole, fraction, ambiguous = digits_of(match, group_marks(lang))
            negative = match["sign"] is not None and is_sign(plain, match.start("sign"), bool(match["gap"]))
            value = canonical_digits(negative, whole, fraction)
            yield Number(value, match.start(), match.end(), ambiguous)


def digits_of(match: re.Match[str], marks: str) -> tuple[str, str, bool]:
    """Digits before and after the decimal point of a match of `DIGITS`, and whether its mark is ambiguous."""
    if indian := match["indian"]:
        return indian.replace(",", ""), (match["indian_fraction"] or "")[1:], False
    if grouped := match["grouped"]:
        mark, fraction = match["mark"], match["grouped_fraction"]
        pieces = grouped.split(mark)
        alone = mark in ".," and len(pieces) == 2 and fraction is None
        if alone and mark not in marks:
            return pieces[0], pieces[1], True
        return "".join(pieces), (fraction or "")[1:], alone
    return match["whole"], (match["fraction"] or "")[1:], False


def canonical_number(value: Fraction) -> str:
    """A rational number as an exact decimal where it is one, else as `p/q` in lowest terms."""
    numerator, denominator = value.as_integer_ratio()
    if denominator == 1:
        return str(numerator)
    rest, num_decimals = denominator, 0
    for prime in (2, 5):
        power = 0
        while rest % prime == 0:
            rest, power = rest // prime, power + 1
        num_decimals = max(num_decimals, power)
    if rest > 1:
        return f"{numerator}/{denominator}"
    digits = str(abs(numerator) * 10**num_decimals // denominator).zfill(num_decimals + 1)
    return f"{'-' if numerator < 0 else ''}{digits[:-num_decimals]}.{digits[-num_decimals:]}"


def canonical_digits(negative: bool, whole: str, fraction: str) -> str:
    """The same of a number given by its digits before and after the point."""
    whole = whole.lstrip("0") or "0"
    fraction = fraction.rstrip("0")
    value = f"{whole}.{fraction}" if fraction else whole
    return f"-{value}" if negative and value != "0" else value
