"""Intervals against independent ways to get them."""

import math
import random
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from scipy.stats import t as student_t
from statsmodels.stats.proportion import proportion_confint

from components.statistics import Interval, Outcome, PairedBootstrap, accuracy_interval, bootstrap_interval

LANGUAGES = ("en", "es", "th")
Grid = dict[str, list[list[bool]]]
"""By system: a row a problem, a column a language."""


def outcomes(grid: Grid) -> list[Outcome]:
    return [
        Outcome(system, f"p{i}", lang, right)
        for system, rows in grid.items()
        for i, row in enumerate(rows)
        for lang, right in zip(LANGUAGES, row, strict=True)
    ]


def random_grid(num_problems: int, seed: int = 5) -> Grid:
    rng = random.Random(seed)
    chances = {"base": 0.3, "warmup": 0.4, "trained": 0.5}
    return {
        system: [[rng.random() < chance for _ in LANGUAGES] for _ in range(num_problems)]
        for system, chance in chances.items()
    }


grids = st.integers(1, 20).flatmap(
    lambda n: st.fixed_dictionaries(
        {
            system: st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=n, max_size=n)
            for system in ("base", "warmup", "trained")
        }
    )
)


@pytest.mark.parametrize(("right", "n"), [(0, 1), (1, 1), (0, 64), (64, 64), (31, 64), (1, 1000)])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_accuracy_interval_is_statsmodels_wilson(right: int, n: int, confidence: float) -> None:
    expected = proportion_confint(right, n, 1 - confidence, method="wilson")
    found = accuracy_interval([True] * right + [False] * (n - right), confidence)
    assert found.mean == right / n
    assert (found.low, found.high) == pytest.approx(expected)


@given(st.lists(st.booleans(), min_size=1, max_size=200), st.floats(0.5, 0.999))
def test_accuracy_interval_holds_the_share(correct: list[bool], confidence: float) -> None:
    found = accuracy_interval(correct, confidence)
    assert 0 <= found.low <= found.mean <= found.high <= 1


def macro(rows: list[list[bool]], columns: list[int]) -> float:
    return fmean(fmean(row[c] for row in rows) for c in columns)


def brute_force(grid: Grid, seed: int, num: int) -> dict[str, tuple[float, float, float]]:
    """The same quantities by a plain loop over resamples, with randomness of its own."""
    rng, n = random.Random(seed), len(grid["base"])
    found: dict[str, list[float]] = {"accuracy": [], "gain": [], "rl": [], "gap": [], "change": []}
    for number in range(num + 1):
        drawn = [rng.randrange(n) for _ in range(n)] if number else list(range(n))
        other = {s: macro([rows[i] for i in drawn], [1, 2]) for s, rows in grid.items()}
        gap = {s: macro([rows[i] for i in drawn], [0]) - other[s] for s, rows in grid.items()}
        found["accuracy"].append(other["trained"])
        found["gain"].append(other["trained"] - other["base"])
        found["rl"].append(other["trained"] - other["warmup"])
        found["gap"].append(gap["trained"])
        found["change"].append(gap["base"] - gap["trained"])
    tail = norm.cdf(math.sqrt(n / (n - 1)) * student_t.ppf(0.025, n - 1))
    return {k: (v[0], *(float(q) for q in np.quantile(v[1:], [tail, 1 - tail]))) for k, v in found.items()}


def test_bootstrap_agrees_with_a_plain_loop() -> None:
    grid = random_grid(50)
    boot, others = PairedBootstrap(outcomes(grid), 4000, 0.95, seed=1), ["es", "th"]
    expected = brute_force(grid, seed=2, num=4000)
    found = {
        "accuracy": boot.accuracy("trained", others),
        "gain": boot.gain("trained", "base", others),
        "rl": boot.gain("trained", "warmup", others),
        "gap": boot.gap("trained", others),
        "change": boot.gap_change("base", "trained", others),
    }
    for name, interval in found.items():
        assert interval.mean == pytest.approx(expected[name][0]), name
        assert (interval.low, interval.high) == pytest.approx(expected[name][1:], abs=0.012), name


def test_problems_are_drawn_not_answers() -> None:
    # Eleven languages that agree on every problem say no more than one of them.
    rng = random.Random(1)
    rows = [(f"p{i}", rng.random() < 0.5) for i in range(40)]
    languages = [f"l{k}" for k in range(11)]
    boot = PairedBootstrap([Outcome("base", p, lang, right) for p, right in rows for lang in languages], 2000, 0.95, 1)
    one, all_of_them = boot.accuracy("base", languages[:1]), boot.accuracy("base", languages)
    assert (all_of_them.low, all_of_them.high) == pytest.approx((one.low, one.high))


@settings(max_examples=40, deadline=None)
@given(grids)
def test_intervals_are_ordered_and_hold_the_estimate(grid: Grid) -> None:
    boot = PairedBootstrap(outcomes(grid), 1000, 0.95, seed=1)
    for interval in (
        *(boot.accuracy(system, LANGUAGES) for system in grid),
        boot.gain("trained", "base", LANGUAGES),
        boot.gap_change("base", "trained", ["es", "th"]),
    ):
        assert interval.low - 1e-12 <= interval.mean <= interval.high + 1e-12
        assert all(math.isfinite(value) for value in (interval.mean, interval.low, interval.high))


