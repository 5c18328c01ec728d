"""The hybrid: the answer's equality and the reasoning's closeness, gated by language; weights fixed.

Our reconstruction:

    R = g(language) · (w_a · answer + w_s · semantic),   semantic = repetition · mean(steps, numbers)

with g = 1 where at least `min_language_share` of the words are in the prompt's language, else `other_language_factor`:
a right answer in another language is worth less than any right one in the language, and still more than a wrong one.
Where a reference has no answer that can be checked, semantic stands alone; the steps count only in languages that the
encoder declares. `calibrated.py` has fitted weights for these and other terms.
"""

from collections.abc import Sequence
from typing import Any

from components.encoding import Encoder
from components.reward.functions import AnswerReward, LanguageReward, NumbersReward, Scores
from components.reward.semantic import RepetitionReward, StepsReward
from components.reward.setup import RewardSetup
from components.reward.terms import Terms, TermScorer, tell_terms
from components.reward.texts import Completion

Explained = list[tuple[float | None, Terms]]
"""Scores, each with the terms that it is made of."""


class HybridReward:
    """The fixed formula as a reward. Values 0 to 1."""

    __name__ = "hybrid"

    def __init__(self, setup: RewardSetup, encoder: Encoder) -> None:
        """`encoder` is loaded at its first use."""
        parts = (AnswerReward(), StepsReward(encoder), NumbersReward(), LanguageReward(), RepetitionReward())
        self.setup, self.terms = setup, TermScorer(parts, encoder, answers_hidden=setup.answers_hidden)

    def __call__(self, completions: Sequence[Completion], lang: Sequence[str], **columns: Any) -> Scores:  # noqa: ANN401
        """None where the response cannot be compared at all."""
        explained = self.explain(completions, lang=lang, **columns)
        tell_terms([terms for _, terms in explained], lang, columns)
        return [score for score, _ in explained]

    def explain(self, completions: Sequence[Completion], **columns: Any) -> Explained:  # noqa: ANN401
        """Scores with their terms."""
        return [(self.setup.combine(terms), terms) for terms in self.terms(completions, **columns)]
