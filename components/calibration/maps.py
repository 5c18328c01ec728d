"""Monotone maps from a score to P(correct), one a language, leaning on a pooled one where a language has few rows."""

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.special import logit  # type: ignore[import-untyped] # ships no types
from sklearn.isotonic import IsotonicRegression

from components.calibration.logistic import FloatArray, fit_logistic

# A chord of length h misses the sigmoid by h²/8 · P(1-P)|1-2P|. Knots at equal steps of θ in P = sin²(θ) lie
# h = 2 · step / √(P(1-P)) apart, so no chord misses by more than step²/2 = 1e-4, nor does cutting off the tails.
SIGMOID_P = np.sin(np.linspace(0.01, np.pi / 2 - 0.01, 112)) ** 2
SIGMOID_X = logit(SIGMOID_P)

Probability = Annotated[float, Field(ge=0, le=1)]


class MonotoneMap(BaseModel):
    """A non-decreasing piecewise linear map, constant outside its knots. Callable on scores of any shape.

    Example:
        >>> MonotoneMap(kind="isotonic", x=(0, 1), y=(0.2, 0.8), num_rows=9)([-5, 0.5])  # array([0.2, 0.5])
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["isotonic", "platt", "shrunk"]
    """`shrunk` is a language's own map mixed with the pooled one."""
    x: tuple[float, ...] = Field(min_length=1)
    """Scores of the knots, strictly increasing."""
    y: tuple[Probability, ...]
    """P(correct) at the knots, non-decreasing."""
    num_rows: int = Field(ge=1)
    """Rows it was fitted on; of a shrunk map, the language's own."""

    @model_validator(mode="after")
    def _is_monotone(self) -> "MonotoneMap":
        if len(self.x) != len(self.y):
            raise ValueError(f"{len(self.x)} knots x, but {len(self.y)} values y")
        if np.any(np.diff(self.x) <= 0) or np.any(np.diff(self.y) < 0):
            raise ValueError("knots x must increase, and values y must not decrease")
        return self

    def __call__(self, scores: ArrayLike) -> FloatArray:
        """P(correct), 0 to 1, in the shape of `scores`; NaN stays NaN."""
        return np.asarray(np.interp(np.asarray(scores, dtype=float), self.x, self.y))


