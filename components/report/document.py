"""What a report is made of. Sections are written once in these terms; HTML and Markdown are two ways to show them.

All strings are plain text: whoever shows them escapes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args
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
    totals: Sequence[Sequence[str]] = ()
    """Rows over the others, such as their mean: below them, however the others are sorted."""


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


Verdict = Literal["right", "wrong", "not graded"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
BECAME_RIGHT, BECAME_WRONG = "became right", "became wrong"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one system said, and what was read in it."""

    who: str
    verdict: Verdict
    read: str | None
    """The final answer; None where none could be read."""
    response: str

    @property
    def told(self) -> str:
        """`answers 12, right`."""
        read = "no answer could be read" if self.read is None else f"answers {self.read}"
        return f"{read}, {self.verdict}"


@dataclass(frozen=True, slots=True)
class Sample:
    """A test question with what the systems said, untrained first. Question and responses are untrusted text."""

    title: str
    lang: str
    question: str
    gold: str
    answers: Sequence[Answer]

    @property
    def change(self) -> str:
        """What training did to the verdict: `became right`, `became wrong`, or nothing (also where nobody graded)."""
        verdicts = self.answers[0].verdict, self.answers[-1].verdict
        return {("wrong", "right"): BECAME_RIGHT, ("right", "wrong"): BECAME_WRONG}.get(verdicts, "")


@dataclass(frozen=True, slots=True)
class Samples:
    """Questions with their answers, to be searched; where nothing can be searched, only the excerpt is shown."""

    every: Sequence[Sample]
    excerpt: Sequence[Sample]
    chosen: str = ""
    """What the excerpt is, and whether outcomes chose it: a sentence."""


Block = Text | Bullets | Table | Figure | Samples


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
