"""Measures against scikit-learn, hand-worked cases (measures.json) and plain resampling."""

import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, t
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as their_log_loss

from components.calibration import measures
from components.calibration.measures import (
    auc,
    auc_interval,
    brier,
    expected_calibration_error,
    log_loss,
    reliability,
    summary,
    two_level,
)
from tests.processes import cpu_seconds

CASES = json.loads((Path(__file__).parent / "measures.json").read_text(encoding="utf-8"))
probability = st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0, 1)
rows = st.lists(st.tuples(probability, st.booleans()), min_size=1, max_size=40)


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_by_hand(case):
    said, labels = case["probabilities"], case["labels"]
    bins = [tuple(part.values()) for part in reliability(said, labels, case["num_bins"])]
    assert bins == [pytest.approx(tuple(part)) for part in case["bins"]]
    for measured, expected in (
        (expected_calibration_error(said, labels, case["num_bins"]), case["ece"]),
        (brier(said, labels), case["brier"]),
    ):
        assert measured == (None if expected is None else pytest.approx(expected))


@given(rows)
def test_brier_and_log_loss_are_scikit_learns(drawn):
    said, labels = map(np.array, zip(*drawn, strict=True))
    assert brier(said, labels) == pytest.approx(brier_score_loss(labels, said))
    clipped = np.clip(said, 1e-6, 1 - 1e-6)
    assert log_loss(said, labels) == pytest.approx(their_log_loss(labels, clipped, labels=[False, True]))


@given(rows, st.integers(1, 12), st.randoms())
def test_bins_hold_every_row_once_in_order_and_whatever_the_order_of_rows(drawn, num_bins, random):
    said, labels = zip(*drawn, strict=True)
    bins = reliability(said, labels, num_bins)
    assert len(bins) <= num_bins
    assert sum(part["n"] for part in bins) == len(said)
    assert all(low["high"] < high["low"] for low, high in pairwise(bins))
    random.shuffle(drawn)
    again = reliability(*zip(*drawn, strict=True), num_bins)
    assert [list(part.values()) for part in again] == [pytest.approx(list(part.values())) for part in bins]


def test_bins_without_ties_have_equal_mass():
    random = np.random.default_rng(0)
    assert {part["n"] for part in reliability(random.random(1000), random.random(1000) < 0.5, 10)} == {100}


def test_auc_counts_ties_half_and_has_no_value_for_one_kind():
    assert auc([0.9, 0.8, 0.3, 0.1, None], [True, False, True, False, True]) == 0.75
    assert auc([0.5, 0.5], [True, False]) == 0.5
    assert auc([0.1, None, 0.9], [True, False, True]) is None
    assert auc_interval([0.1, 0.9], [True, True], ["a", "b"], num_resamples=9, confidence=0.9, seed=0) is None


@given(st.lists(st.tuples(probability, st.booleans(), st.integers(0, 6)), min_size=4, max_size=30), st.integers(0, 99))
@settings(max_examples=15)
def test_the_interval_is_that_of_resampled_problems(drawn, seed):
    """Each resample spelt out: rows repeated as often as their problem was drawn, then scikit-learn's AUC."""
    scores, labels, problems = map(np.array, zip(*drawn, strict=True))
    names = problems.astype(str).tolist()
    interval = auc_interval(scores, labels, names, num_resamples=40, confidence=0.8, seed=seed)
    if len(set(labels.tolist())) == 1:
        assert interval is None
        return
    unique, group = np.unique(names, return_inverse=True)
    draws = np.random.default_rng(seed).multinomial(len(unique), [1 / len(unique)] * len(unique), 40)
    copies = [np.repeat(np.arange(len(scores)), counts[group]) for counts in draws]
    aucs = [roc_auc_score(labels[rows], scores[rows]) for rows in copies if len(set(labels[rows].tolist())) == 2]
    if not aucs:
        assert interval is None
        return
    assert interval.mean == pytest.approx(roc_auc_score(labels, scores))
    tail = 0.1 if len(unique) == 1 else norm.cdf((len(unique) / (len(unique) - 1)) ** 0.5 * t.ppf(0.1, len(unique) - 1))
    assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(aucs, [tail, 1 - tail])))


