"""Rewards by a sentence encoder: the whole response, its steps, its margin over other references; and repetition.

An empty response scores the least that can be: its embedding means nothing. Where the encoder does not declare the
language a score is given all the same and a warning is printed once; `HybridReward` leaves it out.
"""

import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.encoding import Encoder
from components.encoding.pieces import token_ids
from components.reward.bank import ReferenceBank, Vectors
from components.reward.functions import Scores
from components.reward.texts import Completion, judged, steps, visible

REPEATED_TOKENS = 12
"""A run of so many tokens that has occurred before is a repetition: shorter ones occur in honest calculations."""

_warned: set[tuple[str, str]] = set()


class EmbeddingReward:
    """max(0, cos(E(y), E(y*))): closeness of the whole response to the English reference. Values 0 to 1."""

    __name__ = "embedding"
    LEAST = 0.0

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    def __call__(
        self,
        completions: Sequence[Completion],
        lang: Sequence[str],
        reference_text: Sequence[str | None],
        **_: Any,  # noqa: ANN401
    ) -> Scores:
        """None where there is no reference."""
        warn_undeclared(self.encoder, lang)
        responses = [judged(visible(completion)) for completion in completions]
        references = [judged(visible(text)) if text else "" for text in reference_text]
        rows = [i for i, (own, wanted) in enumerate(zip(responses, references, strict=True)) if own.strip() and wanted]
        scores: Scores = [self.LEAST if wanted else None for wanted in references]
        if not rows:  # no model is loaded for nothing
            return scores
        vectors = self.encoder.encode([responses[i] for i in rows] + [references[i] for i in rows])
        for i, score in zip(rows, self.compare(vectors[: len(rows)], vectors[len(rows) :]).tolist(), strict=True):
            scores[i] = score
        return scores

    def compare(self, responses: Vectors, references: Vectors) -> NDArray[np.float64]:
        """Scores (N,) of unit vectors (N, D)."""
        return _cosines(responses, references).clip(0, 1)


class MarginReward(EmbeddingReward):
    """cos(E(y), E(y*)) - (h(y) + h(y*)) / 2, h the mean cosine to the 10 nearest other references of a frozen bank.

    CSLS (Conneau et al. 2018, arXiv 1710.04087) over two, so on the scale of the cosine: -1 to 1.
    """

    __name__ = "margin"
    LEAST = -1.0

    def __init__(self, encoder: Encoder, bank: ReferenceBank) -> None:
        """The bank's vectors must be the encoder's."""
        super().__init__(encoder)
        self.bank = bank

    def compare(self, responses: Vectors, references: Vectors) -> NDArray[np.float64]:
        """Scores (N,) of unit vectors (N, D)."""
        near = self.bank.hubness(responses, references) + self.bank.hubness(references, references)
        return _cosines(responses, references) - near / 2


class StepsReward:
    """Mean cosine of each step to its best match on the other side, both directions averaged. Values 0 to 1.

    Steps are sentences and lines: ½ · mean_i max_j cos(y_i, y*_j) + ½ · mean_j max_i cos(y_i, y*_j), cosines cut at 0
    (as BERTScore does with tokens, arXiv 1904.09675).
    """

    __name__ = "steps"

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    def __call__(
        self,
        completions: Sequence[Completion],
        lang: Sequence[str],
        reference_text: Sequence[str | None],
        **_: Any,  # noqa: ANN401
    ) -> Scores:
        """None where there is no reference, or it has no step."""
        warn_undeclared(self.encoder, lang)
        responses = [steps(judged(visible(completion))) for completion in completions]
        references = [steps(judged(visible(text))) if text else [] for text in reference_text]
        pairs = [(own, wanted) for own, wanted in zip(responses, references, strict=True) if wanted]
        unique = list(dict.fromkeys(step for own, wanted in pairs for step in (*own, *wanted)))
        if not unique:
            return [None] * len(completions)
        vectors = self.encoder.encode(unique)
        place = {step: number for number, step in enumerate(unique)}
        return [
            _aligned(vectors[[place[s] for s in own]], vectors[[place[s] for s in wanted]]) if wanted else None
            for own, wanted in zip(responses, references, strict=True)
        ]


class RepetitionReward:
    """Share of a response's tokens that repeat nothing: are in no run of 12 tokens that occurred before. 0 to 1.

    On token ids, so it needs no spaces between words; the tokens are the packaged encoder's, whoever wrote the text.
    1 for responses shorter than 12 tokens.
    """

    __name__ = "repetition"

    def __call__(self, completions: Sequence[Completion], **_: Any) -> Scores:  # noqa: ANN401
        """Never None."""
        ids = token_ids([judged(visible(completion)) for completion in completions])
        return [1 - _repeated_share(text) for text in ids]


def warn_undeclared(encoder: Encoder, langs: Sequence[str]) -> None:
    """Say once for every language that the encoder does not declare that its scores there are not trusted."""
    new = sorted({lang for lang in langs if not encoder.declares(lang) and (encoder.name, lang) not in _warned})
    if new:
        _warned.update((encoder.name, lang) for lang in new)
        told = f"{encoder.name} does not declare {', '.join(new)}: its scores there are marked, the hybrid takes none"
        print(f"warning: {told}", file=sys.stderr)  # standard output may be a file of scores


def _cosines(responses: Vectors, references: Vectors) -> NDArray[np.float64]:
    return np.asarray(np.einsum("nd,nd->n", responses, references), np.float64)


def _aligned(own: Vectors, wanted: Vectors) -> float:
    if not len(own):
        return 0.0
    cosines = (own @ wanted.T).clip(0, 1)  # (steps of y, steps of y*)
    return float(cosines.max(axis=1).mean() + cosines.max(axis=0).mean()) / 2


def _repeated_share(ids: Sequence[int]) -> float:
    starts = range(len(ids) - REPEATED_TOKENS + 1)
    seen: set[tuple[int, ...]] = set()
    repeated = []
    for start in starts:
        run = tuple(ids[start : start + REPEATED_TOKENS])
        if run in seen:
            repeated.append(start)
        seen.add(run)
    if not repeated:
        return 0.0
    # every repeated run covers 12 tokens; where two overlap, the second adds what lies between their starts
    covered = REPEATED_TOKENS + sum(min(REPEATED_TOKENS, later - earlier) for earlier, later in pairwise(repeated))
    return covered / len(ids)
