"""The paper's hybrid as we reconstruct it: a learned metric on the final answer, closeness of the reasoning."""

from collections.abc import Sequence
from typing import Any

from components.answers.reading import read_answer
from components.reward.functions import Choices, Scores, stated_answer
from components.reward.terms import Reward
from components.reward.texts import Completion, judged, steps, visible
from components.reward.translation import chrf


class AnswerChrf:
    """chrF of the final answers as they are read (`12` and `12.5`), 0 to 1: what stands in for COMET without one."""

    __name__ = "answer_chrf"

    def __call__(
        self,
        completions: Sequence[Completion],
        lang: Sequence[str],
        reference_text: Sequence[str | None],
        reference_answer: Sequence[str | None] | None = None,
        choices: Choices | None = None,
        **_: Any,  # noqa: ANN401
    ) -> Scores:
        """None where the reference has no answer."""
        rows = zip(completions, lang, reference_text, strict=True)
        nothing = [None] * len(completions)
        scores: Scores = []
        for (completion, code, text), answer, own in zip(
            rows, reference_answer or nothing, choices or nothing, strict=True
        ):
            known = answer if answer is not None else stated_answer(text, own or ())
            read = (
                read_answer(judged(visible(completion)), code, choices=own or ()).value if known is not None else None
            )
            scores.append(None if known is None else chrf(read, known) if read is not None else 0.0)
        return scores


class HybridPaperReward:
    """½ · M(answer, answer*) + ½ · S(y, y*). Values 0 to 1 (COMET's may leave that range a little).

    M is COMET on the last sentence or line, S the embedding's or the translation's reward on the whole response: the
    reasoning with its answer, which is a small part of it. Neither gate nor check of the answer: what the audit shows
    of it is the paper's idea, not ours.
    """

    __name__ = "hybrid_paper"

    def __init__(self, answer: Reward, reasoning: Reward) -> None:
        """`answer`: a `CometReward`, or `AnswerChrf`; `reasoning`: an `EmbeddingReward` or a `TranslationReward`."""
        self.answer, self.reasoning = answer, reasoning

    def __call__(
        self,
        completions: Sequence[Completion],
        reference_text: Sequence[str | None],
        **columns: Any,  # noqa: ANN401
    ) -> Scores:
        """None where there is no reference, or either part could not be scored."""
        answers = [_last(visible(completion)) for completion in completions]
        wanted = [_last(visible(text)) if text else None for text in reference_text]
        parts = (
            self.answer(completions=answers, reference_text=wanted, **columns),
            self.reasoning(completions=completions, reference_text=reference_text, **columns),
        )
        return [None if one is None or other is None else (one + other) / 2 for one, other in zip(*parts, strict=True)]


def _last(text: str) -> str:
    """The last sentence or line, where the final answer is announced."""
    return (steps(judged(text)) or [""])[-1]
