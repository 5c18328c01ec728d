"""Reading numbers out of text in any script: digits, grouping, decimal marks and minus signs.

A mark is read as grouping or as a decimal point, or it ends the number; none is ever deleted blindly. Time is
linear in the length of the text.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

SPACES = " \u00a0\u2009\u202f"
_MINUS = "-−–－﹣\u2011"
_GROUP = rf"[.,'’٬{SPACES}]"
_NUMBER = re.compile(
    rf"""
    (?P<sign>[{_MINUS}])?(?P<gap>[{SPACES}]?)[$€£¥₹₽]?
    (?:
        (?P<indian>[1-9]\d?(?:,\d\d)+,\d{{3}})(?P<indian_fraction>[.٫]\d+)?(?!\d)
      | (?P<grouped>[1-9]\d{{0,2}}(?P<mark>{_GROUP})\d{{3}}(?:(?P=mark)\d{{3}})*+)(?!\d)
        (?P<grouped_fraction>(?!(?P=mark))[.,٫]\d++)?
      | (?P<whole>\d++)(?P<fraction>[.,٫]\d++)?
    )
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number found in a text."""

    value: str
    """Canonical: `-` if negative, ASCII digits, `.` for decimals, no grouping, no idle zeros."""
    start: int
    end: int


def ascii_digits(text: str) -> str:
    """The text with every Unicode decimal digit (and the full-width point) in ASCII; its length stays."""
    if text.isascii():
        return text
    return re.sub(r"[^\x00-\x7f]", lambda match: _ascii_digit(match[0]), text)


def find_numbers(text: str, group_marks: str, start: int = 0) -> Iterator[Number]:
    """Numbers of `text` from left to right.

    Args:
        text: As returned by `ascii_digits`.
        group_marks: The marks that the language groups with. They settle `1.234` and `1,234`, which are
            grouped where the mark is among them and decimal elsewhere; all other shapes have one reading.
        start: Where to begin.
    """
    for match in _NUMBER.finditer(text, start):
        negative = match["sign"] is not None and _is_unary(text, match)
        whole, fraction = _split(match, group_marks)
        yield Number(_canonical(negative, whole, fraction), match.start(), match.end())


def _ascii_digit(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    return "." if character == "．" else character


def _split(match: re.Match[str], group_marks: str) -> tuple[str, str]:
    """Digits before and after the decimal point."""
    if indian := match["indian"]:
        return indian.replace(",", ""), (match["indian_fraction"] or "")[1:]
    if grouped := match["grouped"]:
        mark, fraction = match["mark"], match["grouped_fraction"]
        pieces = grouped.split(mark)
        alone = mark in ".," and len(pieces) == 2 and fraction is None
        if alone and mark not in group_marks:
            return pieces[0], pieces[1]
        return "".join(pieces), (fraction or "")[1:]
    return match["whole"], (match["fraction"] or "")[1:]


def _is_unary(text: str, match: re.Match[str]) -> bool:
    """Whether a minus sign belongs to its number: not a subtraction, a hyphen, a range or a bullet."""
    before = match.start("sign") - 1
    adjacent = before
    while before >= 0 and text[before] in SPACES:
        before -= 1
    if match["gap"]:
        return before >= 0 and text[before] in "=＝("
    if before < 0:
        return True
    previous = text[before]
    if previous.isdigit() or previous in ")]}%":
        return False
    # A cased letter right before it makes a hyphen (B-52); scripts without case write the sign after a word.
    return before != adjacent or previous.lower() == previous.upper()


def _canonical(negative: bool, whole: str, fraction: str) -> str:
    whole = whole.lstrip("0") or "0"
    fraction = fraction.rstrip("0")
    value = f"{whole}.{fraction}" if fraction else whole
    return f"-{value}" if negative and value != "0" else value
