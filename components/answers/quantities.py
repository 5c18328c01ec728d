"""Reading what a number in digits is part of: fractions, powers, scale words, times, currency and minus words.

Percent signs and units say what is counted, not how many, and are passed over. Time is linear in the text's length.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cache

from components.answers.numbers import (
    DIGITS,
    MAX_DIGITS,
    Number,
    canonical_digits,
    canonical_number,
    digits_of,
)
from components.answers.plain import CASED, SPACES, SUPERSCRIPTS, plain_text
from components.answers.scales import compose
from components.answers.signs import CURRENCY_SIGNS, CURRENCY_WORDS, is_negative
from components.lang.table import group_marks, language, nearest_language

_S = f"[{SPACES}]"
_VULGAR = "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
_INDEXED = frozenset("abcdefghijklmnopqrstuvwxyz^_")
_FUNCTION = re.compile(rf"(?<![{CASED}])[{CASED}]\($")
_DOLLARS = re.compile(rf"[{CURRENCY_SIGNS}]{_S}?\Z")
_NAME = re.compile(rf"(?<![{CASED}])[{CASED}]{{1,2}}$")  # m2, CO2, A4: digits that are part of a name or unit
_VARIABLE = re.compile(rf"[xyzni](?![{CASED}\d])|π|\\pi")  # 2x is no number
_VARIABLES, _SPACED = "xyzniπ\\", frozenset(("", " ", "\n", "$", "=", ":"))  # looked at first: most are clear
_WITHIN_NUMBERS = frozenset(f"0123456789.,'٬٫/:{SPACES}")
_PLAIN = frozenset(re.findall(r"\?P<(\w+)>", DIGITS))  # the groups of a number that is part of nothing
_MAX_EXPONENT = 300
_WORDS_REACH = 40
_EXPONENT = r"(?:\^[ ]?[{(]?|\*\*)(?P<%s>-?\d{1,4})[})]?"  # no space behind two asterisks: those are Markdown's
_TAIL = rf"""
    :(?P<minutes>[0-5]\d)(?P<seconds>:[0-5]\d)?(?![\d:]|[.,]\d)
  | {_S}?(?:h|時|时|点|點|시){_S}?(?P<past>[0-5]\d)(?!\d)(?:{_S}?(?:分|분|min(?![{CASED}])))?
  | {_S}?/{_S}?(?P<over>\d{{1,9}})(?![\d/]|[.,]\d)
  | (?:{_S}(?:and{_S})?|又)(?P<mixed>\d{{1,4}}/\d{{1,4}})(?![\d/]|[.,]\d)
  | {_S}?(?P<mixed_sign>[{_VULGAR}])
  | {_S}?(?:分之|分の|분의){_S}?(?P<into>\d{{1,9}})
  | {_S}?[×x*·⋅]{_S}?10(?:{_S}?{_EXPONENT % "ten"}|(?P<ten_raised>-?[{SUPERSCRIPTS}]+))
  | e(?P<e>[+-]?\d{{1,3}})(?![\d{CASED}])
  | (?P<ratio>:\d{{1,4}})
  | {_S}?{_EXPONENT % "exponent"}
  | (?P<raised>-?[{SUPERSCRIPTS}]+)
