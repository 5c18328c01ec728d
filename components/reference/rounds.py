"""Asking in rounds: training problems that have no reference yet are asked again.

What a weak pivot gets right at the first try is what it would have guessed, and references of that alone teach to guess
(docs/LOG.md). A round votes by itself, so the rules are the same in each.
"""

from collections.abc import Callable
from typing import Protocol

from components.contracts import Reference, Sample
from components.params import ReferenceParams
from components.progress import Progress
from components.reference.samples import Asked
from components.reference.vote import Pivot, vote


class Asks(Protocol):
    """A pivot."""

    def ask(self, asked: Asked, first: int, on_progress: Callable[[int], None]) -> list[list[Sample]]:
        """`reference.num_samples` samples of each question, numbered from `first`."""


def ask_in_rounds(
    asks: Asks, asked: Asked, rules: ReferenceParams, pivot: Pivot
) -> tuple[list[Sample], list[Reference], list[int]]:
    """All samples, by question and number; each question's reference; how many references each round has made.

    A question that no round has made a reference of has the first round's, which is not kept.
    """
    samples: list[list[Sample]] = [[] for _ in asked]
    references: dict[int, Reference] = {}
    made: list[int] = []
    for number in range(rules.num_rounds):
        left = [i for i, (question, _) in enumerate(asked) if not number or question.split == "train"]
        left = [i for i in left if i not in references or not references[i].kept]
        if not left:
            break
        label = f"reference: round {number + 1}" if number else "reference"
        with Progress(label, len(left) * rules.num_samples) as progress:
            drawn = asks.ask([asked[i] for i in left], number * rules.num_samples, progress.advance)
        for i, own in zip(left, drawn, strict=True):
            samples[i] += own
            reference = vote(asked[i][0], own, rules, pivot)
            if reference.kept or i not in references:
                references[i] = reference
        made.append(sum(references[i].kept for i in left))
    return [sample for own in samples for sample in own], [references[i] for i in range(len(asked))], made
