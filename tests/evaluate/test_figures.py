"""Accuracies and shares of judged responses, against numbers counted by hand."""

from dataclasses import dataclass

import pytest

from components.evaluate.figures import accuracies, shares


@dataclass(frozen=True)
class Row:
    correct: bool | None
    language_share: float | None = 1.0
    answer_read: str | None = "1"
    truncated: bool = False


@pytest.mark.parametrize(
    ("language_share", "joint"), [(1.0, 1.0), (0.5, 1.0), (0.49, 0.0), (0.0, 0.0), (None, 1.0)], ids=str
)
def test_a_right_answer_counts_as_joint_from_half_of_its_words_on(language_share, joint):
    assert accuracies([Row(True, language_share)]) == {"accuracy": 1.0, "joint_accuracy": joint}


def test_a_wrong_answer_is_never_joint_and_one_without_gold_counts_nowhere():
    rows = [Row(True), Row(True, 0.2), Row(False), Row(False), Row(None)]
    assert accuracies(rows) == {"accuracy": 0.5, "joint_accuracy": 0.25}
    assert accuracies([Row(None)]) == {"accuracy": None, "joint_accuracy": None}


def test_shares_are_of_all_rows_and_language_of_those_that_have_one():
    rows = [Row(True, 0.5, truncated=True), Row(None, 1.0, answer_read=None), Row(False, None), Row(True, 0.0)]
    assert shares(rows) == {"truncated_share": 0.25, "unparsed_share": 0.25, "language_share": 0.5}
    assert shares([Row(True, None)])["language_share"] is None
