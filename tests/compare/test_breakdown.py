"""Accuracy by language and by families seen and unseen, against numbers counted by hand."""

from components.compare.breakdown import as_table, breakdown
from components.contracts import Prediction


def prediction(number, lang, correct, unseen=False):
    return Prediction(
        system="trained", problem_id=f"p{number}", lang=lang, family="f", unseen_family=unseen, trained_lang=True,
        response="5", num_tokens=3, truncated=False, answer_read="5", answer_path="phrase", correct=correct,
        language_share=0.9,
    )  # fmt: skip


def seed(seen, unseen):
    """Right or wrong in Spanish, in a seen and in an unseen family; in English all is right."""
    return [
        prediction(0, "es", seen), prediction(1, "es", unseen, unseen=True), prediction(2, "es", None, unseen=True),
        prediction(0, "en", True), prediction(1, "en", True, unseen=True),
    ]  # fmt: skip


def test_families_seen_and_unseen_are_told_apart_without_the_pivots_language():
    told = breakdown({"a": [seed(True, False)], "b": [seed(False, True)]})
    assert told["a"] == {"es": 0.5, "en": 1, "seen families": 1, "unseen families": 0}
    assert told["b"] == {"es": 0.5, "en": 1, "seen families": 0, "unseen families": 1}
    assert as_table(told)[2:] == ["| a | 50.0 | 100.0 | 100.0 | 0.0 |", "| b | 50.0 | 100.0 | 0.0 | 100.0 |"]


def test_a_part_is_the_mean_over_the_seeds():
    told = breakdown({"a": [seed(True, False), seed(True, True)]})
    assert told["a"] == {"es": 0.75, "en": 1, "seen families": 1, "unseen families": 0.5}


def test_a_part_without_gold_is_none():
    rows = [prediction(0, "es", True), prediction(1, "sw", None, unseen=True)]
    assert breakdown({"a": [rows]}) == {"a": {"es": 1, "seen families": 1}}
