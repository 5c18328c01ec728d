"""The hybrid's fit on made-up responses: what each row's score has seen, and what the weights are worth."""

from dataclasses import replace

import numpy as np
import pytest

from components.comparison.compare import CALIBRATED, CALIBRATED_HIDDEN, _fits
from components.comparison.fit import FitSettings, cross_map, fit_hybrid
from components.comparison.scored import column
from tests.comparison.made_up import LANGS, scored_rows

TERMS = ("answer", "steps", "numbers", "repetition")
SETTINGS = FitSettings()
ROWS, RIGHT = scored_rows(num_problems=40, num_samples=2)
GROUPS = np.array([row.problem_id for row in ROWS])


def test_a_questions_own_labels_shape_neither_its_weights_nor_its_maps():
    """Whatever is said of a question's own rows, their scores stay the same; those of other questions do not."""
    before = fit_hybrid(ROWS, RIGHT, TERMS, SETTINGS).probability
    own = GROUPS == "p7"
    after = fit_hybrid(ROWS, np.where(own, ~RIGHT, RIGHT), TERMS, SETTINGS).probability
    np.testing.assert_array_equal(after[own], before[own])
    assert not np.allclose(after[~own], before[~own])


def test_cross_mapped_scores_ignore_their_own_labels():
    scores, langs = column(ROWS, "numbers"), [row.lang for row in ROWS]
    own = GROUPS == "p3"
    before = cross_map(scores, RIGHT, langs, GROUPS.tolist(), SETTINGS)
    after = cross_map(scores, np.where(own, ~RIGHT, RIGHT), langs, GROUPS.tolist(), SETTINGS)
    np.testing.assert_allclose(after[own], before[own])
    assert not np.allclose(after[~own], before[~own])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noise_weighs_about_nothing_and_meaning_something_where_the_pivot_errs(seed):
    rows, right = scored_rows(wrong_references=0.2, seed=seed)
    found = fit_hybrid(rows, right, TERMS, SETTINGS).weights
    weight = dict(zip(TERMS, found.weights, strict=True))
    assert weight["answer"] > 1
    assert weight["steps"] > 0.5
    assert weight["numbers"] < 0.2
    assert weight["repetition"] < 0.2


def test_the_fit_beats_the_answer_alone_where_the_pivot_errs():
    rows, right = scored_rows(num_samples=2, wrong_references=0.3, share_in_language=1)
    own, alone = (fit_hybrid(rows, right, names, SETTINGS) for names in (TERMS, TERMS[:1]))
    assert np.mean((own.probability - right) ** 2) < np.mean((alone.probability - right) ** 2) - 0.005


def test_both_hybrids_are_fitted_and_rows_without_a_label_have_no_score():
    labels = [None if i % 3 == 0 else bool(label) for i, label in enumerate(RIGHT)]
    fits, why_not = _fits(ROWS, labels, SETTINGS)
    assert why_not is None
    assert set(fits) == {CALIBRATED, CALIBRATED_HIDDEN}
    assert fits[CALIBRATED][0].weights.names == TERMS
    assert fits[CALIBRATED_HIDDEN][0].weights.names == TERMS[1:]
    for _, probability in fits.values():
        np.testing.assert_array_equal(np.isnan(probability), [label is None for label in labels])


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        (None, "one reference a problem, and no label that is independent of it"),
        ([None] * len(ROWS), "no response has a label"),
        ([True] * len(ROWS), "not identifiable: "),
        ([i % 2 == 0 if i < 8 else None for i in range(len(ROWS))], "not identifiable: 5 folds of 1 groups"),
    ],
    ids=["no labels", "none known", "one value", "too few questions"],
)
def test_where_no_weights_can_be_told_there_are_none(labels, why):
    fits, why_not = _fits(ROWS, labels, SETTINGS)
    assert fits == {}
    assert why in why_not


def test_a_term_that_is_missing_in_a_language_leaves_its_scores_finite():
    own = fit_hybrid(ROWS, RIGHT, TERMS, SETTINGS)
    sw = np.array([row.lang == "sw" for row in ROWS])
    assert set(LANGS) >= {"sw"}
    assert np.isfinite(own.probability[sw]).all()
    silent = [replace(row, terms={**row.terms, "steps": None}) for row in ROWS]
    assert fit_hybrid(silent, RIGHT, TERMS, SETTINGS).weights.weights[1] == 0
