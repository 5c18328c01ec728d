"""Gains of arms over problems and seeds, against hand-made outcomes and the bootstrap of a single seed."""

import random

import pytest

from components.compare.intervals import BASE, SeededBootstrap
from components.statistics import Outcome, PairedBootstrap

LANGUAGES = ("en", "es", "th")
PROBLEMS = [f"p{n}" for n in range(40)]


def outcomes(chance, seed):
    draw = random.Random(seed)
    return [Outcome("x", problem, lang, draw.random() < chance) for problem in PROBLEMS for lang in LANGUAGES]


def bootstrap(arms, base=None, num_resamples=1000):
    return SeededBootstrap(base or outcomes(0.3, 0), arms, num_resamples, 0.95, 5)


def share(rows, langs):
    """Macro over languages; every problem is asked in each."""
    return sum(row.correct for row in rows if row.lang in langs) / (len(PROBLEMS) * len(langs))


def test_estimates_are_means_over_seeds_of_macro_accuracies():
    arms = {arm: {17: outcomes(chance, arm + "17"), 18: outcomes(chance, arm + "18")} for arm, chance in
            (("warmup", 0.4), ("hybrid", 0.6))}  # fmt: skip
    base, langs = outcomes(0.3, 0), ["es", "th"]
    found = bootstrap(arms, base)
    means = {arm: sum(share(rows, langs) for rows in own.values()) / 2 for arm, own in arms.items()}
    assert found.accuracy("hybrid", langs).mean == pytest.approx(means["hybrid"])
    assert found.gain("hybrid", "warmup", langs).mean == pytest.approx(means["hybrid"] - means["warmup"])
    assert found.gain("hybrid", BASE, langs).mean == pytest.approx(means["hybrid"] - share(base, langs))
    by_seed = [share(arms["hybrid"][n], langs) - share(arms["warmup"][n], langs) for n in (17, 18)]
    assert found.by_seed("hybrid", "warmup", langs) == pytest.approx(by_seed)
    assert found.gain("hybrid", "warmup", langs).direction == 1


def test_one_seed_is_the_paired_bootstrap_over_problems():
    base, arm = outcomes(0.3, 0), outcomes(0.5, 1)
    found = bootstrap({"hybrid": {17: arm}}, base).gain("hybrid", BASE, LANGUAGES)
    rows = [row._replace(system="a") for row in base] + [row._replace(system="b") for row in arm]
    assert found == PairedBootstrap(rows, 1000, 0.95, 5).gain("b", "a", LANGUAGES)


def test_seeds_that_disagree_widen_the_interval():
    steady = {n: outcomes(0.5, "same") for n in (1, 2, 3)}
    wild = {n: outcomes(chance, "same") for n, chance in ((1, 0.1), (2, 0.5), (3, 0.9))}
    found = bootstrap({"steady": steady, "wild": wild})
    widths = {
        arm: found.accuracy(arm, LANGUAGES).high - found.accuracy(arm, LANGUAGES).low for arm in ("steady", "wild")
    }
    assert widths["wild"] > 2 * widths["steady"]


def test_an_arm_gains_nothing_over_itself():
    found = bootstrap({arm: {17: outcomes(0.5, 17), 18: outcomes(0.5, 18)} for arm in ("a", "b")})
    gain = found.gain("a", "b", LANGUAGES)
    assert (gain.mean, gain.low, gain.high) == (0, 0, 0)


def test_arms_of_other_seeds_cannot_be_paired():
    with pytest.raises(ValueError, match="different seeds"):
        bootstrap({"a": {17: outcomes(0.5, 1)}, "b": {18: outcomes(0.5, 1)}})


def test_the_gain_of_a_pool_is_its_arms_mean():
    arms = {
        arm: {n: outcomes(chance, f"{arm}{n}") for n in (17, 18)}
        for arm, chance in zip("abcd", (0.4, 0.6, 0.3, 0.5), strict=True)
    }
    found = bootstrap(arms)
    singles = [found.gain(after, before, LANGUAGES).mean for after in "ab" for before in "cd"]
    assert found.pooled_gain("ab", "cd", LANGUAGES).mean == pytest.approx(sum(singles) / 4)
    assert found.pooled_gain("a", "c", LANGUAGES) == found.gain("a", "c", LANGUAGES), "one arm is not drawn"


def test_arms_that_disagree_widen_the_interval_of_their_pool():
    own = {"a": 0.5, "b": 0.5, "c": 0.1, "d": 0.9}
    found = bootstrap({arm: {17: outcomes(chance, "same")} for arm, chance in own.items()})
    alike, unlike = (found.pooled_gain(pool, "a", LANGUAGES) for pool in ("ab", "cd"))
    assert alike.high - alike.low == 0
    assert unlike.low < -0.3
    assert unlike.high > 0.3


def test_pools_are_drawn_apart_from_each_other():
    """Alike pools gain nothing for certain only where each draws what the other does."""
    chances = {"c": 0.1, "d": 0.9, "e": 0.1, "f": 0.9}
    found = bootstrap({arm: {17: outcomes(chance, "same")} for arm, chance in chances.items()})
    gain = found.pooled_gain("cd", "ef", LANGUAGES)
    assert gain.mean == 0
    assert gain.low < -0.3
    assert gain.high > 0.3
