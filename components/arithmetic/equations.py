"""Finding arithmetic that is false in a worked text. Our own idea: a sample that miscalculates should not vote,
nor be learned.

An equation counts where its left side is an expression of plain numbers and its right side one number, and where it
can be read in one way only. Everything else is passed over: variables, functions, powers, mixed units
(`2 hours + 30 minutes = 150 minutes`), remainders, running chains (`3 + 4 = 7 + 5 = 12`). False means false in every
reading. Gold answers are not looked at. English notation (`1,200.50`) only.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from components.arithmetic.expression import MINUS, Expression, Token, Unreadable, parse_expression, tokens_of, word_set

_WINDOW = 48  # tokens of a left side; longer ones are passed over, and time stays linear

# A word in front of an expression that may belong to it, or that may not mean it.
_BEFORE = word_set(
    "of times plus minus by per over than less more and or mod modulo divided multiplied added subtracted half twice",
    "thrice double triple third quarter dozen hundred thousand million billion negative sqrt root square cube squared",
    "cubed log ln sin cos tan gcd lcm max min floor ceil power factorial choose sum difference product not if suppose",
    "unless at for each every to from into between among with having containing holding another additional",
)
# A word behind the right side that changes what the number says.
_BEHIND = word_set(
    "remainder remaining rem with dozen dozens hundred thousand million billion trillion pair pairs couple percent",
    "half quarter quarters third thirds am pm st nd rd th times plus minus over mod squared cubed or to per and",
)
# A word behind the right side that is no unit.
_NO_UNIT = word_set(
    "so in is are was were the a an which that left total altogether then for on each he she it they we this there her",
    "his more as at have has had who if because since while but therefore thus hence now",
)
_BULLET = re.compile(r"(?m)^[ \t]*[*•][ \t]+")
_BOLD = re.compile(r"(?<![\w)*])\*\*(?=[^\s*])([^*\n]*)(?<=\S)\*\*(?![\w(*])")
_THIN_SPACE = re.compile(r"(?<=[0-9]),?\\[,!;: ](?=[0-9]{3}(?![0-9]))")  # LaTeX's between thousands
# LaTeX behind a number that goes on with the expression, or makes another number of it; units and ends do not.
_GOES_ON = re.compile(r"\s*\.?\\(?!text|mathrm|[)\]\\ ,;]|quad|qquad|end|implies|Rightarrow|therefore|rightarrow)")
_CLEAR_BEFORE = frozenset(".,;:!?\"'“”‘’[{|<>→•—&\\")


def false_equation(text: str) -> str | None:
    """The first equation of `text` that is arithmetically false, as it is written; None where there is none.

    Exact, but a right side may be rounded: `10 / 3 = 3.33` is true, `10 / 3 = 3.34` is false.
    """
    for line in _plain(text).splitlines():
        tokens = tokens_of(line)
        for position, token in enumerate(tokens):
            if token.kind == "equal" and (found := _false_at(line, tokens, position)) is not None:
                return found
    return None


def _plain(text: str) -> str:
    """LaTeX's operators as characters; bullets and bold type, which look like operators, left out."""
    for command, character in ((r"\times", "×"), (r"\cdot", "·"), (r"\div", "÷"), (r"\%", "%"), (r"\$", "$")):
        text = text.replace(command, character)
    text = _THIN_SPACE.sub(",", text)
    text = _BULLET.sub("", text.replace("{,}", ","))
    return _BOLD.sub(r"\1", text)


@dataclass(frozen=True, slots=True)
class _Right:
    """The number behind an `=`."""

    value: Fraction
    tolerance: Fraction
    """How far a value may be off that is rounded to this number."""
    is_percent: bool
    units: frozenset[str]
    """Stems of the words behind it that may be its unit."""
    end: int
    """Of the equation, in the line."""


def _false_at(line: str, tokens: Sequence[Token], position: int) -> str | None:
    right = _right_side(line, tokens, position + 1)
    if right is None:
        return None
    start, left = _left_side(tokens, position)
    if left is None or not left.has_operator or not _begins_clearly(line, tokens, start):
        return None
    if not _same_units(left, right.units):
        return None
    if any(_is_true(reading, right) for reading in _readings(tokens, start, position)):
        return None
    return line[tokens[start].start : right.end].strip()


