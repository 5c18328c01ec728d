"""Weights of a response's terms: how far each tells right responses from wrong ones, never against its direction."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field

from components.calibration.logistic import FloatArray, fit_logistic

PRIOR_ROWS = 2.0
"""Rows that the pooled location and scale count for in a language's own (ours): they matter under some ten rows."""
MAX_STANDARD = 3.0
"""Standardised terms are cut here (ours): an outlier that no fit has seen must not outweigh the answer."""


class Scaling(BaseModel):
    """Where each term lies and how far it spreads: z = (term - location) / scale."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    location: tuple[float, ...]
    scale: tuple[Annotated[float, Field(gt=0)], ...]
    fill: tuple[float, ...]
    """z that stands in for a missing term: its mean."""


class FittedWeights(BaseModel):
    """Logistic regression of correctness on T standardised terms, with weights that are not negative."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    names: tuple[str, ...]
    weights: tuple[Annotated[float, Field(ge=0)], ...]
    """Log-odds for one standard deviation of the term within a language; of a two-valued term, for its step."""
    intercept: float
    pooled: Scaling
    """For languages that the fit did not see."""
    languages: dict[str, Scaling]
    num_missing: tuple[int, ...]
    """By term: rows of the fit where it was missing, and its language's mean stood in."""
    num_rows: int = Field(ge=1)
    num_questions: int = Field(ge=1)

    def index(self, terms: ArrayLike, langs: Sequence[str]) -> FloatArray:
        """Log-odds of being correct, not decreasing in any term.

        Args:
            terms: (N, T), columns as in `names`; NaN where a term is missing (it then counts as its language's mean).
            langs: N.

        Returns:
            (N,) finite.
        """
        table = np.asarray(terms, dtype=float)
        return self.intercept + _standardised(table, np.asarray(langs), self.pooled, self.languages) @ self.weights


def fit_weights(
    terms: ArrayLike,
    labels: ArrayLike,
    groups: Sequence[str],
    langs: Sequence[str],
    names: Sequence[str],
    *,
    l2: float,
) -> FittedWeights:
    """Weights w ≥ 0 and a free intercept by penalised maximum likelihood, on terms standardised by language.

    A term with two values in all is no scale but a step: it becomes 0 and 1 in every language. Location and scale of a
    language with few rows lean on the pooled ones. A constant or wholly missing term gets weight 0.

    Args:
        terms: (N, T), NaN where missing.
        labels: (N,) bool, both values.
        groups, langs: N each.
        names: T.
        l2: Penalty l2/2 · |w|² on the summed cross-entropy, at least 0.

    Raises:
        ValueError: Labels are all the same (no weights can be told), or shapes that do not fit.
    """
    table, targets, codes = np.asarray(terms, dtype=float), np.asarray(labels, dtype=float), np.asarray(langs)
    if table.shape != (len(targets), len(names)) or not len(targets) == len(groups) == len(langs):
        raise ValueError(f"terms {table.shape} for {len(targets)} labels and {len(names)} names")
    if targets.min() == targets.max():
        raise ValueError("all labels are the same: no weights can be told from them")
    pooled, languages = _scalings(table, codes)
    columns = _standardised(table, codes, pooled, languages)
    informative = np.ptp(columns, axis=0) > 0
    weights = np.zeros(len(names))
    weights[informative], intercept = fit_logistic(columns[:, informative], targets, l2)
    return FittedWeights(
        names=tuple(names),
        weights=tuple(weights.tolist()),
        intercept=intercept,
        pooled=pooled,
        languages=languages,
        num_missing=tuple(np.isnan(table).sum(axis=0).tolist()),
        num_rows=len(targets),
        num_questions=len(set(groups)),
    )


