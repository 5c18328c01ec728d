"""Several rewards on the same responses: the terms that a hybrid is made of, and that comparisons are about."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from components.encoding import Encoder
from components.reward.functions import Scores
from components.reward.texts import Completion

Terms = Mapping[str, float | None]
"""One response's scores by name of the reward."""

ENCODED = ("embedding", "steps", "margin")
"""Terms that stand on the sentence encoder."""


class Reward(Protocol):
    """TRL's contract: named, called with keywords, picklable."""

    __name__: str

    def __call__(self, *_: Any, **columns: Any) -> Scores:  # noqa: ANN401
        """One score a completion, None where it cannot be scored. Called with keywords: `completions` and columns."""


def tell_terms(rows: Sequence[Terms], lang: Sequence[str], columns: Mapping[str, Any]) -> None:
    """Hand a batch's terms to TRL where it asks (its keywords `log_extra` and `log_metric`).

    They become columns of its table of completions, and metrics `terms/NAME/LANG`: means of what could be scored.
    """
    log_extra, log_metric = columns.get("log_extra"), columns.get("log_metric")
    if not rows or log_extra is None or log_metric is None:
        return
    for name in rows[0]:
        scores = [row[name] for row in rows]
        log_extra(name, scores)
        for code in dict.fromkeys(lang):
            known = [score for score, own in zip(scores, lang, strict=True) if own == code and score is not None]
            if known:
                log_metric(f"terms/{name}/{code}", sum(known) / len(known))


class TermScorer:
    """Scores responses with every one of `rewards`."""

    def __init__(self, rewards: Sequence[Reward], encoder: Encoder, *, answers_hidden: bool = False) -> None:
        """With `answers_hidden` the answer counts as unknown: what is left where references have none to check."""
        self.rewards, self.encoder, self.answers_hidden = tuple(rewards), encoder, answers_hidden

    def __call__(self, completions: Sequence[Completion], lang: Sequence[str], **columns: Any) -> list[Terms]:  # noqa: ANN401
        """One dict a response, by the rewards' names.

        None where a reward could not score, and of the encoder's terms in languages that the encoder does not declare:
        what it says there is not trusted.
        """
        scores = {reward.__name__: reward(completions=completions, lang=lang, **columns) for reward in self.rewards}
        if self.answers_hidden and "answer" in scores:
            scores["answer"] = [None] * len(completions)
        trusted = [self.encoder.declares(code) for code in lang]
        for name in scores.keys() & set(ENCODED):
            scores[name] = [score if known else None for score, known in zip(scores[name], trusted, strict=True)]
        return [dict(zip(scores, row, strict=True)) for row in zip(*scores.values(), strict=True)]