@settings(max_examples=20, deadline=None)
@given(grids)
def test_equal_systems_gain_exactly_nothing(grid: Grid) -> None:
    boot = PairedBootstrap(outcomes({"base": grid["base"], "trained": grid["base"]}), 200, 0.95, seed=1)
    assert boot.gain("trained", "base", LANGUAGES) == Interval(0, 0, 0)
    assert boot.gap_change("base", "trained", ["es", "th"]) == Interval(0, 0, 0)


def test_same_seed_same_intervals_and_macro_is_the_mean_of_languages() -> None:
    rows = outcomes(random_grid(30))
    first, second, other = (PairedBootstrap(rows, 500, 0.9, seed) for seed in (1, 1, 2))
    assert first.gain("trained", "base", LANGUAGES) == second.gain("trained", "base", LANGUAGES)
    assert first.gain("trained", "base", LANGUAGES) != other.gain("trained", "base", LANGUAGES)
    single = [first.accuracy("base", [lang]).mean for lang in LANGUAGES]
    assert first.accuracy("base", LANGUAGES).mean == pytest.approx(fmean(single))


def test_interval_covers_the_true_gain_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(150):
        boot = PairedBootstrap(outcomes(random_grid(64, seed=seed)), 200, 0.9, seed=seed)
        interval = boot.gain("trained", "base", LANGUAGES)
        covered += interval.low <= 0.2 <= interval.high
    assert 0.82 <= covered / 150 <= 0.97


def test_tails_are_those_of_students_interval() -> None:
    """Of a mean, where the bootstrap is about normal: its variance is (n - 1) / n of s^2 / n."""
    n, values = 12, np.random.default_rng(3).normal(size=12)
    resampled = norm.ppf((np.arange(20_000) + 0.5) / 20_000) * values.std() / math.sqrt(n) + values.mean()
    found = bootstrap_interval(float(values.mean()), resampled, 0.95, n)
    expected = student_t.interval(0.95, n - 1, values.mean(), values.std(ddof=1) / math.sqrt(n))
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("num_problems", [16, 30, 100])
@pytest.mark.parametrize("shift", [0.0, 0.6])
def test_coverage_and_false_positives(num_problems: int, shift: float) -> None:
    """Gain over five languages of problems as hard in each; half of the answers hang together between the systems."""
    rng, num_simulations, languages = np.random.default_rng(7), 1500, [f"l{i}" for i in range(5)]

    def chance(difficulty: Any, shift: float) -> Any:
        return 1 / (1 + np.exp(1 + difficulty - shift))

    population = rng.normal(0, 1.5, 2_000_000)
    true_gain = float((chance(population, shift) - chance(population, 0)).mean())
    covered = excluded = 0
    for number in range(num_simulations):
        difficulty = rng.normal(0, 1.5, (num_problems, 1))
        own, other = rng.random((2, num_problems, 5))
        base, trained = own < chance(difficulty, 0), np.where(rng.random((num_problems, 5)) < 0.5, own, other)
        rows = [
            Outcome(system, f"p{p}", lang, float(grid[p, i]))
            for system, grid in (("base", base), ("trained", trained < chance(difficulty, shift)))
            for p in range(num_problems)
            for i, lang in enumerate(languages)
        ]
        gain = PairedBootstrap(rows, 1000, 0.95, number).gain("trained", "base", languages)
        covered += gain.low <= true_gain <= gain.high
        excluded += gain.direction != 0
    coverage, exclusion = covered / num_simulations, excluded / num_simulations
    print(f"{num_problems} problems, true gain {true_gain:.3f}: covered {coverage:.3f}, zero excluded {exclusion:.3f}")
    assert 0.93 <= coverage <= 0.97
    assert shift or exclusion <= 0.06


def test_a_problem_may_miss_in_a_language() -> None:
    rows = [row for row in outcomes(random_grid(6)) if row.lang == "en" or row.problem_id == "p0"]
    boot = PairedBootstrap(rows, 300, 0.95, seed=1)
    interval = boot.gain("trained", "base", LANGUAGES)
    assert all(math.isfinite(value) for value in (interval.mean, interval.low, interval.high))


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="no answers"):
        accuracy_interval([], 0.95)
    with pytest.raises(ValueError, match="no outcomes"):
        PairedBootstrap([], 100, 0.95, seed=1)
    rows = outcomes(random_grid(3))
    with pytest.raises(ValueError, match="different questions"):
        PairedBootstrap(rows[:-1], 100, 0.95, seed=1)
    with pytest.raises(ValueError, match="twice"):
        PairedBootstrap([*rows, rows[0]], 100, 0.95, seed=1)
    with pytest.raises(ValueError, match="no languages"):
        PairedBootstrap(rows, 100, 0.95, seed=1).accuracy("base", [])


@pytest.mark.parametrize(("low", "high", "direction"), [(0.1, 0.2, 1), (-0.2, -0.1, -1), (-0.1, 0.1, 0), (0, 0, 0)])
def test_direction(low: float, high: float, direction: int) -> None:
    assert Interval((low + high) / 2, low, high).direction == direction
