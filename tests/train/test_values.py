"""Generalised advantages by hand and against their definition; the value loss; the head."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from components.train.values import ValueHead, generalised_advantages, standardised, value_losses


def test_advantages_of_a_response_of_three_tokens_by_hand():
    """v = .2, .5, .4, R = 1, λ = .5: δ = .3, -.1, .6; A₃ = .6, A₂ = -.1 + .3 = .2, A₁ = .3 + .1 = .4."""
    values, mask = torch.tensor([[0.2, 0.5, 0.4, 9.0]]), torch.tensor([[1, 1, 1, 0]])
    advantages, returns = generalised_advantages(torch.tensor([1.0]), values, mask, 0.5)
    torch.testing.assert_close(advantages, torch.tensor([[0.4, 0.2, 0.6, 0.0]]))
    torch.testing.assert_close(returns, torch.tensor([[0.6, 0.7, 1.0, 0.0]]))


responses = st.lists(
    st.tuples(st.floats(-2, 2, width=32), st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=9)),
    min_size=1,
    max_size=5,
)


@settings(max_examples=100, deadline=None)
@given(responses, st.floats(0, 1))
def test_advantages_are_their_definition(told, gae_lambda):
    """Against (1 - λ) Σ λ^(k-1) A^(k), the mean of k-step advantages that the paper starts from (its eq. 16)."""
    width = max(len(values) for _, values in told)
    values = torch.tensor([own + [7.0] * (width - len(own)) for _, own in told])
    mask = torch.tensor([[1] * len(own) + [0] * (width - len(own)) for _, own in told])
    rewards = torch.tensor([reward for reward, _ in told])
    advantages, returns = generalised_advantages(rewards, values, mask, gae_lambda)
    for row, (reward, own) in enumerate(told):
        for token in range(width):
            expected = _by_definition(reward, own, token, gae_lambda) if token < len(own) else 0.0
            assert math.isclose(advantages[row, token], expected, abs_tol=1e-4)
            whole = expected + own[token] if token < len(own) else 0.0
            assert math.isclose(returns[row, token], whole, abs_tol=1e-4)


def _by_definition(reward, values, token, gae_lambda):
    left = len(values) - token  # after so many steps the response is over and every longer advantage is the same
    steps = [values[token + k] if k < left else reward for k in range(1, left + 1)]
    weights = [(1 - gae_lambda) * gae_lambda ** (k - 1) for k in range(1, left)] + [gae_lambda ** (left - 1)]
    return sum(weight * (value - values[token]) for weight, value in zip(weights, steps, strict=True))


@pytest.mark.parametrize(("gae_lambda", "expected"), [(1.0, [0.8, 0.5]), (0.0, [0.3, 0.5])])
def test_lambda_goes_from_the_next_value_to_the_whole_reward(gae_lambda, expected):
    advantages, _ = generalised_advantages(
        torch.tensor([1.0]), torch.tensor([[0.2, 0.5]]), torch.ones(1, 2, dtype=torch.int64), gae_lambda
    )
    torch.testing.assert_close(advantages, torch.tensor([expected]))


def test_standardised_over_the_tokens_that_count():
    mask = torch.tensor([[True, True, False], [True, False, False]])
    told = standardised(torch.tensor([[1.0, 2.0, 50.0], [6.0, 50.0, 50.0]]), mask)
    own = told[mask]
    assert math.isclose(own.mean(), 0, abs_tol=1e-6)
    assert math.isclose(own.std(), 1, rel_tol=1e-5)
    assert (told[~mask] == 0).all()
    assert (standardised(torch.ones(1, 1), torch.tensor([[True]])) == 0).all()


@pytest.mark.parametrize(
    ("value", "before", "returned", "expected"),
    [
        (0.5, 0.5, 1.0, 0.125),  # not moved
        (0.6, 0.5, 1.0, 0.08),  # moved towards it, within the range
        (0.9, 0.5, 1.0, 0.045),  # further than the range: ½ (.7 - 1)², which has no gradient
        (0.2, 0.5, 1.0, 0.32),  # away from it: unclipped is larger
    ],
)
def test_value_loss_takes_the_worse_of_clipped_and_not(value, before, returned, expected):
    told = value_losses(torch.tensor([[value]]), torch.tensor([[before]]), torch.tensor([[returned]]))
    assert math.isclose(told.item(), expected, rel_tol=1e-5)


def test_the_head_starts_at_zero_whatever_the_states_and_scale_does_not_matter():
    head, states = ValueHead(6), torch.randn(2, 3, 6)
    assert (head(1000 * states) == 0).all()
    torch.nn.init.normal_(head.linear.weight)
    torch.testing.assert_close(head(states), head(100 * states), rtol=1e-3, atol=1e-3)
