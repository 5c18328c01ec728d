"""The numbers about references, against a case counted by hand."""

import json

import pytest

from components.reference.quality import quality
from components.reference.vote import Pivot, vote
from tests.reference.made_up import question, rules, said

# gold, split, family, steps; samples of half A; samples of half B
PROBLEMS = [
    ("12", "train", "easy", 1, ["12", "12"], ["12", "13"]),  # kept, right; label right
    ("12", "train", "easy", 1, ["13", "13"], ["12", "12"]),  # kept, wrong; label right
    ("12", "train", "hard", 3, ["12", "13"], ["14", "14"]),  # low agreement, right; label wrong
    ("12", "validation", "hard", 3, ["no idea", "1 + 1 = 12"], ["no idea", "no idea"]),  # no answer, no label
    (None, "calibration", "own", None, ["7", "7"], ["8", "8"]),  # kept, unknown
]


def numbers(problems=PROBLEMS, keep_only_gold=False):
    questions, references, samples = [], [], []
    decided = rules(min_agreement=0.6, keep_only_gold=keep_only_gold)
    for i, (gold, split, family, steps, of_a, of_b) in enumerate(problems):
        asked = question(i, gold, split, family=family, num_steps=steps)
        own = [said(text, 2 * n, asked=asked) for n, text in enumerate(of_a)]
        own += [said(text, 2 * n + 1, thought="hm", asked=asked) for n, text in enumerate(of_b)]
        questions.append(asked)
        samples += own
        references.append(vote(asked, own, decided, Pivot("gemma", False)))
    return quality(questions, references, samples, decided)


def test_shares_and_counts():
    metrics = numbers()
    expected = {
        "num_references": 5, "num_kept": 3, "kept_share": 3 / 5, "num_with_gold": 4, "num_kept_with_gold": 2,
        "num_correct": 2, "num_kept_correct": 1, "correct_share": 2 / 4, "kept_correct_share": 1 / 2,
        "agreement_mean": (1 + 1 + 0.5 + 0 + 1) / 5,
        "num_tokens": 100, "dropped": {"low agreement": 1, "no sample that may vote": 1},
        "num_steps_mean": {"before": 8 / 4, "after": 2 / 2},
    }  # fmt: skip
    assert {key: metrics[key] for key in expected} == expected
    assert metrics["samples"] == {
        "num": 20, "num_truncated": 0, "num_unreadable": 3, "num_false_equations": 1, "num_thoughts": 10,
        "num_voters": 16, "correct_share": 7 / 16, "voters_correct_share": 6 / 12,
    }  # fmt: skip
    assert metrics["label"] == {
        "num_labels": 4, "same_as_reference_share": 1 / 4, "correct_share": 2 / 3, "kept_correct_share": 2 / 2,
    }  # fmt: skip
    json.dumps(metrics, allow_nan=False)


def test_groups():
    metrics = numbers()
    by_split, by_family, by_steps = metrics["by_split"], metrics["by_family"], metrics["by_num_steps"]
    assert {name: group["num_references"] for name, group in by_split.items()} == {
        "calibration": 1, "train": 3, "validation": 1,
    }  # fmt: skip
    assert (by_split["train"]["kept_correct_share"], by_split["train"]["num_kept_with_gold"]) == (1 / 2, 2)
    assert (by_split["calibration"]["correct_share"], by_split["calibration"]["kept_correct_share"]) == (None, None)
    assert (by_family["easy"]["correct_share"], by_family["hard"]["kept_correct_share"]) == (1 / 2, None)
    assert {name: (group["share_before"], group["share_after"]) for name, group in by_steps.items()} == {
        "1": (2 / 5, 2 / 3), "3": (2 / 5, 0), "unknown": (1 / 5, 1 / 3),
    }  # fmt: skip


def test_keeping_only_gold_drops_the_wrong_ones_and_keeps_the_unknown():
    metrics = numbers(keep_only_gold=True)
    assert metrics["dropped"] == {"low agreement": 1, "no sample that may vote": 1, "other than the gold": 1}
    assert (metrics["num_kept"], metrics["kept_correct_share"]) == (2, 1)


def test_nothing_kept_and_nothing_known_are_no_zeros():
    metrics = numbers([(None, "train", "own", None, ["no idea"], ["no idea"])])
    assert (metrics["correct_share"], metrics["kept_correct_share"]) == (None, None)
    assert metrics["num_steps_mean"] == {"before": None, "after": None}
    assert metrics["label"]["same_as_reference_share"] is None
    assert metrics["by_num_steps"]["unknown"]["share_after"] is None
    assert metrics["kept_share"] == pytest.approx(0)
