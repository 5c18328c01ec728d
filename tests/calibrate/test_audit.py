"""AUC against counting pairs, and what the audit tells by language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.calibrate.audit import REWARDS, auc, audit
from components.contracts import ScoredResponse


def counted(scores, correct):
    """The share of (right, wrong) pairs in which the right one scores higher; ties are half a pair."""
    rows = [(score, label) for score, label in zip(scores, correct, strict=True) if score is not None]
    right, wrong = [s for s, label in rows if label], [s for s, label in rows if not label]
    if not right or not wrong:
        return None
    return sum((a > b) + (a == b) / 2 for a in right for b in wrong) / (len(right) * len(wrong))


score = st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0, 1)


@given(st.lists(st.tuples(score, st.none() | st.booleans()), max_size=12))
def test_auc_is_a_count_of_pairs_and_leaves_out_rows_without_gold(rows):
    scores, correct = [s for s, _ in rows], [c for _, c in rows]
    graded = [(s, c) for s, c in rows if c is not None]
    expected = counted([s for s, _ in graded], [c for _, c in graded])
    assert auc(scores, correct) == (None if expected is None else pytest.approx(expected))


def test_auc_by_hand():
    assert auc([0.9, 0.8, 0.3, 0.1], [True, False, True, False]) == 0.75
    assert auc([0.5, 0.5], [True, False]) == 0.5
    assert auc([0.1, 0.9], [True, False]) == 0
    assert auc([0.1, None, 0.9], [True, False, True]) is None
    assert auc([], []) is None


def row(lang, correct, hybrid, *, truncated=False, answer=1.0):
    return ScoredResponse(
        problem_id="p", lang=lang, sample=0, response="", truncated=truncated, answer_read=None, answer_path="none",
        correct=correct, answer=answer, embedding=hybrid, language=0.5, hybrid=hybrid,
    )  # fmt: skip


ROWS = [
    row("es", True, 0.9), row("es", False, 0.1, truncated=True), row("es", False, None, answer=None),
    row("sw", True, 0.2), row("sw", False, 0.4), row("sw", True, 0.6),
    row("te", False, 0.3), row("te", False, 0.8),
]  # fmt: skip


def test_each_language_is_told_apart():
    told = audit(ROWS, frozenset(["es", "en"]))["languages"]
    assert list(told) == ["es", "sw", "te"]
    es = told["es"]
    assert (es["num_responses"], es["unscored"]) == (3, 1)
    assert es["accuracy"] == es["truncated_share"] == pytest.approx(1 / 3)
    assert (es["auc"]["hybrid"], told["sw"]["auc"]["hybrid"], told["te"]["auc"]["hybrid"]) == (1, 0.5, None)
    assert es["mean"] == {"answer": 1, "embedding": 0.5, "language": 0.5, "hybrid": 0.5}
    assert [entry["encoder_declares"] for entry in told.values()] == [True, False, False]


def test_rows_without_gold_are_counted_and_count_in_no_accuracy():
    mixed = audit([*ROWS, row("es", None, 0.05), row("ru", None, 0.7), row("ru", None, 0.1)], None)
    es, ru = mixed["languages"]["es"], mixed["languages"]["ru"]
    assert (es["num_responses"], es["num_without_gold"]) == (4, 1)
    assert (es["accuracy"], es["auc"]["hybrid"]) == (pytest.approx(1 / 3), 1)
    assert (ru["num_responses"], ru["num_without_gold"], ru["accuracy"]) == (2, 2, None)
    assert ru["auc"] == dict.fromkeys(REWARDS)
    assert ru["mean"]["hybrid"] == pytest.approx(0.4)
    assert mixed["auc_macro"] == audit(ROWS, None)["auc_macro"]


def test_the_macro_weighs_languages_alike_and_leaves_out_those_without():
    assert audit(ROWS, None)["auc_macro"] == {"answer": 0.5, "embedding": 0.75, "language": 0.5, "hybrid": 0.75}
    nothing = audit([row("te", False, 0.3)], None)
    assert nothing["auc_macro"] == dict.fromkeys(REWARDS)
    assert audit([], None) == {"auc_macro": dict.fromkeys(REWARDS), "languages": {}}


def test_an_encoder_that_declares_nothing_is_not_marked():
    assert all(entry["encoder_declares"] for entry in audit(ROWS, None)["languages"].values())
