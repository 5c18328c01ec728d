"""What a report is made of. Sections are written once in these terms; HTML and Markdown are two ways to show them.

All strings are plain text: whoever shows them escapes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import category


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str
    strong: bool = False
    """Whether it says what the reader must not miss."""


@dataclass(frozen=True, slots=True)
class Bullets:
    """Short statements of equal rank."""

    items: Sequence[str]


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows of a table under a title of their own (none where empty)."""

    title: str
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column names the rows."""

    header: Sequence[str]
    groups: Sequence[RowGroup]


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing as an `<svg>` element, and what it shows in words."""

    svg: str
    description: str
    numbers: Table | None = None
    """What it draws; Markdown has it in the drawing's place."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one system said."""

    who: str
    verdict: str
    response: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A test question with its gold answer and what the systems said. Question and responses are untrusted text."""

    title: str
    lang: str
    question: str
    gold: str
    answers: Sequence[Answer]


Block = Text | Bullets | Table | Figure | Sample


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: Sequence[Block]


MAX_SHOWN = 1200


def shown(text: str) -> str:
    """`text` as it is shown: line ends made `\\n`, control characters replaced, the end cut where very long."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    clean = "".join(char if char in "\n\t" or category(char) not in ("Cc", "Cs") else "\ufffd" for char in lines)
    return clean if len(clean) <= MAX_SHOWN else f"{clean[:MAX_SHOWN]} … ({len(clean) - MAX_SHOWN} more characters)"
