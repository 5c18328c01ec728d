"""Live metrics of a step by language, gathered from its parts as sums: means over tokens or responses, not of means."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from components.calibration.advantages import NO_SPREAD


class Sums:
    """Weighted means, highest values and totals by name, added to bit by bit."""

    def __init__(self) -> None:
        self._sums: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._highest: dict[str, float] = {}
        self._totals: defaultdict[str, float] = defaultdict(float)

    def add(self, name: str, total: float, count: float) -> None:
        """Add `count` values that sum to `total`."""
        pair = self._sums[name]
        pair[0] += total
        pair[1] += count

    def add_tokens(self, values: Mapping[str, Tensor], mask: Tensor, langs: Sequence[str]) -> None:
        """Add values (B, C) of the tokens in `mask` (B, C) bool, in all and as `name/lang` by language (B,)."""
        counts = mask.sum(1).tolist()
        for name, value in values.items():
            totals = (value.float() * mask).sum(1).tolist()
            for total, count, lang in zip(totals, counts, langs, strict=True):
                self.add(name, total, count)
                self.add(f"{name}/{lang}", total, count)

    def count(self, name: str, amount: float) -> None:
        """Add to a total that is told as it is: seconds, tokens."""
        self._totals[name] += amount

    def highest(self, name: str, value: float) -> None:
        """Keep the highest `value`."""
        self._highest[name] = max(value, self._highest.get(name, value))

    def values(self) -> dict[str, float]:
        """The means of what has been added, the highest values and the totals."""
        means = {name: total / count for name, (total, count) in self._sums.items() if count}
        return means | self._highest | self._totals


def add_responses(
    sums: Sums,
    langs: Sequence[str],
    rewards: Tensor,
    lengths: Sequence[int],
    truncated: Sequence[bool],
    in_language: Sequence[float | None],
    num_generations: int,
) -> None:
    """Add some of a step's responses (B), group by group, by language.

    Means of `reward`, `length` in tokens, `truncated`, `in_language` share, `unscored`, and of groups without any
    signal (`zero_signal`); `tokens` in all.

    Args:
        rewards: (B,) float32, NaN where a response could not be scored.
        in_language: Share of a response's words in its prompt's language, 0 to 1.
    """
    for lang, reward, length, cut, share in zip(langs, rewards.tolist(), lengths, truncated, in_language, strict=True):
        is_scored = not math.isnan(reward)
        sums.count(f"tokens/{lang}", length)
        sums.add(f"length/{lang}", length, 1)
        sums.add(f"truncated/{lang}", cut, 1)
        sums.add(f"unscored/{lang}", not is_scored, 1)
        if is_scored:
            sums.add(f"reward/{lang}", reward, 1)
        if share is not None:
            sums.add(f"in_language/{lang}", share, 1)
    for lang, silent in zip(langs[::num_generations], is_silent(rewards, num_generations).tolist(), strict=True):
        sums.add(f"zero_signal/{lang}", silent, 1)


def is_silent(rewards: Tensor, num_generations: int) -> Tensor:
    """(B / G,) bool: groups whose scored rewards (B,) are all equal, so that every advantage is 0."""
    groups = rewards.view(-1, num_generations)
    highest = groups.nan_to_num(nan=float("-inf")).amax(1)
    lowest = groups.nan_to_num(nan=float("inf")).amin(1)
    return torch.isclose(highest, lowest, rtol=0, atol=NO_SPREAD) | groups.isnan().all(1)