class LanguageMaps(BaseModel):
    """A map for each language of the fit and the pooled one for all others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pooled: MonotoneMap
    languages: dict[str, MonotoneMap]

    def __call__(self, scores: ArrayLike, langs: Sequence[str]) -> FloatArray:
        """P(correct) of N scores in their languages, (N,)."""
        values, codes = np.asarray(scores, dtype=float), np.asarray(langs)
        result = self.pooled(values)
        for lang, own in self.languages.items():
            result[codes == lang] = own(values[codes == lang])
        return result


def fit_isotonic(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> MonotoneMap:
    """Least-squares isotonic regression (scikit-learn's; Zadrozny and Elkan 2002): its knots are kept as they are.

    Args:
        scores: (N,) finite, at least one.
        labels: (N,) bool.
        weights: (N,) positive; None for equal ones.

    Raises:
        ValueError: No rows, a score that is not finite, or lengths that differ.
    """
    values, targets = _checked(scores, labels)
    regression = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    regression.fit(values, targets, sample_weight=weights)
    return MonotoneMap(
        kind="isotonic",
        x=tuple(regression.X_thresholds_.tolist()),
        y=tuple(regression.y_thresholds_.tolist()),
        num_rows=len(values),
    )


def fit_platt(scores: ArrayLike, labels: ArrayLike) -> MonotoneMap:
    """Platt's sigmoid σ(a·s + b), a ≥ 0, on his smoothed targets (Platt 1999, section 2.2), within 1e-4 by knots.

    Raises:
        ValueError: As `fit_isotonic`.
    """
    values, targets = _checked(scores, labels)
    right, wrong = targets.sum(), (1 - targets).sum()
    smoothed = np.where(targets == 1, (right + 1) / (right + 2), 1 / (wrong + 2))
    centre, spread = values.mean(), values.std()
    standard = (values - centre) / (spread or 1.0)
    slope, intercept = fit_logistic(standard[:, None], smoothed, l2=0.0)
    if not spread or slope[0] < 1e-6:  # the scores tell nothing
        return MonotoneMap(kind="platt", x=(centre,), y=(smoothed.mean(),), num_rows=len(values))
    x = centre + spread * (SIGMOID_X - intercept) / slope[0]
    return MonotoneMap(kind="platt", x=tuple(x.tolist()), y=tuple(SIGMOID_P.tolist()), num_rows=len(values))


def fit_maps(
    scores: ArrayLike,
    labels: ArrayLike,
    langs: Sequence[str],
    groups: Sequence[str],
    *,
    min_rows: int,
    shrinkage: float,
) -> LanguageMaps:
    """A pooled map and one a language: P = (n · P_own + K · P_pooled) / (n + K), K = `shrinkage` (ours).

    P_own and P_pooled are isotonic from `min_rows` rows on, Platt's below. Isotonic blocks are smoothed, so that none
    says 0 or 1: a block of k rows with share y becomes (k·y + p)/(k + 1), p the pooled share of right rows; where
    that breaks the order, neighbours are pooled again (ours). n is the number of the language's *problems*: responses
    to one problem are right or wrong together, so they count once.

    Args:
        scores: (N,) finite; out of fold where they were fitted on the same labels.
        labels: (N,) bool.
        langs, groups: N each.
        min_rows: At least 1. Steps make ties, and a language of 125 rows with 8 wrong ones has few to step on: 2000 did
            better than 100 on simulated rollouts (tests/calibration/simulation.py).
        shrinkage: At least 0, in problems; there 30 to 125 did alike, 0 and 300 worse.

    Raises:
        ValueError: As `fit_isotonic`.
    """
    values, targets = _checked(scores, labels)
    codes, problems = np.asarray(langs), np.asarray(groups)
    base_rate = targets.mean()

    def fit(rows: NDArray[np.bool_]) -> MonotoneMap:
        own = values[rows], targets[rows]
        return fit_platt(*own) if rows.sum() < min_rows else _fit_smoothed(*own, base_rate)

    pooled = fit(np.full(len(values), True))
    languages = {
        lang: _mixed(fit(codes == lang), len(np.unique(problems[codes == lang])), pooled, shrinkage)
        for lang in np.unique(codes).tolist()
    }
    return LanguageMaps(pooled=pooled, languages=languages)


def _fit_smoothed(scores: FloatArray, targets: FloatArray, base_rate: float) -> MonotoneMap:
    """Isotonic with no block at 0 or 1; see `fit_maps`."""
    raw = fit_isotonic(scores, targets)
    blocks, sizes = np.unique(raw(scores), return_counts=True)
    smoothed = (sizes * blocks + base_rate) / (sizes + 1)
    ordered = IsotonicRegression().fit_transform(np.arange(len(blocks)), smoothed, sample_weight=sizes + 1)
    y = ordered[np.searchsorted(blocks, raw.y)]
    return MonotoneMap(kind="isotonic", x=raw.x, y=tuple(y.tolist()), num_rows=len(scores))


def _mixed(own: MonotoneMap, num_problems: int, pooled: MonotoneMap, shrinkage: float) -> MonotoneMap:
    """Both are piecewise linear, so their mixture on all knots is exact."""
    x = np.union1d(own.x, pooled.x)
    y = (num_problems * own(x) + shrinkage * pooled(x)) / (num_problems + shrinkage)
    y = np.maximum.accumulate(np.clip(y, 0, 1))  # rounding
    return MonotoneMap(kind="shrunk", x=tuple(x.tolist()), y=tuple(y.tolist()), num_rows=own.num_rows)


def _checked(scores: ArrayLike, labels: ArrayLike) -> tuple[FloatArray, FloatArray]:
    values, targets = np.asarray(scores, dtype=float), np.asarray(labels, dtype=float)
    if len(values) == 0 or len(values) != len(targets):
        raise ValueError(f"{len(values)} scores and {len(targets)} labels; need as many of both, and at least one")
    if not np.isfinite(values).all():
        raise ValueError("a score is not finite; leave out rows that could not be scored")
    return values, targets
