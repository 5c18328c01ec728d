"""Live metrics by hand."""

import math

import pytest
import torch

from components.calibration.advantages import advantages
from components.train.live import Sums, add_responses, is_silent

NAN = math.nan


def test_responses_by_hand():
    sums = Sums()
    add_responses(
        sums,
        ["es", "es", "zh", "zh", "es", "es", "th", "th"],
        torch.tensor([1.0, 0.0, 0.5, 0.5, NAN, 0.25, NAN, NAN]),
        [2, 3, 1, 1, 1, 1, 4, 4],
        [False, True, False, False, False, False, True, True],
        [1.0, 0.5, 0.0, 1.0, None, 1.0, None, None],
        2,
    )
    assert sums.values() == {
        "reward/es": pytest.approx(1.25 / 3), "length/es": 1.75, "tokens/es": 7, "truncated/es": 0.25,
        "unscored/es": 0.25, "in_language/es": pytest.approx(2.5 / 3), "zero_signal/es": 0.5,
        "reward/zh": 0.5, "length/zh": 1, "tokens/zh": 2, "truncated/zh": 0, "unscored/zh": 0, "in_language/zh": 0.5,
        "zero_signal/zh": 1,
        "length/th": 4, "tokens/th": 8, "truncated/th": 1, "unscored/th": 1, "zero_signal/th": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("group", "silent"),
    [([0.5, 0.5], True), ([0.5, 0.6], False), ([NAN, NAN], True), ([NAN, 0.5], True), ([NAN, 0.5, 0.1], False)],
)
def test_a_group_is_silent_where_its_scored_rewards_are_equal(group, silent):
    assert is_silent(torch.tensor(group), len(group)).tolist() == [silent]


@pytest.mark.parametrize("gap", [0.0, 1e-8, 5e-7, 2e-6, 1e-3])
def test_groups_that_are_silent_in_training_are_those_of_the_analysis_of_rewards(gap):
    rewards = [0.5, 0.5 + gap, 0.5, 0.5]
    silent = is_silent(torch.tensor(rewards, dtype=torch.float32), 4).item()
    assert silent == (gap < 1e-6)
    assert silent == (advantages(rewards, ["q"] * 4, floor=0.0) == 0).all()


def test_means_are_over_tokens_and_not_of_means():
    sums = Sums()
    for values, mask, langs in (
        ([[1.0, 3.0], [5.0, 9.0]], [[True, True], [True, False]], ["es", "de"]),
        ([[7.0]], [[True]], ["es"]),
    ):
        sums.add_tokens({"gap": torch.tensor(values)}, torch.tensor(mask), langs)
    sums.highest("top", 2.0)
    sums.highest("top", 1.0)
    sums.count("seconds", 2.0)
    sums.count("seconds", 1.5)
    assert sums.values() == {"seconds": 3.5, "gap": 4.0, "gap/es": pytest.approx(11 / 3), "gap/de": 5.0, "top": 2.0}