def cross_fit(
    terms: ArrayLike,
    labels: ArrayLike,
    groups: Sequence[str],
    langs: Sequence[str],
    names: Sequence[str],
    *,
    num_folds: int,
    seed: int,
    l2: float,
) -> FloatArray:
    """Index of every row by weights fitted without its group's rows: (N,) log-odds, the same for the same seed.

    Raises:
        ValueError: Fewer groups than folds or than two folds, or a fold leaves labels of one kind only to fit on.
    """
    table, targets = np.asarray(terms, dtype=float), np.asarray(labels)
    codes, problems = np.asarray(langs), np.asarray(groups)
    fold = folds_of(groups, num_folds, seed)
    index = np.empty(len(table))
    for held in range(num_folds):
        out = fold == held
        kept = ~out
        fitted = fit_weights(table[kept], targets[kept], problems[kept].tolist(), codes[kept].tolist(), names, l2=l2)
        index[out] = fitted.index(table[out], codes[out].tolist())
    return index


def folds_of(groups: Sequence[str], num_folds: int, seed: int) -> NDArray[np.int64]:
    """The fold of each row (N,), 0 to `num_folds` - 1: a group's rows are in one fold, folds are about equally large.

    Raises:
        ValueError: Fewer groups than folds, or than two folds.
    """
    unique, group = np.unique(np.asarray(groups), return_inverse=True)
    if not 2 <= num_folds <= len(unique):
        raise ValueError(f"{num_folds} folds of {len(unique)} groups: need 2 folds or more, and a group for each")
    fold = np.random.default_rng(seed).permutation(len(unique)) % num_folds  # (groups,)
    return np.asarray(fold[group])


def _standardised(
    table: FloatArray, langs: NDArray[np.str_], pooled: Scaling, own: Mapping[str, Scaling]
) -> FloatArray:
    """(N, T): z by the row's language, missing ones filled, cut at ±MAX_STANDARD."""
    result = np.empty_like(table)
    for lang in np.unique(langs):
        rows, scaling = langs == lang, own.get(str(lang), pooled)
        z = (table[rows] - np.array(scaling.location)) / np.array(scaling.scale)
        result[rows] = np.where(np.isnan(z), np.array(scaling.fill), z)
    return np.clip(result, -MAX_STANDARD, MAX_STANDARD)


def _scalings(table: FloatArray, langs: NDArray[np.str_]) -> tuple[Scaling, dict[str, Scaling]]:
    """The pooled scaling and each language's own, which leans on it by PRIOR_ROWS."""
    _, mean, variance = _moments(table)
    values = [np.unique(column[~np.isnan(column)]) for column in table.T]
    steps = np.array([len(found) == 2 for found in values])
    low = np.array([found.min(initial=0.0) for found in values])  # used for steps alone
    unit = np.where(steps, [np.ptp(found) if len(found) else 0.0 for found in values], np.sqrt(variance))
    unit[unit == 0] = 1.0  # constant, or missing everywhere

    def scaling(rows: NDArray[np.bool_]) -> Scaling:
        num, own_mean, own_variance = _moments(table[rows])
        own = num / (num + PRIOR_ROWS)
        centre = own * own_mean + (1 - own) * mean
        spread = np.sqrt(own * own_variance + (1 - own) * unit**2)
        return _scaling(np.where(steps, low, centre), np.where(steps, unit, spread), centre)

    languages = {lang: scaling(langs == lang) for lang in np.unique(langs).tolist()}
    return _scaling(np.where(steps, low, mean), unit, mean), languages


def _scaling(location: FloatArray, scale: FloatArray, mean: FloatArray) -> Scaling:
    fill = (mean - location) / scale
    return Scaling(location=tuple(location.tolist()), scale=tuple(scale.tolist()), fill=tuple(fill.tolist()))


def _moments(table: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """By term, of the known values: how many, their mean and their variance; 0 where there are none."""
    known = ~np.isnan(table)
    num = known.sum(axis=0)
    mean = np.where(known, table, 0).sum(axis=0) / np.maximum(num, 1)
    variance = np.where(known, (table - mean) ** 2, 0).sum(axis=0) / np.maximum(num, 1)
    return num.astype(float), mean, variance
