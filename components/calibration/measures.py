"""How well scores tell right responses from wrong ones, and how far probabilities can be believed.

Rows without a score or without a label are left out of every measure; `None` stands where a measure has no value.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from components.statistics import Interval, bootstrap_interval

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Scores = Sequence[float | None] | FloatArray
Labels = Sequence[bool | None] | BoolArray | FloatArray

LOG_LOSS_CLIP = 1e-6
"""Probabilities are cut to [1e-6, 1 - 1e-6] in the log-loss: one row costs 13.8 nats at most."""
RESAMPLES_AT_ONCE = 100
"""Bounds the memory of a bootstrap."""


class ReliabilityBin(TypedDict):
    """One bin of a reliability diagram; every figure but `n` is 0 to 1."""

    low: float
    high: float
    mean_probability: float
    share_correct: float
    n: int


def auc(scores: Scores, labels: Labels) -> float | None:
    """Probability that a right response outscores a wrong one (ties count half), 0 to 1.

    None where one of the two kinds is missing: there is nothing to tell apart.
    """
    values, correct = _known(scores, labels)
    return float(roc_auc_score(correct, values)) if _both_kinds(correct) else None


def auc_interval(
    scores: Scores, labels: Labels, groups: Sequence[str], *, num_resamples: int, confidence: float, seed: int
) -> Interval | None:
    """AUC with its bootstrap interval; whole groups are drawn, as `components.statistics` does.

    Resamples without both kinds are left out. O(num_resamples · N) time.

    Args:
        groups: N problem ids; rows of one problem are drawn together.
        num_resamples: At least 1.
        confidence: In (0, 1).

    Returns:
        None where one kind is missing, or is in every resample.
    """
    known = _is_known(scores, labels)
    values, correct = _known(scores, labels)
    estimate = auc(scores, labels)
    if estimate is None:
        return None
    group = np.unique(np.asarray(groups)[known], return_inverse=True)[1]
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order], prepend=-np.inf))  # of runs of equal scores
    resampled = np.concatenate(
        [
            _weighted_auc(draws[:, group[order]].astype(float), correct[order], starts)
            for draws in _draws(int(group.max()) + 1, num_resamples, seed)
        ]
    )
    resampled = resampled[~np.isnan(resampled)]
    if not len(resampled):
        return None
    return bootstrap_interval(estimate, resampled, confidence, int(group.max()) + 1)


def _draws(num_groups: int, num_resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """How often each group is drawn, (at most RESAMPLES_AT_ONCE, groups) at a time."""
    random = np.random.default_rng(seed)
    for start in range(0, num_resamples, RESAMPLES_AT_ONCE):
        size = min(RESAMPLES_AT_ONCE, num_resamples - start)
        yield random.multinomial(num_groups, np.full(num_groups, 1 / num_groups), size)


def _weighted_auc(weights: FloatArray, correct: BoolArray, starts: NDArray[np.int64]) -> FloatArray:
    """Mann-Whitney by counting, (R,); NaN where a kind weighs nothing.

    Args:
        weights: (R, N), rows in order of their scores.
        starts: Where each run of equal scores begins.
    """
    right = np.add.reduceat(weights * correct, starts, axis=1)  # (R, runs)
    wrong = np.add.reduceat(weights * ~correct, starts, axis=1)
    beaten = np.cumsum(wrong, axis=1) - wrong / 2
    with np.errstate(invalid="ignore"):
        return np.asarray((right * beaten).sum(axis=1) / (right.sum(axis=1) * wrong.sum(axis=1)))


def brier(probabilities: Scores, labels: Labels) -> float | None:
    """Mean squared distance of probability and outcome, 0 to 1 (Brier 1950); None without rows."""
    values, correct = _known(probabilities, labels)
    return float(np.mean((values - correct) ** 2)) if len(values) else None


def log_loss(probabilities: Scores, labels: Labels) -> float | None:
    """Mean negative log-likelihood in nats, at least 0, of probabilities cut by LOG_LOSS_CLIP; None without rows."""
    values, correct = _known(probabilities, labels)
    said = np.clip(np.where(correct, values, 1 - values), LOG_LOSS_CLIP, 1 - LOG_LOSS_CLIP)
    return float(-np.mean(np.log(said))) if len(values) else None


def reliability(probabilities: Scores, labels: Labels, num_bins: int) -> list[ReliabilityBin]:
    """What was said against what was so, in at most `num_bins` bins of about equal mass, from low to high.

    Equal probabilities are never parted (they go where the middle of their run lies), so the order of rows changes
    nothing and no bin mixes by luck; bins may then be fewer and unequal.

    Example:
        >>> reliability([0.2, 0.2, 0.9, 0.9], [False, False, True, False], 2)[1]
        {'low': 0.9, 'high': 0.9, 'mean_probability': 0.9, 'share_correct': 0.5, 'n': 2}
    """
    values, correct = _known(probabilities, labels)
    _, run, sizes = np.unique(values, return_inverse=True, return_counts=True)
    middle = (np.cumsum(sizes) - sizes / 2) / max(len(values), 1)  # 0 to 1, exclusive
    bins = np.floor(middle * num_bins).astype(int)[run]
    return [_bin(values[bins == number], correct[bins == number]) for number in np.unique(bins)]


def _bin(values: FloatArray, correct: BoolArray) -> ReliabilityBin:
    return ReliabilityBin(
        low=float(values.min()),
        high=float(values.max()),
        mean_probability=float(values.mean()),
        share_correct=float(correct.mean()),
        n=len(values),
    )


def expected_calibration_error(probabilities: Scores, labels: Labels, num_bins: int = 10) -> float | None:
    """Σ n_b/N · |mean probability − share correct| over the bins of `reliability`, 0 to 1; None without rows.

    After Naeini et al. 2015, with bins of equal mass (Nixon et al. 2019).
    """
    bins = reliability(probabilities, labels, num_bins)
    gaps = [part["n"] * abs(part["mean_probability"] - part["share_correct"]) for part in bins]
    return sum(gaps) / sum(part["n"] for part in bins) if bins else None


def two_level(
    fit_answer: Scores, fit_labels: Labels, fit_langs: Sequence[str], answer: Scores, langs: Sequence[str]
) -> FloatArray:
    """The baseline: P(correct | language, answer equals the reference's or not), fitted on one set, applied to another.

    A cell of k rows with share y says (k·y + p)/(k + 1), p the share of the same level over all languages (ours): so
    it says neither 0 nor 1, and p in a language that it has not seen. A missing answer is a level of its own.

    Args:
        fit_answer, answer: 0 or 1, or None (NaN) where the reference has no answer.

    Returns:
        P(correct) of each row of `answer`, 0 to 1.

    Raises:
        ValueError: There is no labelled row to fit on.
    """
    known = ~np.isnan(np.array(fit_labels, dtype=float))
    if not known.any():
        raise ValueError("no labelled rows to fit on")
    correct = np.array(fit_labels, dtype=float)[known]
    cells = _levels(fit_answer)[known]
    codes, asked_codes, asked = np.asarray(fit_langs)[known], np.asarray(langs), _levels(answer)
    result = np.empty(len(asked))
    for level in np.unique(asked):
        pooled = correct[cells == level]
        rate = (pooled.sum() + correct.mean()) / (len(pooled) + 1)
        for lang in np.unique(asked_codes):
            own = correct[(cells == level) & (codes == lang)]
            result[(asked == level) & (asked_codes == lang)] = (own.sum() + rate) / (len(own) + 1)
    return result


def _levels(answer: Scores) -> NDArray[np.int64]:
    """1 where the answer is the reference's, 0 where not, -1 where there is none to compare with."""
    values = np.array(answer, dtype=float)
    return np.where(np.isnan(values), -1, values > 0.5).astype(np.int64)


def summary(
    scores: Scores,
    labels: Labels,
    langs: Sequence[str],
    groups: Sequence[str],
    *,
    probabilities: bool,
    num_bins: int,
    num_resamples: int,
    confidence: float,
    seed: int,
) -> dict[str, Any]:
    """All figures of one reward: `pooled`, by language under `languages`, and `auc_macro`.

    Each has n, accuracy (share of right rows), auc with auc_low and auc_high, ece, brier, log_loss: finite or None.

    Args:
        probabilities: Whether the scores claim to be probabilities; if not, ece, brier and log_loss are None.
        num_bins: Of ece.
        num_resamples, confidence, seed: Of the intervals.
    """
    values, correct = np.array(scores, dtype=float), np.array(labels, dtype=float)
    codes, problems = np.asarray(langs), np.asarray(groups)

    def figures(rows: BoolArray) -> dict[str, float | int | None]:
        own, said = np.where(np.isnan(correct), None, correct == 1)[rows].tolist(), values[rows]
        interval = auc_interval(
            said, own, problems[rows].tolist(), num_resamples=num_resamples, confidence=confidence, seed=seed
        )
        right = _known(said, own)[1]
        return {
            "n": len(right),
            "accuracy": float(right.mean()) if len(right) else None,
            "auc": interval.mean if interval else None,
            "auc_low": interval.low if interval else None,
            "auc_high": interval.high if interval else None,
            "ece": expected_calibration_error(said, own, num_bins) if probabilities else None,
            "brier": brier(said, own) if probabilities else None,
            "log_loss": log_loss(said, own) if probabilities else None,
        }

    languages = {lang: figures(codes == lang) for lang in dict.fromkeys(langs)}
    aucs = [entry["auc"] for entry in languages.values() if entry["auc"] is not None]
    return {
        "pooled": figures(np.full(len(values), True)),
        "languages": languages,
        "auc_macro": sum(aucs) / len(aucs) if aucs else None,
    }


def _is_known(scores: Scores, labels: Labels) -> BoolArray:
    values, correct = np.array(scores, dtype=float), np.array(labels, dtype=float)
    if values.shape != correct.shape:
        raise ValueError(f"{len(values)} scores, but {len(correct)} labels")
    return np.asarray(~np.isnan(values) & ~np.isnan(correct))


def _known(scores: Scores, labels: Labels) -> tuple[FloatArray, BoolArray]:
    """Scores and labels of the rows that have both; None and NaN alike are missing."""
    known = _is_known(scores, labels)
    return np.array(scores, dtype=float)[known], np.array(labels, dtype=float)[known] == 1


def _both_kinds(correct: BoolArray) -> bool:
    return bool(correct.any() and not correct.all())
