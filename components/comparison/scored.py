"""Responses with every reward's score, and the scoring itself."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from components.comparison.parallel import Columns, in_order, in_pieces
from components.reward.terms import Terms, TermScorer

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ScoredRow:
    """One response, by what is known about it."""

    problem_id: str
    lang: str
    terms: Terms
    """Scores by reward."""
    in_language: bool


@dataclass(frozen=True)
class Costs:
    """Seconds that each reward took for `num_responses`."""

    num_responses: int
    seconds: dict[str, float]

    def per_1000(self, names: Sequence[str]) -> float:
        """Seconds for 1,000 responses of a reward that is made of the rewards `names`."""
        return 1000 * sum(self.seconds[name] for name in names) / self.num_responses


def column(rows: Sequence[ScoredRow], name: str) -> FloatArray:
    """One reward's scores (N,); NaN where it could not score."""
    return np.array([np.nan if (score := row.terms[name]) is None else score for row in rows], dtype=float)


def table(rows: Sequence[ScoredRow], names: Sequence[str]) -> FloatArray:
    """The scores of several (N, T)."""
    return np.stack([column(rows, name) for name in names], axis=1)


def timed_terms(scorer: TermScorer, columns: Columns) -> tuple[list[Terms], Costs]:
    """Every reward's scores, and what each cost: seconds of one core where several work.

    A reward that stands on what an earlier one has remembered (an answer already read, a text already encoded) costs
    what it adds.
    """
    pieces = in_pieces(partial(_timed_piece, scorer), columns)
    rows = in_order((places, scored) for places, (scored, _) in pieces)
    seconds: Counter[str] = Counter()
    for _, (_, spent) in pieces:
        seconds.update(spent)
    return rows, Costs(len(rows), dict(seconds))


def _timed_piece(scorer: TermScorer, columns: Columns) -> tuple[list[Terms], dict[str, float]]:
    seconds: dict[str, float] = {}
    parts: list[list[Terms]] = []
    for reward in scorer.rewards:
        start = time.perf_counter()
        parts.append(TermScorer([reward], scorer.encoder, answers_hidden=scorer.answers_hidden)(**columns))
        seconds[reward.__name__] = time.perf_counter() - start
    return [{name: score for part in row for name, score in part.items()} for row in zip(*parts, strict=True)], seconds
