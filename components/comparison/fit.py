"""The hybrid's weights and maps, fitted on labels that its terms never saw, and their scores on held-out questions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.calibration import FittedWeights, LanguageMaps, cross_fit, fit_maps, fit_weights, folds_of
from components.comparison.scored import FloatArray, ScoredRow, table
from components.params import CalibrateParams, RewardName

TERMS: tuple[RewardName, ...] = ("answer", "steps", "numbers", "repetition", "translation", "comet")
"""Terms that the fitted hybrid is made of, where they are scored.

Not the whole text's embedding: beside the steps it adds nothing (docs/LOG.md) and doubles the cost."""


@dataclass(frozen=True, slots=True)
class FitSettings:
    """See `components.calibration`; the defaults are what won on simulations of method.md's table (docs/LOG.md)."""

    num_folds: int = 5
    """At least 3: maps are fitted on a cross-fit among the other folds."""
    min_rows: int = 2000
    shrinkage: float = 60.0
    l2: float = 5.0
    seed: int = 17

    @classmethod
    def from_params(cls, params: CalibrateParams, seed: int) -> "FitSettings":
        """As in params.yaml."""
        return cls(params.num_folds, params.min_rows, params.shrinkage, params.l2, seed)


@dataclass(frozen=True)
class HybridFit:
    """Weights and maps from all rows; and each row's own score from other questions' rows alone."""

    weights: FittedWeights
    maps: LanguageMaps
    probability: FloatArray
    """(N,) out of fold."""


def fit_hybrid(
    rows: Sequence[ScoredRow], labels: NDArray[np.bool_], names: Sequence[str], settings: FitSettings
) -> HybridFit:
    """Fit on all rows, and cross-fit by question: a question's own rows shape neither its weights nor its maps.

    Raises:
        ValueError: The labels are all the same, or there are fewer questions than folds.
    """
    terms, langs, groups = table(rows, names), [row.lang for row in rows], [row.problem_id for row in rows]
    weights = fit_weights(terms, labels, groups, langs, names, l2=settings.l2)
    index = cross_fit(
        terms, labels, groups, langs, names, num_folds=settings.num_folds, seed=settings.seed, l2=settings.l2
    )
    maps = fit_maps(index, labels, langs, groups, min_rows=settings.min_rows, shrinkage=settings.shrinkage)
    return HybridFit(weights, maps, _nested(terms, labels, langs, groups, names, settings))


def _nested(
    terms: FloatArray,
    labels: NDArray[np.bool_],
    langs: Sequence[str],
    groups: Sequence[str],
    names: Sequence[str],
    settings: FitSettings,
) -> FloatArray:
    """P(correct) of each row (N,) by weights and maps of the other folds; their maps are of a cross-fit among them."""
    fold, result = folds_of(groups, settings.num_folds, settings.seed), np.empty(len(labels))
    codes, problems = np.array(langs), np.array(groups)
    for held in range(settings.num_folds):
        out, kept = fold == held, fold != held
        own_groups, own_langs = problems[kept].tolist(), codes[kept].tolist()
        shown = terms[kept], labels[kept], own_groups, own_langs, names
        index = cross_fit(*shown, num_folds=settings.num_folds - 1, seed=settings.seed, l2=settings.l2)
        maps = fit_maps(
            index, labels[kept], own_langs, own_groups, min_rows=settings.min_rows, shrinkage=settings.shrinkage
        )
        own = codes[out].tolist()
        result[out] = maps(fit_weights(*shown, l2=settings.l2).index(terms[out], own), own)
    return result


def cross_map(
    scores: FloatArray, labels: NDArray[np.bool_], langs: Sequence[str], groups: Sequence[str], settings: FitSettings
) -> FloatArray:
    """P(correct) of each row (N,) by maps that its question's rows had no part in.

    Raises:
        ValueError: There are fewer questions than folds.
    """
    fold, result = folds_of(groups, settings.num_folds, settings.seed), np.empty(len(scores))
    codes, problems = np.array(langs), np.array(groups)
    for held in range(settings.num_folds):
        out = fold == held
        shown = scores[~out], labels[~out], codes[~out].tolist(), problems[~out].tolist()
        maps = fit_maps(*shown, min_rows=settings.min_rows, shrinkage=settings.shrinkage)
        result[out] = maps(scores[out], codes[out].tolist())
    return result
