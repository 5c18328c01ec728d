"""Maps against scikit-learn, and what every map must be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from components.calibration.maps import (
    SIGMOID_P,
    SIGMOID_X,
    LanguageMaps,
    MonotoneMap,
    fit_isotonic,
    fit_maps,
    fit_platt,
)

FAR = np.linspace(-50, 50, 401)
few = settings(max_examples=25)  # a fit is not free
score = st.integers(-40, 40).map(lambda tenths: tenths / 10)
rows = st.lists(
    st.tuples(score, st.booleans(), st.sampled_from(["es", "th"]), st.integers(0, 5)), min_size=1, max_size=40
)


def columns(drawn):
    scores, labels, langs, problems = zip(*drawn, strict=True)
    return np.array(scores), np.array(labels), list(langs), [f"q{problem}" for problem in problems]


@given(rows, st.booleans())
@few
def test_isotonic_is_scikit_learns_at_its_rows_and_between(drawn, weighted):
    scores, labels, _, _ = columns(drawn)
    weights = np.arange(1.0, len(scores) + 1) if weighted else None
    theirs = IsotonicRegression(out_of_bounds="clip").fit(scores, labels.astype(float), sample_weight=weights)
    ours = fit_isotonic(scores, labels, weights)
    for at in (scores, FAR):
        assert ours(at) == pytest.approx(np.clip(theirs.predict(at), 0, 1), abs=1e-12)


@given(rows, st.sampled_from([np.exp, np.arctan, lambda s: s**3 + s, lambda s: 100 * s - 7]))
@few
def test_isotonic_values_do_not_depend_on_the_scale_of_scores(drawn, increasing):
    scores, labels, _, _ = columns(drawn)
    moved = increasing(scores)
    assert fit_isotonic(moved, labels)(moved) == pytest.approx(fit_isotonic(scores, labels)(scores), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_platt_is_a_logistic_regression_on_platts_targets(seed):
    random = np.random.default_rng(seed)
    scores = random.normal(size=300) * 5 + 2
    labels = random.random(300) < expit(scores - 2)
    right, wrong = labels.sum(), (~labels).sum()
    targets = np.where(labels, (right + 1) / (right + 2), 1 / (wrong + 2))
    # a soft target is a row of each label, weighted
    theirs = LogisticRegression(C=np.inf, tol=1e-10).fit(
        np.tile(scores, 2)[:, None], np.repeat([1, 0], 300), sample_weight=np.concatenate([targets, 1 - targets])
    )
    assert fit_platt(scores, labels)(FAR) == pytest.approx(theirs.predict_proba(FAR[:, None])[:, 1], abs=3e-4)


def test_platt_never_slopes_down_and_smooths_what_is_all_right():
    downhill = fit_platt([1, 2, 3, 4], [True, True, False, False])
    assert downhill(FAR) == pytest.approx(np.full(len(FAR), 0.5))
    assert fit_platt([1, 2, 3], [True, True, True])([2])[0] == pytest.approx(4 / 5, abs=1e-4)
    assert fit_platt([7, 7, 7], [True, False, True])([7])[0] == pytest.approx((0.75 + 0.75 + 1 / 3) / 3)


@given(rows, st.integers(1, 50), st.sampled_from([0.0, 1.0, 30.0]))
@few
def test_maps_rise_within_0_and_1_and_are_never_certain(drawn, min_rows, shrinkage):
    scores, labels, langs, problems = columns(drawn)
    maps = fit_maps(scores, labels, langs, problems, min_rows=min_rows, shrinkage=shrinkage)
    for one in [maps.pooled, *maps.languages.values()]:
        values = one(FAR)
        assert np.all(np.diff(values) >= 0)
        assert values.min() >= 0
        assert values.max() <= 1
    if labels.any() and not labels.all():
        said = maps(scores, langs)
        assert said.min() > 0
        assert said.max() < 1
    assert LanguageMaps.model_validate_json(maps.model_dump_json()) == maps


@given(rows, st.integers(1, 50), st.sampled_from([1.0, 30.0]))
@few
def test_a_language_leans_on_the_pooled_map_by_its_problems(drawn, min_rows, shrinkage):
    scores, labels, langs, problems = columns(drawn)
    alone = fit_maps(scores, labels, langs, problems, min_rows=min_rows, shrinkage=0.0)
    maps = fit_maps(scores, labels, langs, problems, min_rows=min_rows, shrinkage=shrinkage)
    for lang in set(langs):
        n = len({problem for problem, code in zip(problems, langs, strict=True) if code == lang})
        expected = (n * alone.languages[lang](FAR) + shrinkage * maps.pooled(FAR)) / (n + shrinkage)
        assert maps(FAR, [lang] * len(FAR)) == pytest.approx(expected, abs=1e-12)
    assert maps(FAR, ["xx"] * len(FAR)) == pytest.approx(maps.pooled(FAR))


def test_a_smoothed_block_by_hand():
    # pooled share 1/2; blocks of two rows: (2·0 + 1/2) / 3 and (2·1 + 1/2) / 3
    maps = fit_maps([1, 2, 3, 4], [False, False, True, True], ["es"] * 4, list("abcd"), min_rows=4, shrinkage=0)
    assert maps([1, 2, 3, 4], ["es"] * 4) == pytest.approx([1 / 6, 1 / 6, 5 / 6, 5 / 6])
    assert maps.pooled.kind == "isotonic"


def test_smoothing_keeps_the_order_where_a_small_block_lies_above_a_large_one():
    scores = np.repeat([1.0, 2.0, 3.0], [400, 300, 1])
    labels = np.concatenate([np.zeros(400), np.arange(300) < 290, [1]]).astype(bool)
    maps = fit_maps(scores, labels, ["es"] * 701, [str(n) for n in range(701)], min_rows=1, shrinkage=0)
    low, middle, high = maps.pooled([1, 2, 3])
    assert low < middle == high < 1


def test_true_probabilities_come_back():
    random = np.random.default_rng(0)
    truth = random.random(6000)
    labels = random.random(6000) < truth
    grid = np.linspace(0.05, 0.95, 50)
    langs, problems = ["es", "th"] * 3000, [str(n) for n in range(6000)]
    isotonic = fit_maps(truth, labels, langs, problems, min_rows=1, shrinkage=100)
    platt = fit_maps(logit(truth), labels, langs, problems, min_rows=10_000, shrinkage=100)
    for lang in ("es", "th"):
        assert np.abs(isotonic(grid, [lang] * 50) - grid).mean() < 0.03
        assert np.abs(platt(logit(grid), [lang] * 50) - grid).max() < 0.03


@pytest.mark.parametrize(
    ("x", "y", "complaint"),
    [((1, 1), (0, 1), "must increase"), ((1, 2), (0.5, 0.4), "must not decrease"), ((1, 2), (0.5,), "2 knots x")],
)
def test_a_map_that_is_none_is_refused(x, y, complaint):
    with pytest.raises(ValidationError, match=complaint):
        MonotoneMap(kind="isotonic", x=x, y=y, num_rows=2)


@pytest.mark.parametrize(("scores", "labels"), [([], []), ([1.0, np.nan], [True, False]), ([1.0], [True, False])])
def test_rows_that_cannot_be_fitted_are_refused(scores, labels):
    for fit in (fit_isotonic, fit_platt):
        with pytest.raises(ValueError, match=r"not finite|as many of both"):
            fit(scores, labels)


def test_knots_hold_the_sigmoid_to_a_ten_thousandth():
    at = np.linspace(-40, 40, 100_001)
    assert np.abs(np.interp(at, SIGMOID_X, SIGMOID_P) - expit(at)).max() <= 1e-4
