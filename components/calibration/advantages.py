"""What a change of the reward changes in training: the advantages of GRPO, and the order of responses in a group.

Advantages are A = (R - mean) / max(std, floor) in a group (one prompt, G rollouts), std with G - 1 below the line, as
`components.train.trainer` has it. Without a floor an affine map of a group's rewards changes nothing (method.md), so a
mean shift or z-score by language is then a no-op; with a floor the scale matters.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict

FloatArray = NDArray[np.float64]

NO_CHANGE = 1e-6
"""Advantages are of size 1: a mean change up to this is rounding."""
NO_SPREAD = 1e-6
"""Rewards (about 0 to 1) of a group that differ by no more are equal but for rounding, float32's in training."""


class Figures(BaseModel):
    """One way to standardise: how the advantages differ from those of the raw reward. Shares are 0 to 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mean_change: float
    """Mean |A - A_raw| over rollouts."""
    sign_changes: float
    """Share of rollouts whose advantage has another sign (negative, zero, positive)."""
    silent_groups: float
    """Share of groups whose advantages are all about 0: nothing to learn from."""
    silent_groups_raw: float


class AdvantageChange(BaseModel):
    """One reward against the raw one. Pairs are those of two rollouts of one group; their shares are 0 to 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    num_rollouts: int
    """Those that both rewards could score."""
    num_groups: int
    num_pairs: int
    reversed_pairs: float
    """Share of pairs that the two rewards put in opposite order."""
    parted_ties: float
    """Share of pairs that were level and no longer are."""
    new_ties: float
    """Share of pairs that are level and were not."""
    unfloored: Figures
    """A = (R - mean) / std, 0 where std is 0."""
    configured: Figures
    """A = (R - mean) / max(std, floor)."""

    @property
    def is_no_op(self) -> bool:
        """Whether training as configured would not notice the difference."""
        return self.configured.mean_change <= NO_CHANGE


def shifted(rewards: ArrayLike, langs: Sequence[str]) -> FloatArray:
    """R minus its language's mean, (N,); NaN stays NaN."""
    return _by_language(rewards, langs, scale=False)


def z_scored(rewards: ArrayLike, langs: Sequence[str]) -> FloatArray:
    """(R - mean) / std of its language, (N,); NaN stays NaN, and a language without spread gets 0."""
    return _by_language(rewards, langs, scale=True)


def advantages(rewards: ArrayLike, groups: Sequence[str], floor: float) -> FloatArray:
    """(R - mean) / max(std, floor) in each group, (N,); 0 throughout a group without spread, or of one rollout.

    Args:
        rewards: (N,) finite.
        groups: N names of prompts (a question in a language), in any order.
        floor: At least 0; 0 for none.
    """
    values = np.asarray(rewards, dtype=float)
    result = np.zeros(len(values))
    for rows in _members(groups):
        own = values[rows]
        if np.ptp(own) > NO_SPREAD:
            result[rows] = (own - own.mean()) / max(own.std(ddof=1), floor)
    return result


def compare(
    raw: ArrayLike, groups: Sequence[str], others: Mapping[str, ArrayLike], *, floor: float
) -> dict[str, AdvantageChange]:
    """Each of `others` against the raw reward of the same rollouts.

    Args:
        raw: (N,), NaN where it could not score; a rollout that either of the two could not score is left out of both.
        groups: N names of prompts (a question in a language).
        others: By name, (N,) each.
        floor: The configured floor of the standard deviation, at least 0.

    Raises:
        ValueError: Lengths differ, or a comparison is left without rows.
    """
    return {name: _change(np.asarray(raw, dtype=float), groups, other, floor) for name, other in others.items()}


def _change(raw: FloatArray, groups: Sequence[str], other: ArrayLike, floor: float) -> AdvantageChange:
    values, names = np.asarray(other, dtype=float), np.asarray(groups)
    if not len(raw) == len(values) == len(names):
        raise ValueError(f"{len(raw)} raw rewards, {len(values)} others, {len(names)} groups")
    known = ~np.isnan(raw) & ~np.isnan(values)
    if not known.any():
        raise ValueError("no rollout was scored by both rewards")
    raw, values, kept = raw[known], values[known], names[known].tolist()
    before, after = (np.concatenate([_orders(scores[rows]) for rows in _members(kept)]) for scores in (raw, values))
    num_pairs = max(len(before), 1)
    return AdvantageChange(
        num_rollouts=len(raw),
        num_groups=len(set(kept)),
        num_pairs=len(before),
        reversed_pairs=np.sum(before * after < 0) / num_pairs,
        parted_ties=np.sum((before == 0) & (after != 0)) / num_pairs,
        new_ties=np.sum((before != 0) & (after == 0)) / num_pairs,
        unfloored=_figures(raw, values, kept, 0.0),
        configured=_figures(raw, values, kept, floor),
    )


def _figures(raw: FloatArray, other: FloatArray, groups: Sequence[str], floor: float) -> Figures:
    before, after = advantages(raw, groups, floor), advantages(other, groups, floor)
    return Figures(
        mean_change=float(np.abs(after - before).mean()),
        sign_changes=float(np.mean(_signs(after) != _signs(before))),
        silent_groups=_silent(after, groups),
        silent_groups_raw=_silent(before, groups),
    )


def _silent(values: FloatArray, groups: Sequence[str]) -> float:
    return float(np.mean([not _signs(values[rows]).any() for rows in _members(groups)]))


def _signs(values: FloatArray) -> FloatArray:
    return np.where(np.abs(values) <= NO_CHANGE, 0.0, np.sign(values))


def _orders(scores: FloatArray) -> FloatArray:
    """-1, 0 or 1 for each pair of a group's rollouts, (G · (G - 1) / 2,)."""
    first, second = np.triu_indices(len(scores), k=1)
    gaps = scores[first] - scores[second]
    return np.where(np.abs(gaps) <= NO_SPREAD, 0.0, np.sign(gaps))


def _members(groups: Sequence[str]) -> list[NDArray[np.intp]]:
    """Rows of each group."""
    _, group, sizes = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    return np.split(np.argsort(group, kind="stable"), np.cumsum(sizes)[:-1])


def _by_language(rewards: ArrayLike, langs: Sequence[str], *, scale: bool) -> FloatArray:
    values, codes = np.array(rewards, dtype=float), np.asarray(langs)
    for lang in np.unique(codes):
        own = values[codes == lang]
        centred = own - np.nanmean(own) if not np.isnan(own).all() else own
        spread = np.nanstd(own) if scale and not np.isnan(own).all() else 1.0
        values[codes == lang] = centred / spread if spread > NO_SPREAD else centred
    return values
