"""Weights against scikit-learn, what they must find, and that no response is scored by a fit that saw its question."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from components.calibration import weights as weights_module
from components.calibration.logistic import fit_logistic
from components.calibration.weights import MAX_STANDARD, FittedWeights, cross_fit, fit_weights
from tests.calibration.simulation import NAMES, simulate


def test_weights_are_those_of_scikit_learn_where_all_are_positive():
    random = np.random.default_rng(0)
    terms = random.uniform(-1, 1, (600, 3)) * [1, 10, 0.1] + [5, 0, 1]
    standard = (terms - terms.mean(axis=0)) / terms.std(axis=0)
    labels = random.random(600) < expit(standard @ [1.0, 0.5, 2.0] - 0.7)
    ours = fit_weights(terms, labels, [str(n) for n in range(600)], ["es"] * 600, "abc", l2=3.0)
    theirs = LogisticRegression(C=1 / 3.0, tol=1e-10).fit(standard, labels)
    assert ours.weights == pytest.approx(theirs.coef_[0], abs=1e-4)
    assert ours.intercept == pytest.approx(theirs.intercept_[0], abs=1e-4)
    assert ours.index(terms, ["es"] * 600) == pytest.approx(theirs.decision_function(standard), abs=1e-3)


@given(st.integers(0, 10_000), st.sampled_from([0.1, 1.0, 10.0]))
@settings(max_examples=30)
def test_the_optimum_satisfies_the_conditions_of_karush_kuhn_and_tucker(seed, l2):
    random = np.random.default_rng(seed)
    columns, targets = random.normal(size=(80, 4)), (random.random(80) < 0.6).astype(float)
    slopes, intercept = fit_logistic(columns, targets, l2)
    surplus = expit(columns @ slopes + intercept) - targets
    gradient = columns.T @ surplus + l2 * slopes
    assert abs(surplus.sum()) < 1e-3
    assert np.abs(gradient[slopes > 0]).max(initial=0) < 1e-3
    assert gradient[slopes == 0].min(initial=0) > -1e-3


@pytest.mark.parametrize("seed", range(3))
def test_an_informative_term_is_found_and_a_useless_one_is_not_where_a_fifth_of_the_references_is_wrong(seed):
    """Half A judges, half B labels; the two and the responses err independently, each with wrong answers of its own."""
    random = np.random.default_rng(seed)
    num_questions, num_responses = 250, 8

    def answers(right):
        return np.where(right, 0, random.integers(1, 10, right.shape))  # 0 is the true answer

    half_a, half_b = (answers(random.random((num_questions, 1)) < accuracy) for accuracy in (0.8, 0.9))
    correct = random.random((num_questions, num_responses)) < 0.6
    said = answers(correct)
    semantic = 0.7 + 0.05 * (0.8 * correct + random.normal(size=correct.shape))
    useless = 0.7 + 0.05 * random.normal(size=correct.shape)
    terms = np.stack([(said == half_a).astype(float), semantic, useless], axis=-1).reshape(-1, 3)
    groups = np.repeat(np.arange(num_questions), num_responses).astype(str).tolist()
    fitted = fit_weights(terms, (said == half_b).ravel(), groups, ["es"] * len(terms), ["a", "s", "u"], l2=1.0)
    answer, informative, random_term = fitted.weights
    assert answer > 1
    assert informative > 0.3
    assert random_term < 0.1


@given(st.integers(0, 10_000), st.integers(2, 4), st.integers(0, 5))
@settings(max_examples=25)
def test_no_fit_sees_the_questions_that_it_scores(seed, num_folds, fold_seed):
    rollouts = simulate(seed, 12)
    saw, scored = [], []
    own_group = dict(zip(rollouts.terms[:, 1].tolist(), rollouts.groups.tolist(), strict=True))
    real_index = FittedWeights.index

    def fit(terms, labels, groups, *rest, **options):
        saw.append(set(groups))
        return fit_weights(terms, labels, groups, *rest, **options)

    def index(self, terms, langs):
        scored.append({own_group[value] for value in terms[:, 1].tolist()})
        return real_index(self, terms, langs)

    with patch.object(weights_module, "fit_weights", fit), patch.object(FittedWeights, "index", index):
        try:
            cross_fit(*rollouts, NAMES, num_folds=num_folds, seed=fold_seed, l2=1.0)
        except ValueError as error:  # of 12 questions, all right in the folds that fit: there is no fit to look at
            assume("all labels are the same" not in str(error))
            raise
    assert len(saw) == len(scored) == num_folds
    assert all(not seen & held and seen | held == set(rollouts.groups) for seen, held in zip(saw, scored, strict=True))
    assert set.union(*scored) == set(rollouts.groups)


def test_a_questions_own_labels_do_not_move_its_index_and_the_seed_decides_the_folds():
    rollouts = simulate(0, 30)
    options = {"num_folds": 5, "seed": 3, "l2": 1.0}
    before = cross_fit(*rollouts, NAMES, **options)
    assert (before == cross_fit(*rollouts, NAMES, **options)).all()
    assert (before != cross_fit(*rollouts, NAMES, **(options | {"seed": 4}))).any()
    own = rollouts.groups == "q7"
    after = cross_fit(*rollouts._replace(labels=rollouts.labels ^ own), NAMES, **options)
    assert (after[own] == before[own]).all()
    assert (after[~own] != before[~own]).any()


@given(st.integers(0, 3), st.sampled_from(["es", "sw", "xx"]), st.integers(0, 50), st.floats(0, 100))
def test_the_index_never_falls_where_a_term_rises(random, term, lang, row, rise):
    rollouts, fitted = random
    terms = np.repeat(rollouts.terms[[row]], 2, axis=0)
    terms[1, term] += rise
    low, high = fitted.index(terms, [lang] * 2)
    assert high >= low


@pytest.mark.parametrize("sign", [1, -1])
def test_an_outlier_counts_as_the_most_that_a_term_may(random, sign):
    _, fitted = random
    scaling = fitted.languages["es"]
    terms = np.tile(np.array(scaling.location), (3, 1))
    terms[:, 1] += sign * scaling.scale[1] * np.array([100, MAX_STANDARD, MAX_STANDARD - 1])
    far, most, less = fitted.index(terms, ["es"] * 3)
    assert far == pytest.approx(most)
    assert sign * (most - less) == pytest.approx(fitted.weights[1])
    assert fitted.weights[1] > 0


def fit(rollouts, **options):
    return fit_weights(*rollouts, NAMES, **({"l2": 1.0} | options))


@pytest.fixture(scope="module")
def random():
    """Rollouts, and a fit of them."""
    rollouts = simulate(1, 40)
    return rollouts, fit(rollouts)


def test_a_step_stays_0_and_1_in_every_language_and_other_terms_are_standardised_in_each(random):
    rollouts, fitted = random
    for scaling in (fitted.pooled, *fitted.languages.values()):
        assert (scaling.location[0], scaling.scale[0]) == (0, 1)
    rows = rollouts.langs == "sw"
    own = rollouts.terms[rows, 1]
    assert fitted.languages["sw"].location[1] == pytest.approx(own.mean(), abs=0.03)  # leans on .6 by 2 rows in 42
    assert fitted.languages["sw"].location[1] > own.mean()
    assert fitted.pooled.location[1] == pytest.approx(rollouts.terms[:, 1].mean())


def test_a_missing_term_counts_as_its_languages_mean_and_is_counted():
    rollouts = simulate(2, 40)
    terms = rollouts.terms.copy()
    terms[::5, 1] = np.nan
    terms[::7, 0] = np.nan
    fitted = fit(rollouts._replace(terms=terms))
    assert fitted.num_missing == (len(terms[::7]), len(terms[::5]), 0, 0)
    scaling, rows = fitted.languages["es"], rollouts.langs == "es"
    mean = np.array(scaling.location) + np.array(scaling.fill) * np.array(scaling.scale)
    assert mean == pytest.approx(np.nanmean(terms[rows], axis=0), abs=0.03)
    gaps, filled = np.tile(terms[1], (2, 1)), np.tile(terms[1], (2, 1))
    gaps[[0, 1], [0, 1]], filled[[0, 1], [0, 1]] = np.nan, mean[:2]
    assert fitted.index(gaps, ["es"] * 2) == pytest.approx(fitted.index(filled, ["es"] * 2))
    assert np.isfinite(fitted.index(np.full((2, 4), np.nan), ["es", "xx"])).all()


def test_a_term_that_tells_nothing_weighs_nothing():
    rollouts = simulate(3, 40)
    terms = rollouts.terms.copy()
    terms[:, 1], terms[:, 2] = np.nan, 0.4
    fitted = fit(rollouts._replace(terms=terms))
    assert fitted.weights[1] == fitted.weights[2] == 0
    assert fitted.weights[0] > 1
    assert fitted.num_missing[1] == len(terms)


def test_json_gives_the_same_weights_back(random):
    _, fitted = random
    assert FittedWeights.model_validate_json(fitted.model_dump_json()) == fitted
    assert (fitted.num_rows, fitted.num_questions) == (360, 40)


def test_what_cannot_be_fitted_is_refused():
    rollouts = simulate(4, 10)
    with pytest.raises(ValueError, match="all labels are the same"):
        fit(rollouts._replace(labels=np.full(90, True)))
    with pytest.raises(ValueError, match="3 names"):
        fit_weights(*rollouts, NAMES[:3], l2=1.0)
    with pytest.raises(ValueError, match="11 folds of 10 groups"):
        cross_fit(*rollouts, NAMES, num_folds=11, seed=0, l2=1.0)