def test_the_interval_of_an_evaluation_takes_seconds_at_most_and_needs_no_particular_chunk(monkeypatch):
    random = np.random.default_rng(0)
    labels = random.random(2250) < 0.8
    scores, groups = labels + random.normal(size=2250), [str(n % 250) for n in range(2250)]
    options = {"num_resamples": 1000, "confidence": 0.95, "seed": 0}
    assert cpu_seconds(lambda: auc_interval(scores, labels, groups, **options)) < 5
    interval = auc_interval(scores, labels, groups, **options)
    assert interval.low < interval.mean < interval.high
    monkeypatch.setattr(measures, "RESAMPLES_AT_ONCE", 333)
    assert auc_interval(scores, labels, groups, **options) == interval


def test_rows_of_one_problem_are_one_observation():
    """Copies of every row inside its problem add no evidence; as problems of their own they would."""
    random = np.random.default_rng(1)
    labels = random.random(60) < 0.5
    scores, groups = labels + random.normal(size=60), np.arange(60).astype(str)
    options = {"num_resamples": 300, "confidence": 0.9, "seed": 0}
    once = auc_interval(scores, labels, groups.tolist(), **options)
    copied = auc_interval(np.repeat(scores, 9), np.repeat(labels, 9), np.repeat(groups, 9).tolist(), **options)
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))
    apart = [str(n) for n in range(540)]
    independent = auc_interval(np.repeat(scores, 9), np.repeat(labels, 9), apart, **options)
    assert independent.high - independent.low < (once.high - once.low) / 2


def test_two_levels_by_hand():
    answer, labels = [1, 1, 0, 0, 1, None], [True, True, False, True, False, True]
    langs = ["es", "es", "es", "es", "sw", "es"]
    said = two_level(answer, labels, langs, [1, 0, 1, 1, None, None], ["es", "es", "sw", "xx", "es", "xx"])
    base = 4 / 6
    match, differs, absent = (2 + base) / 4, (1 + base) / 3, (1 + base) / 2
    assert said == pytest.approx([(2 + match) / 3, (1 + differs) / 3, (0 + match) / 2, match, (1 + absent) / 2, absent])
    with pytest.raises(ValueError, match="no labelled rows"):
        two_level([1], [None], ["es"], [1], ["es"])


def test_a_summary_is_the_measures_pooled_and_by_language():
    said = [0.9, 0.2, 0.7, None, 0.4, 0.8]
    labels = [True, False, False, True, None, True]
    langs, groups = ["es", "es", "es", "es", "sw", "sw"], list("abcdab")
    options = {"num_bins": 10, "num_resamples": 50, "confidence": 0.9, "seed": 0}
    told = summary(said, labels, langs, groups, probabilities=True, **options)
    assert set(told) == {"pooled", "languages", "auc_macro"}
    es, sw = told["languages"]["es"], told["languages"]["sw"]
    assert (es["n"], es["accuracy"], es["auc"]) == (3, pytest.approx(1 / 3), 1.0)
    assert es["brier"] == brier(said[:4], labels[:4])
    assert (sw["n"], sw["accuracy"], sw["auc"], sw["auc_low"], sw["auc_high"]) == (1, 1.0, None, None, None)
    assert told["pooled"]["log_loss"] == log_loss(said, labels)
    assert told["auc_macro"] == 1.0
    assert all(value is None or math.isfinite(value) for value in [*es.values(), *sw.values()])
    raw = summary(said, labels, langs, groups, probabilities=False, **options)
    assert {raw["pooled"][name] for name in ("ece", "brier", "log_loss")} == {None}
    assert raw["pooled"]["auc"] == told["pooled"]["auc"]
    json.dumps(told, allow_nan=False)
