"""Reading arithmetic expressions of plain numbers, with units, currency and per cent signs among them.

expression := product (("+" | "-") product)*
product    := signed (("×" | "÷") signed)*
signed     := "-"? ("(" expression ")" | money? number percent? money?) unit?
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Kind = Literal["number", "word", "equal", "operator", "percent", "money", "open", "close", "broken", "other"]


def word_set(*lines: str) -> frozenset[str]:
    """The words of all lines."""
    return frozenset(word for line in lines for word in line.split())


_TOKEN = re.compile(
    r"""
    (?P<number>(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)
  | (?P<word>[^\W\d_]+(?:['’][^\W\d_]+)*[²³]?(?:/[^\W\d_]+)?)
  | (?P<equal>(?<![=<>!~:])=(?![=>]))
  | (?P<power>\*\*)
  | (?P<operator>[-+−–*×✕·⋅∙÷/])
  | (?P<percent>%)
  | (?P<money>[$€£¥₹])
  | (?P<open>\()
  | (?P<close>\))
  | (?P<other>\S)
    """,
    re.VERBOSE,
)
# What may not touch a number: it would be another number (12,5, 9:30, 1.2.3, 007), a power, a root, a name (A1, x_2).
_BROKEN_BEFORE = re.compile(r"([0-9][.,:’']|[^\W]|[√^_#\\])$")
_BROKEN_AFTER = re.compile(r"[.,:’'][0-9]|[½¼¾⅓⅔^²³_°!]")
_LEADING_ZERO = re.compile(r"0[0-9]")
MINUS = "-−–"
_TIMES = "*×✕·⋅∙xX"
_MAX_UNIT_WORDS = 2
# Words that count, multiply or order; none is a unit that can be left out.
_NO_UNITS = word_set(
    "and or of times plus minus by per over than less more mod dozen dozens hundred hundreds thousand thousands",
    "million millions billion half quarter quarters third thirds pair pairs couple gross percent percentage double",
    "twice squared cubed factorial choose to then with at is are am pm st nd rd th remainder",
)


class Unreadable(Exception):  # noqa: N818 - says what a run of tokens is, and never leaves this room
    """Not an expression of plain numbers."""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a line."""

    kind: Kind
    """`broken`: digits that are no plain number, or a power sign."""
    text: str
    start: int
    end: int

    @property
    def value(self) -> Fraction:
        """Of a number."""
        return Fraction(self.text.replace(",", ""))

    @property
    def stem(self) -> str:
        """Of a word: equal for `box` and `boxes`."""
        return self.text.casefold().rstrip("s").rstrip("e")


@dataclass(frozen=True, slots=True)
class Operand:
    """A number of an expression."""

    number: Fraction
    is_percent: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """Two parts of an expression and the sign between them: `+`, `-`, `×` or `÷`."""

    sign: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Negative:
    """A part with a minus sign in front."""

    part: "Node"


Node = Operand | Operation | Negative


@dataclass(frozen=True, slots=True)
class Expression:
    """What a run of tokens says."""

    root: Node
    units: frozenset[str]
    """Stems of unit words, and currency signs."""
    signs: frozenset[str]
    has_percent: bool
    adds_percent: bool
    """Whether a per cent sign stands in an expression that adds or subtracts."""

    @property
    def has_operator(self) -> bool:
        """Whether there is anything to calculate."""
        return bool(self.signs)

    @property
    def is_product(self) -> bool:
        """Whether it multiplies and does nothing else."""
        return self.signs == {"×"}

    def value(self, percent: Fraction) -> Fraction | None:
        """Exact, with `percent` for each per cent sign; None where it divides by zero."""
        try:
            return _value(self.root, percent)
        except ZeroDivisionError:
            return None


def tokens_of(line: str) -> list[Token]:
    """The line in pieces; an `x` between two numbers is an operator."""
    found = [_token(match) for match in _TOKEN.finditer(line)]
    for index in range(1, len(found) - 1):
        if found[index].text in ("x", "X") and _stands_between_operands(found[index - 1], found[index + 1]):
            found[index] = Token("operator", "x", found[index].start, found[index].end)
    return [_checked(line, found, index) for index in range(len(found))]


def parse_expression(tokens: Sequence[Token]) -> Expression:
    """The expression that the tokens are, all of them.

    Raises:
        Unreadable: They are none.
    """
    parser = _Parser(tokens)
    root = parser.expression()
    if parser.position < len(tokens):
        raise Unreadable
    signs = frozenset(_signs(root))
    has_percent = any(token.kind == "percent" for token in tokens)
    return Expression(root, frozenset(parser.units), signs, has_percent, has_percent and bool(signs & {"+", "-"}))


class _Parser:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens, self.position = tokens, 0
        self.units: set[str] = set()

    def expression(self) -> Node:
        node = self.product()
        while self._peek() in ("+", "-"):
            sign = self._operator()
            node = Operation(sign, node, self.product())
        return node

    def product(self) -> Node:
        node = self.signed()
        while self._peek() in ("×", "÷"):
            sign = self._operator()
            node = Operation(sign, node, self.signed())
        return node

    def signed(self) -> Node:
        if self._peek() != "-":
            return self.operand()
        if self.position and self._gap_behind():  # `5 + - 3`: a dash rather than a sign
            raise Unreadable
        self.position += 1
        return Negative(self.operand())

    def operand(self) -> Node:
        if self._take("open"):
            node = self.expression()
            if not self._take("close"):
                raise Unreadable
        else:
            self._currency()
            number = self._take("number")
            if not number:
                raise Unreadable
            node = Operand(number.value, self._take("percent") is not None)
        self._currency()
        self._unit()
        return node

    def _currency(self) -> None:
        if sign := self._take("money"):
            self.units.add(sign.text)

    def _unit(self) -> None:
        words: list[Token] = []
        while word := self._take("word"):
            if len(word.text) == 1 or word.text.casefold() in _NO_UNITS or len(words) == _MAX_UNIT_WORDS:
                raise Unreadable
            words.append(word)
        if words:
            self.units.add(words[-1].stem)

    def _take(self, kind: Kind) -> Token | None:
        if self.position < len(self.tokens) and self.tokens[self.position].kind == kind:
            self.position += 1
            return self.tokens[self.position - 1]
        return None

    def _peek(self) -> str:
        """The operator that comes next, as one of four; empty where something else does."""
        if self.position == len(self.tokens) or self.tokens[self.position].kind != "operator":
            return ""
        text = self.tokens[self.position].text
        return "-" if text in MINUS else "×" if text in _TIMES else "+" if text == "+" else "÷"

    def _operator(self) -> str:
        sign = self._peek()
        self.position += 1
        return sign

    def _gap_behind(self) -> bool:
        following = self.tokens[self.position + 1 : self.position + 2]
        return not following or following[0].start > self.tokens[self.position].end


def _value(node: Node, percent: Fraction) -> Fraction:
    if isinstance(node, Operand):
        return node.number * (percent if node.is_percent else 1)
    if isinstance(node, Negative):
        return -_value(node.part, percent)
    left, right = _value(node.left, percent), _value(node.right, percent)
    if node.sign == "÷":
        return left / right
    if node.sign == "×":
        return left * right
    return left + right if node.sign == "+" else left - right


def _signs(node: Node) -> set[str]:
    if isinstance(node, Operand):
        return set()
    if isinstance(node, Negative):
        return _signs(node.part)
    return {node.sign} | _signs(node.left) | _signs(node.right)


def _token(match: "re.Match[str]") -> Token:
    kind = str(match.lastgroup)
    return Token("broken" if kind == "power" else kind, match[0], match.start(), match.end())  # type: ignore[arg-type]


def _stands_between_operands(before: Token, after: Token) -> bool:
    return before.kind in ("number", "close", "percent", "word") and after.kind in ("number", "money", "open")


def _checked(line: str, tokens: Sequence[Token], index: int) -> Token:
    """The token, `broken` where it is a number that something touches."""
    token = tokens[index]
    if token.kind != "number":
        return token
    touched = token.start > 0 and _BROKEN_BEFORE.search(line[max(0, token.start - 2) : token.start])
    if touched and index and tokens[index - 1].kind == "operator" and tokens[index - 1].end == token.start:
        touched = None  # the x of 3x4
    if touched or _BROKEN_AFTER.match(line, token.end) or _LEADING_ZERO.match(token.text):
        return Token("broken", token.text, token.start, token.end)
    return token
