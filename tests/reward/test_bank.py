"""The margin and its frozen bank, against sums written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from components.contracts import ContractError, PipelineError
from components.reward.bank import BANK, NEAREST, ReferenceBank, make_bank
from components.reward.build import make_reward
from components.reward.semantic import MarginReward
from components.reward.setup import RewardSetup
from tests.reward.made_up import REFERENCES, ROWS, bank, columns, packaged_encoder

DIMENSIONS = 6


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def vectors(number):
    return arrays(np.float32, (number, DIMENSIONS), elements=st.floats(-1, 1, width=16)).map(with_a_length).map(unit)


def with_a_length(table):
    table[:, 0] += np.where(table[:, 0] < 0, -0.5, 0.5).astype(np.float32)
    return table


def hubness(query, own, references):
    """Written out: the mean of the 10 highest cosines to references other than the own one."""
    others = [float(query @ other) for other in references if float(own @ other) <= 1 - 1e-5]
    nearest = sorted(others, reverse=True)[:NEAREST]
    return sum(nearest) / len(nearest) if nearest else 0.0


@settings(max_examples=50)
@given(vectors(3), vectors(3), vectors(14), st.integers(0, 14))
def test_the_margin_is_its_formula(responses, own, references, size):
    stored = ReferenceBank(references[:size], "")
    margin = MarginReward(packaged_encoder(), stored).compare(responses, own)
    wanted = [
        float(y @ r) - (hubness(y, r, stored.vectors) + hubness(r, r, stored.vectors)) / 2
        for y, r in zip(responses, own, strict=True)
    ]
    np.testing.assert_allclose(margin, wanted, atol=1e-5)


def test_an_empty_response_has_the_least_margin():
    margin = MarginReward(packaged_encoder(), make_bank(packaged_encoder(), REFERENCES))
    assert margin(completions=[" ", " "], lang=["es", "es"], reference_text=["12 apples.", None]) == [-1.0, None]


@given(vectors(12))
def test_the_rows_own_reference_does_not_count(references):
    with_own, without = ReferenceBank(references, ""), ReferenceBank(references[1:], "")
    own = references[:1]
    np.testing.assert_allclose(with_own.hubness(own, own), without.hubness(own, own), atol=1e-6)


def test_a_bank_of_nothing_else_leaves_the_cosine():
    alone = make_bank(packaged_encoder(), REFERENCES[:1])
    setup, row = RewardSetup(), columns(ROWS[:1])
    margin = make_reward("margin", setup, packaged_encoder(), alone)(**row)
    assert margin == pytest.approx(make_reward("embedding", setup, packaged_encoder())(**row), abs=1e-5)


def test_the_bank_holds_each_reference_once_as_rewards_see_it():
    twice = make_bank(packaged_encoder(), [*REFERENCES, "<think>Hm.</think>It is so.", "It is\u200b so."])
    assert twice.vectors.shape == (len(REFERENCES), 512)
    assert twice.encoder == packaged_encoder().fingerprint()


def test_a_bank_survives_its_file(tmp_path):
    bank().write(tmp_path)
    stored = ReferenceBank.read(tmp_path)
    np.testing.assert_array_equal(stored.vectors, bank().vectors)
    assert stored.encoder == bank().encoder


@pytest.mark.parametrize("content", [None, b"", b"no safetensors at all", b"\x02\x00\x00\x00\x00\x00\x00\x00{}"])
def test_a_missing_or_broken_bank_is_one_line(tmp_path, content):
    if content is not None:
        (tmp_path / BANK).write_bytes(content)
    with pytest.raises(ContractError, match="calibrate again") as caught:
        ReferenceBank.read(tmp_path)
    assert str(tmp_path / BANK) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_bank_of_another_encoder_is_one_line():
    other = ReferenceBank(unit(np.ones((2, DIMENSIONS))), "another")
    with pytest.raises(PipelineError, match="another encoder") as caught:
        make_reward("margin", RewardSetup(), packaged_encoder(), other)
    assert "\n" not in str(caught.value)
