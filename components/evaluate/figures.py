"""What is counted of judged responses, the same for the pipeline's own test and for benchmarks."""

from collections.abc import Sequence
from typing import Protocol

MIN_LANGUAGE_SHARE = 0.5
"""Of an answer's words, from which on it counts as in the language. The default of `reward.min_language_share`, but
fixed: figures must compare, whatever a reward asks."""


class Judged(Protocol):
    """A response that was read and judged. Shares are of words, 0 to 1."""

    @property
    def correct(self) -> bool | None:
        """None without gold."""

    @property
    def answer_read(self) -> str | None:
        """None where no answer could be read."""

    @property
    def truncated(self) -> bool:
        """Whether the length limit ended it."""

    @property
    def language_share(self) -> float | None:
        """Of the answer, in the language asked for; None where its words are given (a choice)."""


def accuracies(rows: Sequence[Judged]) -> dict[str, float | None]:
    """Shares of the rows with gold: right, and right in the language asked for; None where none has gold."""
    graded = [row for row in rows if row.correct is not None]
    return {
        "accuracy": mean([bool(row.correct) for row in graded]),
        "joint_accuracy": mean([is_joint(row) for row in graded]),
    }


def shares(rows: Sequence[Judged]) -> dict[str, float | None]:
    """Shares of all rows: cut off, without an answer; and the mean language share, None where no row has one."""
    return {
        "truncated_share": mean([row.truncated for row in rows]),
        "unparsed_share": mean([row.answer_read is None for row in rows]),
        "language_share": mean([row.language_share for row in rows if row.language_share is not None]),
    }


def is_joint(row: Judged) -> bool:
    """Whether it is right and in the language asked for; a choice is in the language of its texts."""
    return bool(row.correct) and (row.language_share is None or row.language_share >= MIN_LANGUAGE_SHARE)


def mean(values: Sequence[float]) -> float | None:
    """None of nothing."""
    return sum(values) / len(values) if values else None