def _right_side(line: str, tokens: Sequence[Token], position: int) -> _Right | None:
    rest = list(tokens[position : position + 7])
    sign = 1
    if rest and rest[0].kind == "operator" and rest[0].text in MINUS:
        sign, rest = -1, rest[1:]
    units: set[str] = set()
    if rest and rest[0].kind == "money":
        units.add(rest[0].text)
        rest = rest[1:]
    if not rest or rest[0].kind != "number":
        return None
    number, *rest = rest
    end = number.end
    is_percent = bool(rest) and rest[0].kind == "percent"
    while rest and rest[0].kind in ("percent", "money"):
        if rest[0].kind == "money":
            units.add(rest[0].text)
        end = rest.pop(0).end
    words = 0
    while rest and rest[0].kind == "word" and words < 3:
        word = rest.pop(0)
        if words < 2 and (len(word.text) == 1 or word.text.casefold() in _BEHIND):
            return None
        if words < 2 and word.text.casefold() not in _NO_UNIT:
            units.add(word.stem)
        words += 1
    if _GOES_ON.match(line, end):
        return None
    if rest and (rest[0].kind in ("number", "operator", "open", "broken") or rest[0].text in ("?", "!")):
        return None
    decimals = len(number.text.partition(".")[2])
    step = Fraction(1, 10**decimals)
    is_cut = line[number.end :].startswith(("...", "…"))
    return _Right(sign * number.value, step if is_cut else step / 2, is_percent, frozenset(units), end)


def _left_side(tokens: Sequence[Token], position: int) -> tuple[int, Expression | None]:
    """The longest run of tokens before the `=` that is an expression, and where it starts."""
    found: tuple[int, Expression | None] = (position, None)
    for start in range(position - 1, max(-1, position - 1 - _WINDOW), -1):
        if tokens[start].kind == "equal":
            return found
        with suppress(Unreadable):
            found = (start, parse_expression(tokens[start:position]))
    return found if found[0] > position - _WINDOW else (position, None)


def _begins_clearly(line: str, tokens: Sequence[Token], start: int) -> bool:
    """Whether what stands before an expression cannot be a part of it."""
    if start == 0:
        return True
    before = tokens[start - 1]
    if before.kind == "word":
        is_function = tokens[start].kind == "open" and before.end == tokens[start].start
        is_unit = start > 1 and tokens[start - 2].kind in ("number", "broken")  # `1 hour 30 minutes + 5 minutes`
        return not is_function and not is_unit and len(before.text) > 1 and before.text.casefold() not in _BEFORE
    if before.kind == "close":  # `2) 3 + 4 = 7` numbers a list, `(2) 3 + 4` may multiply
        opened, closed = (line[: before.end].count(bracket) for bracket in "()")
        return closed > opened
    return before.kind in ("equal", "open") or before.text in _CLEAR_BEFORE


def _same_units(left: Expression, right: frozenset[str]) -> bool:
    """Whether no conversion between units can hide in the equation."""
    if any("/" in unit for unit in left.units):
        return False
    if left.units and right and not left.units & right:
        return False
    return len(left.units) <= 1 or left.is_product


def _readings(tokens: Sequence[Token], start: int, position: int) -> Iterator[Expression]:
    """The expression, and what is left to calculate where a minus is a dash (`Day 1 - 4 + 5 = 9`)."""
    yield parse_expression(tokens[start:position])
    for index in range(start, position - 1):
        if tokens[index].kind == "operator" and tokens[index].text in MINUS:
            with suppress(Unreadable):
                rest = parse_expression(tokens[index + 1 : position])
                if rest.has_operator:
                    yield rest


def _is_true(left: Expression, right: _Right) -> bool:
    """True where a rounded right side is too, in one reading of the per cent signs at least."""
    has_percent = left.has_percent or right.is_percent
    if has_percent and left.adds_percent:
        return True  # `80 + 10% = 88` and `80% + 10% = 90%`: which one is meant is not written
    scales = (Fraction(1), Fraction(1, 100))
    of_lefts = scales if left.has_percent else scales[:1]
    of_rights = scales if right.is_percent else scales[:1]
    for of_left, of_right in product(of_lefts, of_rights):
        value = left.value(of_left)
        if value is None or abs(value - right.value * of_right) <= right.tolerance * of_right:
            return True  # a division by zero is no arithmetic to judge
    return False
