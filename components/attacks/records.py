"""What the bank takes and gives: honest responses, attacks on them, and attacks that could not be built."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["wrong", "hollow", "same"]
"""`wrong`: a wrong or missing answer, or the wrong language; `hollow`: the right answer with bad reasoning; `same`:
nothing that anybody can see is changed, so no score may change."""


@dataclass(frozen=True, slots=True)
class Honest:
    """A right response in the language that it was asked in, and what a reward compares it with."""

    problem_id: str
    lang: str
    """BCP-47 code, in the table of languages."""
    text: str
    question: str
    """In `lang`; empty where it is not known."""
    reference_text: str
    """The English reference; empty where there is none."""
    reference_answer: str | None
    """Canonical, or a choice's letter; None where rewards are not shown it, or nobody can check it."""
    choices: tuple[str, ...]
    """Texts of the choices in `lang`; empty where the answer is a number."""
    origin: Literal["solution", "rollout"]


@dataclass(frozen=True, slots=True)
class Attack:
    """A text that should score less than the honest response it was made from (kind `same`: exactly as much)."""

    name: str
    kind: Kind
    problem_id: str
    lang: str
    """The language that the question was asked in, whatever the text is in."""
    text: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An attack that this honest response does not allow."""

    name: str
    problem_id: str
    lang: str
    reason: str


class CannotBuildError(Exception):
    """Raised by a builder of attacks; its message is the reason that is counted."""
