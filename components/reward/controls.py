"""Controls: rewards that know nothing of the pivot. Meaning did what a reward of meaning does better than they do."""

import hashlib
from collections.abc import Sequence
from typing import Any

from components.reward.functions import FormatReward, LanguageReward, Scores
from components.reward.setup import RewardSetup
from components.reward.texts import Completion, visible


class FormReward:
    """g · 1[the final answer is announced]: `hybrid` without what compares with the reference. Values 0 to 1."""

    __name__ = "form"

    def __init__(self, setup: RewardSetup) -> None:
        self.setup = setup

    def __call__(self, completions: Sequence[Completion], lang: Sequence[str], **columns: Any) -> Scores:  # noqa: ANN401
        """Never None."""
        scores = [reward(completions, lang, **columns) for reward in (FormatReward(), LanguageReward())]
        return [(form or 0.0) * self.setup.gate({"language": share}) for form, share in zip(*scores, strict=True)]


class RandomReward:
    """A number that the response's text alone decides, by SHA-256, even over [0, 1): noise that can be repeated."""

    __name__ = "random"

    def __call__(self, completions: Sequence[Completion], **_: Any) -> Scores:  # noqa: ANN401
        """Never None."""
        texts = (visible(completion).encode("utf-8", "replace") for completion in completions)
        return [int.from_bytes(hashlib.sha256(text).digest()[:6]) / 2**48 for text in texts]
