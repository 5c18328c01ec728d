"""The rewards, as picklable named callables under TRL's contract: a batch in, a list of float or None out.

None means "cannot be scored" (there is nothing to compare with); a response that is empty, unreadable or wrong is
scored, with 0. Formulas are our reconstruction of arXiv 2509.25543 (docs/paper_index.md). Example:

>>> AnswerReward()(completions=["La respuesta es 12."], lang=["es"], reference_answer=["12"], choices=[()])
[1.0]
"""

from collections.abc import Sequence
from typing import Any

from components.answers.reading import read_answer
from components.answers.verdict import same_answer
from components.lang.share import response_shares
from components.params import RewardParams
from components.reward.encoders import Encoder

Scores = list[float | None]


class AnswerReward:
    """1[a(y) = a*]: the response's final answer equals the reference's. Values 0 and 1."""

    __name__ = "answer"

    def __call__(
        self,
        completions: Sequence[str],
        lang: Sequence[str],
        reference_answer: Sequence[str | None],
        choices: Sequence[Sequence[str]],
        **_: Any,  # noqa: ANN401
    ) -> Scores:
        """None where the reference has no answer. `choices` is empty where the answer is a number, not a letter."""
        return [
            None if answer is None else float(same_answer(read_answer(text, code, choices=offered).value, answer))
            for text, code, answer, offered in zip(completions, lang, reference_answer, choices, strict=True)
        ]


class EmbeddingReward:
    """max(0, cos(E(y), E(y*))): closeness of the whole response to the English reference. Values 0 to 1."""

    __name__ = "embedding"

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    def __call__(self, completions: Sequence[str], reference_text: Sequence[str | None], **_: Any) -> Scores:  # noqa: ANN401
        """None where there is no reference; 0 for an empty response, whose embedding means nothing."""
        known = [text for text in reference_text if text]
        spoken = [text for text in completions if text.strip()]
        vectors = dict(zip(known + spoken, self.encoder.encode(known + spoken), strict=True)) if known + spoken else {}
        return [
            None if not reference else max(0.0, float(vectors[text] @ vectors[reference])) if text.strip() else 0.0
            for text, reference in zip(completions, reference_text, strict=True)
        ]


class LanguageReward:
    """Share of the answer's words in the prompt's language; mathematics, names and thought are left out. 0 to 1."""

    __name__ = "language"

    def __call__(
        self,
        completions: Sequence[str],
        lang: Sequence[str],
        question: Sequence[str],
        **_: Any,  # noqa: ANN401
    ) -> Scores:
        """A response without any words is out of language (0): the worked examples have words."""
        rows = zip(completions, lang, question, strict=True)
        return [response_shares(text, code, asked)[1].share for text, code, asked in rows]


class HybridReward:
    """1[language ≥ m] · (w_a · answer + w_s · embedding). Values 0 to 1; our reconstruction, weights fixed.

    Where a reference has no readable answer the semantic term stands alone.
    """

    __name__ = "hybrid"

    def __init__(
        self, encoder: Encoder, answer_weight: float, semantic_weight: float, min_language_share: float
    ) -> None:
        self.answer, self.embedding, self.language = (
            AnswerReward(),
            EmbeddingReward(encoder),
            LanguageReward(),
        )
        self.answer_weight, self.semantic_weight = answer_weight, semantic_weight
        self.min_language_share = min_language_share

    @classmethod
    def from_params(cls, params: RewardParams) -> "HybridReward":
        """As `params.yaml` says; the encoder is loaded at its first use."""
        weights = params.answer_weight, params.semantic_weight
        return cls(Encoder(params.encoder), *weights, params.min_language_share)

    def __call__(self, completions: Sequence[str], **columns: Any) -> Scores:  # noqa: ANN401
        """None where the response cannot be compared at all."""
        parts = [reward(completions, **columns) for reward in (self.answer, self.embedding, self.language)]
        return [self.combine(*row) for row in zip(*parts, strict=True)]

    def combine(self, answer: float | None, embedding: float | None, language: float | None) -> float | None:
        """The formula on scores that are already there.

        Args:
            answer, embedding, language: The parts' scores, 0 to 1, or None where a part could not score.
        """
        if embedding is None and answer is None:
            return None
        if (language or 0.0) < self.min_language_share:
            return 0.0
        if answer is None or embedding is None:
            return embedding if answer is None else answer
        return self.answer_weight * answer + self.semantic_weight * embedding
