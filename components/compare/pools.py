"""Arms that belong together, and what they gain together: one training of one arm is one draw."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from components.compare.intervals import SeededBootstrap
from components.statistics import Interval


def pooled_gains(
    bootstrap: SeededBootstrap,
    pools: Mapping[str, Sequence[str]],
    ran: Sequence[str],
    first: str,
    languages: Mapping[str, Sequence[str]],
) -> dict[str, dict[str, Any]]:
    """Of each pool that has arms in `ran`: these `arms`, and by group of `languages` the gain over the arm `first` and
    over each pool after it.
    """
    own = {pool: [arm for arm in arms if arm in ran] for pool, arms in pools.items()}
    own = {pool: arms for pool, arms in own.items() if arms}
    told: dict[str, dict[str, Any]] = {}
    for place, (pool, arms) in enumerate(own.items()):
        others = {first: [first], **dict(list(own.items())[place + 1 :])}
        told[pool] = {"arms": arms}
        for group, langs in languages.items():
            gains = {name: bootstrap.pooled_gain(arms, other, langs) for name, other in others.items()}
            told[pool][group] = {name: asdict(gain) for name, gain in gains.items()}
    return told


def points(gain: Interval | Mapping[str, float]) -> str:
    """A difference of shares in percentage points with its interval."""
    own = asdict(gain) if isinstance(gain, Interval) else gain
    return f"{100 * own['mean']:+.1f} [{100 * own['low']:+.1f}, {100 * own['high']:+.1f}]"


def as_lines(pools: Mapping[str, Mapping[str, Any]], groups: Sequence[str] | None = None) -> list[str]:
    """A line a pool and group of languages (None: all groups)."""
    return [
        f"- {pool} ({', '.join(own['arms'])}), {group.replace('_', ' ')}: "
        + "; ".join(f"over {name} {points(gain)}" for name, gain in gains.items())
        for pool, own in pools.items()
        for group, gains in own.items()
        if group != "arms" and (groups is None or group in groups)
    ]
