"""The likeliest words from a list that products of eight bits made, against all logits in float32."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from components.generation import screen
from components.generation.head import OutputHead
from components.generation.screen import MARGIN, Screen
from tests.tiny import tiny_llama

NUM_WORDS = 40_000
NORM = torch.nn.Identity()


@pytest.fixture(autouse=True)
def vnni(monkeypatch):
    """The products are the same on any processor; those without VNNI only take longer."""
    monkeypatch.setattr(screen, "processor_flags", lambda: {"avx512_vnni"})


def head_of(weight, num_words):
    """An output head of this matrix, that of a model."""
    head = OutputHead(tiny_llama(), num_words)
    head._weight, head._screen = weight, Screen.of(weight, NORM)
    return head


def test_a_dimension_that_is_far_larger_than_the_others_does_not_round_them_away():
    generator = torch.Generator().manual_seed(1)
    norm = torch.nn.RMSNorm(64)
    norm.weight.data[3] = 300.0
    weight = torch.randn(NUM_WORDS, 64, generator=generator)
    weight[:, 3] /= 300
    head = OutputHead(tiny_llama(), 64)
    head._weight = weight
    states = norm(torch.randn(24, 64, generator=generator)).detach()
    exact = (states @ weight.T).topk(64, 1).indices
    found = []
    for of in (norm, NORM):
        head._screen = Screen.round(weight, screen._gain(of, weight))
        found.append((head._multiplied(states).ids[:, :, None] == exact[:, None]).any(1).float().mean().item())
    assert found[0] > 0.999
    assert found[1] < 0.9


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 99), num_rows=st.sampled_from([1, 2, 15, 16, 17, 40]), count=st.sampled_from([1, 20, 64]),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]), spread=st.sampled_from([0.0, 1.0]),
)  # fmt: skip
def test_likeliest_words_are_those_of_all_logits(seed, num_rows, count, dtype, spread):
    generator = torch.Generator().manual_seed(seed)
    lengths = (spread * torch.randn(NUM_WORDS, 1, generator=generator)).exp()  # of the words' vectors
    weight = (torch.randn(NUM_WORDS, 64, generator=generator) * lengths).to(dtype)
    states = torch.randn(num_rows, 64, generator=generator).to(dtype)
    head = head_of(weight, count)
    assert head._screen is not None
    words = head._multiplied(states)
    logits = states.float() @ weight.float().T
    expected = logits.topk(count, 1)
    assert words.ids.shape == (num_rows, count)
    torch.testing.assert_close(words.logits, expected.values, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(words.logits, logits.gather(1, words.ids), atol=1e-4, rtol=1e-5)
    assert torch.equal(words.ids[:, 0], expected.indices[:, 0])


def test_rows_of_zeros_and_a_last_part_that_is_not_whole():
    weight = torch.zeros(NUM_WORDS + 7, 8)
    weight[-1] = 1.0
    head = head_of(weight, 3)
    words = head._multiplied(torch.stack([torch.ones(8), torch.zeros(8)]))
    assert words.ids[0, 0] == NUM_WORDS + 6
    assert words.logits.tolist() == [[8.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


def test_it_is_made_once_and_again_when_the_matrix_was_written_to():
    weight = torch.randn(NUM_WORDS, 4)
    first = Screen.of(weight, NORM)
    assert Screen.of(weight, NORM) is first
    weight.mul_(2)
    second = Screen.of(weight, NORM)
    torch.testing.assert_close(second.scales, 2 * first.scales)
    assert torch.equal(second.rounded, first.rounded)


def test_a_small_vocabulary_and_a_processor_without_vnni_have_none(monkeypatch):
    assert Screen.of(torch.randn(1000, 4), NORM) is None
    monkeypatch.setattr(screen, "processor_flags", lambda: {"avx2"})
    assert Screen.of(torch.randn(NUM_WORDS, 4), NORM) is None


def test_more_words_are_listed_than_are_wanted(monkeypatch):
    head = head_of(torch.randn(NUM_WORDS, 8), 5)
    listed = []
    chosen = head._chosen
    monkeypatch.setattr(head, "_chosen", lambda states, ids: listed.append(ids) or chosen(states, ids))
    assert head._multiplied(torch.randn(3, 8)).ids.shape == (3, 5)
    assert listed[0].shape == (3, 5 + MARGIN)
