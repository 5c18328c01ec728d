"""What a change of the reward does to advantages: nothing by affine maps without a floor, and what by others."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import kendalltau

from components.calibration.advantages import advantages, compare, shifted, z_scored

GROUP = 4
reward = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)
batch = st.lists(st.lists(reward, min_size=GROUP, max_size=GROUP), min_size=2, max_size=8)


def flat(drawn):
    """Rewards, names of groups, and two languages in turn."""
    raw = np.array(drawn, dtype=float)
    groups = np.repeat([f"q{number}" for number in range(len(raw))], GROUP).tolist()
    langs = np.repeat([("es", "sw")[number % 2] for number in range(len(raw))], GROUP).tolist()
    return raw.ravel(), groups, langs


@given(batch, st.floats(0.05, 20), st.floats(-5, 5))
def test_affine_maps_by_language_are_a_no_op_without_a_floor(drawn, slope, shift):
    raw, groups, langs = flat(drawn)
    affine = np.where(np.array(langs) == "es", slope * raw + shift, raw)
    others = {"shifted": shifted(raw, langs), "z_scored": z_scored(raw, langs), "affine": affine}
    for change in compare(raw, groups, others, floor=0.1).values():
        assert change.unfloored.mean_change <= 1e-6
        assert change.unfloored.sign_changes == 0
        assert change.reversed_pairs == change.parted_ties == change.new_ties == 0
    for change in compare(raw, groups, {"shifted": others["shifted"]}, floor=0.1).values():
        assert change.is_no_op


def test_under_a_floor_a_z_score_changes_training():
    raw, groups, langs = flat([[0.50, 0.51, 0.52, 0.53], [0.1, 0.9, 0.5, 0.3], [0.50, 0.51, 0.52, 0.51]])
    change = compare(raw, groups, {"z_scored": z_scored(raw, langs)}, floor=0.1)["z_scored"]
    assert change.unfloored.mean_change <= 1e-6
    assert not change.is_no_op
    es = np.array(langs) == "es"
    scaled = raw / np.where(es, raw[es].std(), raw[~es].std())
    expected = np.abs(advantages(scaled, groups, 0.1) - advantages(raw, groups, 0.1)).mean()
    assert change.configured.mean_change == pytest.approx(expected)
    assert expected > 0.3


@given(batch, st.sampled_from([0.0, 0.1]))
def test_advantages_are_the_trainers(drawn, floor):
    raw, groups, _ = flat(drawn)
    table = torch.tensor(drawn, dtype=torch.float64)
    centred = table - table.mean(1, keepdim=True)
    expected = centred / centred.std(1, keepdim=True).clamp(min=max(floor, 1e-9))
    assert advantages(raw, groups, floor) == pytest.approx(expected.flatten().numpy(), abs=1e-6)
    order = np.random.default_rng(0).permutation(len(raw))  # groups need not lie together
    mixed = advantages(raw[order], np.array(groups)[order].tolist(), floor)
    assert mixed == pytest.approx(advantages(raw, groups, floor)[order])


@given(batch, batch)
def test_pairs_are_kendalls(drawn, other):
    rows = min(len(drawn), len(other))
    raw, groups, _ = flat(drawn[:rows])
    changed = flat(other[:rows])[0]
    told = compare(raw, groups, {"other": changed}, floor=0.1)["other"]
    assert told.num_pairs == rows * 6
    discordant = 0.0
    for one, two in zip(drawn[:rows], other[:rows], strict=True):
        tau = kendalltau(one, two, variant="b").statistic
        if np.isnan(tau):
            continue  # one side is all ties: no pair is reversed
        first, second = (int(np.sum(np.subtract.outer(side, side)[np.triu_indices(4, 1)] != 0)) for side in (one, two))
        both = sum(one[i] != one[j] and two[i] != two[j] for i in range(4) for j in range(i))
        discordant += (both - tau * np.sqrt(first * second)) / 2  # concordant - discordant = τ_b · √(…)
    assert told.reversed_pairs * told.num_pairs == pytest.approx(discordant, abs=1e-6)


def test_ties_are_told_apart_from_reversals():
    raw, groups, _ = flat([[0.0, 0.0, 1.0, 1.0], [0.1, 0.2, 0.3, 0.4]])
    changed = np.array([0.1, 0.2, 0.8, 0.9, 0.2, 0.1, 0.3, 0.3])
    told = compare(raw, groups, {"other": changed}, floor=0.1)["other"]
    assert [told.reversed_pairs, told.parted_ties, told.new_ties] == pytest.approx([1 / 12, 2 / 12, 1 / 12])


def test_groups_without_signal_and_signs_by_hand():
    raw, groups, _ = flat([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 1.0]])
    changed = np.array([0.7, 0.7, 0.7, 0.8, 0.3, 0.3, 0.3, 0.3])
    told = compare(raw, groups, {"other": changed}, floor=0.1)["other"]
    assert told.configured.silent_groups == told.configured.silent_groups_raw == 0.5
    assert told.unfloored.sign_changes == 1.0
    assert advantages([0.1] * 3, ["q"] * 3, 0.0).tolist() == [0, 0, 0]  # 3 · 0.1 is not 0.3
    assert advantages([0.4], ["q"], 0.0).tolist() == [0]


def test_a_curve_is_no_no_op():
    raw, groups, _ = flat(np.random.default_rng(0).random((50, GROUP)))
    told = compare(raw, groups, {"calibrated": expit(20 * (raw - 0.8))}, floor=0.1)["calibrated"]
    assert told.reversed_pairs == 0
    assert told.unfloored.mean_change > 0.1
    assert not told.is_no_op


def test_rollouts_that_one_reward_could_not_score_are_left_out_of_both():
    raw, groups, langs = flat([[0.1, 0.2, np.nan, 0.4], [0.5, 0.1, 0.2, 0.3]])
    other = np.array([np.nan, 0.2, 0.3, 0.4, 0.5, 0.1, 0.2, 0.3])
    told = compare(raw, groups, {"other": other}, floor=0.1)["other"]
    assert (told.num_rollouts, told.num_groups, told.num_pairs) == (6, 2, 7)
    assert told.is_no_op
    assert np.isnan(shifted(raw, langs)).sum() == 1
    with pytest.raises(ValueError, match="no rollout"):
        compare([np.nan], ["q"], {"other": [1.0]}, floor=0.1)
    with pytest.raises(ValueError, match="2 raw rewards, 1 others"):
        compare([1.0, 2.0], ["q", "q"], {"other": [1.0]}, floor=0.1)
