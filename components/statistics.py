"""Intervals for accuracies and their differences.

Every system answers the same problems, and a problem is one thing asked in several languages: its answers rise and
fall together. So the bootstrap draws *problems*, with all their languages and systems, never single answers.

Shapes: R resamples, S systems, P problems, L languages.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit  # type: ignore[import-untyped] # ships no types
from scipy.stats import binomtest  # type: ignore[import-untyped]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its confidence interval, all in the unit of the estimate (shares: 0 to 1)."""

    mean: float
    low: float
    high: float

    @property
    def direction(self) -> int:
        """1 where the whole interval lies above zero, -1 where below, 0 where it includes zero."""
        return int(self.low > 0) - int(self.high < 0)


class Outcome(NamedTuple):
    """Whether one system answered one problem rightly in one language; of several answers, the share of right ones."""

    system: str
    problem_id: str
    lang: str
    correct: float


def accuracy_interval(correct: Sequence[bool], confidence: float) -> Interval:
    """Share of right answers with its score interval, 0 to 1 (Wilson 1927, JASA 22:209).

    Args:
        correct: One entry an independent answer; at least one.
        confidence: In (0, 1).

    Raises:
        ValueError: `correct` is empty.

    Example:
        >>> accuracy_interval([True] * 8 + [False] * 2, 0.95)  # (0.8, 0.490, 0.943)
    """
    if not correct:
        raise ValueError("no answers to take a share of")
    share = sum(correct) / len(correct)
    low, high = binomtest(sum(correct), len(correct)).proportion_ci(confidence, method="wilson")
    # at shares of 0 and 1 the bound is the share itself, but for rounding
    return Interval(share, float(min(share, low)), float(max(share, high)))


class PairedBootstrap:
    """Bootstrap over problems (Efron and Tibshirani 1993, ch. 13) of accuracies by system and language.

    All estimates come from the same resamples, so any two of them are paired. Over several languages an accuracy is
    macro: the mean of the languages' accuracies. A resample without any problem of the languages asked for is left out
    (it occurs only where problems are not asked in every language).
    """

    def __init__(self, outcomes: Iterable[Outcome], num_resamples: int, confidence: float, seed: int) -> None:
        """Draw the resamples: O(R P S L) time, O(R (P + S L)) memory.

        Args:
            outcomes: One row a system, problem and language; all systems on the same problems and languages.
            num_resamples: At least 1.
            confidence: In (0, 1).
            seed: The same seed and rows give the same intervals.

        Raises:
            ValueError: There are no rows, a row occurs twice, or the systems answered different questions.
        """
        rows = list(outcomes)
        self.systems = tuple(dict.fromkeys(row.system for row in rows))
        self.languages = tuple(dict.fromkeys(row.lang for row in rows))
        self._confidence = confidence
        correct, asked = _grid(rows, self.systems, self.languages)  # (S, P, L), (P, L)
        self._num_problems = num_problems = len(asked)
        draws = np.random.default_rng(seed).multinomial(num_problems, [1 / num_problems] * num_problems, num_resamples)
        weights = np.vstack([np.ones(num_problems), draws])  # (1 + R, P); the first row is the sample itself
        with np.errstate(invalid="ignore"):
            accuracy = np.stack([weights @ system / (weights @ asked) for system in correct])
        self._accuracy: FloatArray = accuracy  # (S, 1 + R, L); NaN where a resample holds no problem of a language

    def accuracy(self, system: str, languages: Sequence[str]) -> Interval:
        """Macro accuracy of `system`, 0 to 1.

        Raises:
            ValueError: `languages` is empty, or a system or language has no outcomes. The other methods too.
        """
        return self.interval(self.resampled(system, languages))

    def gain(self, after: str, before: str, languages: Sequence[str]) -> Interval:
        """Macro accuracy of `after` minus that of `before`, -1 to 1."""
        return self.interval(self.resampled(after, languages) - self.resampled(before, languages))

    def gap(self, system: str, languages: Sequence[str], pivot: str = "en") -> Interval:
        """Accuracy in `pivot` minus the macro accuracy over `languages`, -1 to 1."""
        return self.interval(self._gap(system, languages, pivot))

    def gap_change(self, before: str, after: str, languages: Sequence[str], pivot: str = "en") -> Interval:
        """Gap of `before` minus gap of `after`, -2 to 2: positive where the gap has narrowed."""
        return self.interval(self._gap(before, languages, pivot) - self._gap(after, languages, pivot))

    def _gap(self, system: str, languages: Sequence[str], pivot: str) -> FloatArray:
        return self.resampled(system, [pivot]) - self.resampled(system, languages)

    def resampled(self, system: str, languages: Sequence[str]) -> FloatArray:
        """Macro accuracy (1 + R,) of the sample itself and of each resample; NaN where one says nothing."""
        if not languages:
            raise ValueError("no languages to take a mean over")
        columns = [self.languages.index(lang) for lang in languages]
        values = self._accuracy[self.systems.index(system)][:, columns]
        known = ~np.isnan(values)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(known, values, 0.0).sum(axis=1) / known.sum(axis=1))

    def interval(self, values: FloatArray) -> Interval:
        """The first of `values` (1 + R,), made of what `resampled` gives, with the interval of the others."""
        return bootstrap_interval(values[0], values[1:], self._confidence, self._num_problems)


def bootstrap_interval(estimate: float, resampled: FloatArray, confidence: float, num_drawn: int) -> Interval:
    """`estimate` with the expanded percentile interval of `resampled`, NaN left out.

    Plain percentiles are too narrow where few things are drawn (30 problems: 93 to 94 % coverage for 95); their tails
    are those that make them as wide as Student's interval of a mean (Hesterberg 2015, Am. Stat. 69:371).

    Args:
        num_drawn: Things in the sample that resamples draw from, at least 1.
        confidence: In (0, 1).
    """
    tail = (1 - confidence) / 2
    if num_drawn > 1:
        tail = float(ndtr(math.sqrt(num_drawn / (num_drawn - 1)) * stdtrit(num_drawn - 1, tail)))
    low, high = np.quantile(resampled[~np.isnan(resampled)], [tail, 1 - tail])
    return Interval(float(estimate), float(low), float(high))


def _grid(
    rows: Sequence[Outcome], systems: Sequence[str], languages: Sequence[str]
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Right answers (S, P, L) as 0 and 1, and which problem is asked in which language (P, L)."""
    if not rows:
        raise ValueError("no outcomes")
    problems = {problem: i for i, problem in enumerate(dict.fromkeys(row.problem_id for row in rows))}
    grid = np.full((len(systems), len(problems), len(languages)), np.nan)
    for row in rows:
        cell = systems.index(row.system), problems[row.problem_id], languages.index(row.lang)
        if not np.isnan(grid[cell]):
            raise ValueError(f"{row.system} answers problem `{row.problem_id}` in `{row.lang}` twice")
        grid[cell] = row.correct
    asked = ~np.isnan(grid)
    if (asked != asked[0]).any():
        raise ValueError("the systems answered different questions, so they cannot be paired")
    return np.nan_to_num(grid), asked[0]
