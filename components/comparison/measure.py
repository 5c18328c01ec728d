"""Every reward against one kind of label: how well it tells right from wrong, and how far its map can be believed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.calibration import folds_of
from components.calibration.measures import (
    brier,
    expected_calibration_error,
    log_loss,
    reliability,
    summary,
    two_level,
)
from components.comparison.fit import FitSettings, cross_map
from components.comparison.scored import FloatArray, ScoredRow

NUM_BINS = 10


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Of the intervals: problems are drawn. Not the report's parameters: those must not make `calibrate` stale."""

    num_resamples: int = 500
    confidence: float = 0.95
    seed: int = 17


def measure_rewards(
    rows: Sequence[ScoredRow],
    labels: Sequence[bool | None],
    scores: Mapping[str, FloatArray],
    probabilities: Mapping[str, FloatArray],
    settings: FitSettings,
    bootstrap: Bootstrap,
) -> dict[str, dict[str, Any]]:
    """Figures of each reward: `auc_macro`, `pooled`, `languages` and `reliability`; numbers are finite or None.

    AUC is of the scores, in any unit. ECE, Brier score, log-loss and reliability are of P(correct) on questions that
    were not used in its fit: `probabilities` where they are given, else a map by language, cross-fitted here.

    Args:
        labels: Whether each row is right; None where nobody knows.
        scores: By reward, (N,); NaN where it could not score.
        probabilities: By reward, (N,), of rewards that claim them, already cross-fitted.
    """
    truth = np.array(labels, dtype=float)  # NaN where unknown
    return {
        name: _figures(rows, truth, own, probabilities.get(name), settings, bootstrap) for name, own in scores.items()
    }


def baseline(
    rows: Sequence[ScoredRow], labels: Sequence[bool | None], answers: FloatArray, settings: FitSettings
) -> dict[str, Any]:
    """What P(correct) by nothing but the answer's equality, by language, gives on held-out questions.

    None throughout where there are fewer questions with labels than folds.
    """
    truth, langs = np.array(labels, dtype=float), np.array([row.lang for row in rows])
    problems = np.array([row.problem_id for row in rows])
    probability, known = np.full(len(rows), np.nan), ~np.isnan(truth)
    if len(set(problems[known])) >= settings.num_folds:
        fold = np.full(len(rows), -1)
        fold[known] = folds_of(problems[known].tolist(), settings.num_folds, settings.seed)
        for held in range(settings.num_folds):
            out, kept = fold == held, known & (fold != held)
            shown = answers[kept], truth[kept], langs[kept].tolist()
            probability[out] = two_level(*shown, answers[out], langs[out].tolist())
    return _believed(probability, truth)


def _figures(
    rows: Sequence[ScoredRow],
    truth: FloatArray,
    scores: FloatArray,
    probability: FloatArray | None,
    settings: FitSettings,
    bootstrap: Bootstrap,
) -> dict[str, Any]:
    langs, groups = [row.lang for row in rows], [row.problem_id for row in rows]
    told = summary(
        scores, truth, langs, groups,
        probabilities=False, num_bins=NUM_BINS, num_resamples=bootstrap.num_resamples,
        confidence=bootstrap.confidence, seed=bootstrap.seed,
    )  # fmt: skip
    if probability is None:
        probability = _mapped(scores, truth, langs, groups, settings)
    told["pooled"] |= _believed(probability, truth)
    for lang, entry in told["languages"].items():
        own = np.array(langs) == lang
        entry |= _believed(probability[own], truth[own])
    told["reliability"] = reliability(probability, truth, NUM_BINS)
    return told


def _mapped(
    scores: FloatArray, truth: FloatArray, langs: Sequence[str], groups: Sequence[str], settings: FitSettings
) -> FloatArray:
    """P(correct) by cross-fitted maps (N,); NaN where score or label is missing, or questions are fewer than folds."""
    known: NDArray[np.bool_] = ~np.isnan(scores) & ~np.isnan(truth)
    result = np.full(len(scores), np.nan)
    own_groups = np.array(groups)[known].tolist()
    if len(set(own_groups)) >= settings.num_folds:
        own_langs = np.array(langs)[known].tolist()
        result[known] = cross_map(scores[known], truth[known] == 1, own_langs, own_groups, settings)
    return result


def _believed(probability: FloatArray, truth: FloatArray) -> dict[str, float | None]:
    return {
        "ece": expected_calibration_error(probability, truth, NUM_BINS),
        "brier": brier(probability, truth),
        "log_loss": log_loss(probability, truth),
    }
