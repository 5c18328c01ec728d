"""The section on the references, from numbers that the stage itself would write."""

import pytest

from components.report.document import Table, Text
from components.report.references import HEADER, reference_blocks
from tests.report.made_up_reference import reference_metrics

HERE = {"self_pivot": False, "pivot_num_parameters": 1_500_000_000}


def text_of(blocks):
    return " ".join(block.text for block in blocks if isinstance(block, Text))


def test_the_table_has_every_split_family_and_number_of_steps():
    (table,) = (block for block in reference_blocks(reference_metrics(), HERE) if isinstance(block, Table))
    assert {group.title: [row[0] for row in group.rows] for group in table.groups} == {
        "by split": ["train", "validation"],
        "by family": ["f0", "f1"],
        "by number of steps": ["1", "2", "10", "unknown"],
        "in all": ["all"],
    }
    assert all(len(row) == len(HEADER) for group in table.groups for row in group.rows)
    (whole,) = table.groups[-1].rows
    # 8 of 40 lose their agreement; 14 of 40 are wrong, 11 of these are kept
    assert whole[:6] == ["all", "40", "32", "80.0", "65.0", "65.6"]


def test_the_text_tells_what_was_dropped_and_how_the_difficulty_shifted():
    text = text_of(reference_blocks(reference_metrics(), HERE))
    assert "pivot (1,500 million parameters) answered 40 questions, with 160 samples" in text
    assert "dropped: 8 for low agreement" in text
    assert "with a false equation: 8." in text
    assert "3.50 steps a problem before, 4.33 after" in text
    assert "40 → 25 % with 1 step, 20 → 25 % with 2 steps" in text


@pytest.mark.parametrize(
    ("models", "told"),
    [
        ({"self_pivot": True, "pivot_num_parameters": 268_000_000}, "The self-pivot (the policy itself"),
        ({"self_pivot": False, "pivot_num_parameters": None}, "The pivot (behind a server, its size unknown)"),
    ],
)
def test_who_answered(models, told):
    assert told in text_of(reference_blocks(reference_metrics(), models))


def test_without_gold_nothing_is_right_or_wrong():
    blocks = reference_blocks(reference_metrics(gold=None), HERE)
    (table,) = (block for block in blocks if isinstance(block, Table))
    assert all(row[4:6] == ["–", "–"] for group in table.groups for row in group.rows)
    assert "– % are right" in text_of(blocks)