"""
_PM = re.compile(rf"{_S}?([ap])\.?m(?![{CASED}])")
_PM_BEFORE = re.compile(r"(?:下午|晚上|午後|오후)\s?$")
_PIECE = re.compile(rf"(?:{DIGITS})|(?P<word>[^\d{SPACES}-]+(?:{_S}[^\d{SPACES}-]+)*)", re.VERBOSE)
_CHARACTERS = re.compile(r"[⺀-鿿가-힯]+")
_GLUED = re.compile(r"[฀-๿ঀ-৿ఀ-౿⺀-鿿가-힯]$")  # scripts whose words are not set off by spaces or take endings


def find_quantities(plain: str, lang: str, start: int = 0, stop: int | None = None) -> Iterator[re.Match[str]]:
    """What `quantity` may read in a text, from left to right, each from its first digit on; a date is one match.

    Args:
        plain: As returned by `plain_text`.
        lang: BCP-47 code, whose scale words count beside the English ones.
        start, stop: Where to look.
    """
    for match in _pattern(_row_code(lang)).finditer(plain, start, len(plain) if stop is None else stop):
        before, behind = plain[match.start() - 1 : match.start()], plain[match.end() : match.end() + 1]
        if behind and behind in _VARIABLES and _VARIABLE.match(plain, match.end()):
            continue
        if before in _SPACED or not _is_part_of_a_name(plain, match.start()):
            yield match


def last_quantity(plain: str, lang: str, start: int = 0, stop: int | None = None) -> Number | None:
    """The last number of a text that begins at `start` or later.

    Args:
        plain: As returned by `plain_text`.
        lang: BCP-47 code.
        start, stop: Where to look.
    """
    end = len(plain) if stop is None else stop
    while end > start:
        # No number spans lines, or is as long as the window: what is before need not be looked at.
        begin = max(start, plain.rfind("\n", start, end) + 1, end - MAX_DIGITS)
        while begin > start and plain[begin - 1] in _WITHIN_NUMBERS:  # nor may the window cut one in two
            begin -= 1
        for match in reversed([*find_quantities(plain, lang, begin, end)]):
            if (number := quantity(match, lang)) is not None:
                return number
        end = begin - (plain[begin - 1 : begin] == "\n")
    return None


def quantity(match: re.Match[str], lang: str) -> Number | None:
    """The value of a match of `find_quantities`; None for a date, a division by zero, an endless run of digits."""
    if match["date"] or match["ratio"] or match.end() - match.start() > MAX_DIGITS:
        return None
    if (minutes := match["minutes"] or match["past"] or match["clock_minutes"]) is not None:
        return _time(match, minutes)
    negative = is_negative(match.string, match.start(), _row_code(lang))
    if match.lastgroup in _PLAIN and not _leading_scale(match, lang):
        whole, fraction, ambiguous = digits_of(match, group_marks(lang))
        return Number(canonical_digits(negative, whole, fraction), match.start(), match.end(), ambiguous)
    value, ambiguous = _magnitude(match, lang)
    if value is None:
        return None
    return Number(canonical_number(-value if negative else value), match.start(), match.end(), ambiguous)


@cache
def scale_words(code: str) -> Mapping[str, int]:
    """Words after a number that multiply it, of a language of the table and of English, as `plain_text` writes them."""
    words = language("en").scale_words | language(code).scale_words
    # 百万 is 百 and 万: one by one, so that 2千3百万 is 2,300 × 10,000
    return {
        plain_text(word): factor for word, factor in words.items() if len(word) == 1 or not _CHARACTERS.fullmatch(word)
    }


@cache
def _pattern(code: str) -> re.Pattern[str]:
    scale = _scale_pattern(code)
    joint = _either("and", *language(code).and_words)
    half = _either(*language(code).half_words, *language("en").half_words)
    inner, grouped = r"\d++(?:[.,٫]\d++)*", rf"[1-9]\d{{0,2}}(?:[.,{SPACES}]\d{{3}})+"
    return re.compile(
        rf"""
        (?P<date>\d{{1,4}}(?:/\d{{1,2}}/|\.\d{{1,2}}\.)(?:\d{{4}}|\d\d)(?![\d.,]*\d)|\d{{4}}-\d\d-\d\d(?!\d)
            |\d{{2,4}}年\d{{1,2}}月(?:\d{{1,2}}日)?)
      | (?P<clock>\d{{1,2}})\.(?P<clock_minutes>[0-5]\d)(?={_S}?uhr)
      | (?:{DIGITS} | (?P<bare>[.٫](?<![\w.,'].)\d++) | (?P<vulgar>[{_VULGAR}]))
        (?:{_TAIL}
          | (?P<scaled>(?:[{SPACES}-]?{scale})++
              (?:{_S}?(?:{joint}{_S}?)?[零〇]?{inner}(?:[{SPACES}-]?{scale})++)*+
              (?:(?:{_S}(?:{joint}{_S}?)?(?:{grouped}|[1-9]\d{{2,3}})|[零〇]?(?:{grouped}|[1-9]\d{{0,3}}))
                (?![\d%/:]|[.,]\d))?)
          | {_S}?(?P<half>{half})
          | (?P<mega>m(?![{CASED}\d²³])|{_S}?m(?=[{CURRENCY_SIGNS}]))
        )?
        """,
        re.VERBOSE,
    )


def _either(*words: str) -> str:
    return "|".join(re.escape(plain_text(word)) for word in sorted(words, key=len, reverse=True))


def _scale_pattern(code: str) -> str:
    words = sorted(scale_words(code), key=len, reverse=True)
    ended = "|".join(
        re.escape(word) + ("" if _GLUED.search(word) else rf"(?![{CASED}\u0600-\u0dff])") for word in words
    )
    others = "|".join(re.escape(plain_text(word)) for word in language(code).not_numerals)
    return f"(?!{others})(?:{ended})" if others else f"(?:{ended})"


@cache
def _row_code(lang: str) -> str:
    row = nearest_language(lang)
    return row.code if row else "en"


def _magnitude(match: re.Match[str], lang: str) -> tuple[Fraction | None, bool]:
    """The value without its sign, and whether its mark is ambiguous."""
    value, ambiguous = _stem(match, group_marks(lang))
    try:
        return _with_tail(match, value, lang), ambiguous
    except (ZeroDivisionError, OverflowError):
        return None, ambiguous


def _stem(match: re.Match[str], marks: str) -> tuple[Fraction, bool]:
    if sign := match["vulgar"]:
        return _vulgar(sign), False
    if bare := match["bare"]:
        return _decimal("0", bare[1:]), False
    whole, fraction, ambiguous = digits_of(match, marks)
    return _decimal(whole, fraction), ambiguous


def _with_tail(match: re.Match[str], value: Fraction, lang: str) -> Fraction:
    if scaled := match["scaled"] or _leading_scale(match, lang):
        return _scaled(value, scaled, lang)
    if match["mega"]:  # $1.2M and 1,5 M€, but 5 m
        before, behind = match.string[max(0, match.start() - 2) : match.start()], match.string[match.end() :][:1]
        return value * 10**6 if _DOLLARS.search(before) or (behind and behind in CURRENCY_SIGNS) else value
    if match["half"]:
        return value + Fraction(1, 2)
    if over := match["over"]:
        return value / int(over)
    if into := match["into"]:
        return int(into) / value
    if mixed := match["mixed"]:
        numerator, denominator = mixed.split("/")
        return value + Fraction(int(numerator), int(denominator))
    if sign := match["mixed_sign"]:
        return value + _vulgar(sign)
    if (ten := match["ten"] or match["ten_raised"] or match["e"]) is not None:
        return value * _power(Fraction(10), ten)
    if (exponent := match["exponent"] or match["raised"]) is not None:
        return _power(value, exponent)
    return value


def _scaled(value: Fraction, words: str, lang: str) -> Fraction:
    factors = scale_words(_row_code(lang))
    pieces: list[Fraction | int] = [value]
    for piece in _PIECE.finditer(words):
        if (word := piece["word"]) is None:
            pieces.append(_decimal(*digits_of(piece, group_marks(lang))[:2]))
        else:
            pieces += _factors(word, factors)
    return compose(pieces)


def _factors(words: str, factors: Mapping[str, int]) -> list[Fraction | int]:
    """`mil millones` as one factor or several, longest first; words such as "and" are passed over."""
    found: list[Fraction | int] = []
    while words := words.lstrip(f"{SPACES}-零〇"):
        length = next((end for end in range(len(words), 0, -1) if words[:end] in factors), 0)
        if length:
            found.append(factors[words[:length]])
            words = words[length:]
        else:
            words = words.partition(" ")[2]
    return found


def _power(base: Fraction, written: str) -> Fraction:
    exponent = int("".join(str(SUPERSCRIPTS.find(c)) if c in SUPERSCRIPTS else c for c in written))
    if abs(exponent) > _MAX_EXPONENT or abs(base) > 10**6:
        raise OverflowError
    return base**exponent


def _decimal(whole: str, fraction: str) -> Fraction:
    return Fraction(int(whole + fraction), 10 ** len(fraction))


def _vulgar(sign: str) -> Fraction:
    return Fraction(unicodedata.normalize("NFKC", sign).replace("⁄", "/"))


def _time(match: re.Match[str], minutes: str) -> Number | None:
    """A clock time `h:mm`, with `pm` where the text says so."""
    hours = match["whole"] or match["clock"]
    if hours is None or len(hours) > 2 or match["fraction"]:  # no clock: only the number before the colon is sure
        return None
    half = _PM.match(match.string, match.end())
    is_pm = half[1] == "p" if half else _PM_BEFORE.search(match.string[max(0, match.start() - 4) : match.start()])
    pm = " pm" if is_pm and int(hours) <= 12 else ""
    if half and half[1] == "a" and int(hours) == 12:
        hours = "0"
    return Number(f"{int(hours)}:{minutes}{match['seconds'] or ''}{pm}", match.start(), match.end())


def _leading_scale(match: re.Match[str], lang: str) -> str | None:
    """The scale word before the digits, in languages where it may stand there (`elfu 5`)."""
    code = _row_code(lang)
    if not language(code).scale_words_lead:
        return None
    word = match.string[max(0, match.start() - _WORDS_REACH) : match.start()].rstrip(SPACES).split(" ")[-1]
    return word if word in language(code).scale_words else None


def _is_part_of_a_name(text: str, start: int) -> bool:
    """Whether the digits at `start` belong to a power, an index, a unit or a name."""
    previous = text[start - 1 : start]
    if previous in ("^", "√", "±", "/") or (previous in ("_", "{") and text[start - 2 : start - 1] in _INDEXED):
        return True
    if previous == "(" and _FUNCTION.search(text[max(0, start - 3) : start]):
        return True
    if not previous.isalpha():
        return False
    name = _NAME.search(text[max(0, start - 3) : start])
    return name is not None and name[0] not in CURRENCY_WORDS
