"""Attention over a beginning that is kept once is attention over the whole text."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention

from components.generation.attention import attends_beginnings, use_grouped_decode
from components.generation.beginnings import Beginnings
from tests.tiny import tiny_gemma, tiny_llama, tiny_qwen

WIDTH = 4


def states(*shape, dtype=torch.float32):
    return torch.randn(*shape, WIDTH).to(dtype)


@settings(max_examples=60)
@given(
    groups=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3)), min_size=1, max_size=3),
    heads=st.sampled_from([(1, 1), (4, 1), (4, 2)]),
    queries=st.integers(1, 3),
    earlier=st.integers(0, 3),
    padding=st.integers(0, 2),
    seed=st.integers(0, 99),
)
def test_it_is_attention_over_the_whole_text(groups, heads, queries, earlier, padding, seed):
    torch.manual_seed(seed)
    (num_heads, num_kept), rows = heads, sum(count for _, count in groups)
    own = earlier + queries  # tokens in the rows' own cache
    query, key, value = states(rows, num_heads, queries), states(rows, num_kept, own), states(rows, num_kept, own)
    layer = [(states(num_kept, length), states(num_kept, length)) for length, _ in groups]
    visible = torch.ones(rows, 1, queries, own, dtype=torch.bool).tril(earlier)
    visible[-1, ..., : min(padding, earlier)] = False  # the last row is shorter
    beginnings = Beginnings([layer], [count for _, count in groups])
    got = beginnings.attend(0, query, key, value, visible, 0.3)
    start = 0
    for (keys, values), (length, count) in zip(layer, groups, strict=True):
        part = slice(start, start := start + count)
        whole = [
            torch.cat([kept.expand(count, -1, -1, -1), mine[part]], 2).repeat_interleave(num_heads // num_kept, 1)
            for kept, mine in ((keys, key), (values, value))
        ]
        mask = torch.cat([torch.ones(count, 1, queries, length, dtype=torch.bool), visible[part]], 3)
        wanted = scaled_dot_product_attention(query[part].double(), *(each.double() for each in whole), mask, scale=0.3)
        torch.testing.assert_close(got[part].double(), wanted.transpose(1, 2), atol=1e-5, rtol=1e-4)


def test_without_a_mask_each_query_sees_what_is_before_it():
    torch.manual_seed(0)
    query, key, value = states(2, 2, 3), states(2, 1, 5), states(2, 1, 5)
    beginnings = Beginnings([[(states(1, 4), states(1, 4))]], [2])
    seen = torch.ones(2, 1, 3, 5, dtype=torch.bool).tril(2)
    given, found = (beginnings.attend(0, query, key, value, mask, 0.5) for mask in (seen, None))
    assert torch.equal(given, found)


def test_bfloat16_is_attended_in_float32():
    torch.manual_seed(0)
    query, key, value = (states(2, heads, 1, dtype=torch.bfloat16) for heads in (2, 1, 1))
    pair = (states(1, 6, dtype=torch.bfloat16), states(1, 6, dtype=torch.bfloat16))
    got = Beginnings([[pair]], [2]).attend(0, query, key, value, None, 0.5)
    exact = Beginnings([[tuple(each.float() for each in pair)]], [2])
    wanted = exact.attend(0, query.float(), key.float(), value.float(), None, 0.5)
    assert got.dtype == torch.bfloat16
    assert torch.equal(got, wanted.bfloat16())


@given(counts=st.lists(st.integers(1, 4), min_size=1, max_size=4), data=st.data())
def test_rows_are_joined_repeated_and_selected_in_order(counts, data):
    def of(number, count):
        return Beginnings([[(torch.full((1, number, WIDTH), float(number)),) * 2]], [count])

    joined = Beginnings.join([of(number, count) for number, count in enumerate(counts)]).repeat(2)
    rows = [number for number, count in enumerate(counts) for _ in range(2 * count)]
    assert joined.num_tokens.tolist() == rows  # the beginning of this number has as many tokens
    kept = sorted(data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=1)))
    selected = joined.select(torch.tensor(kept))
    assert selected.num_tokens.tolist() == [rows[row] for row in kept]
    assert all(selected.num_rows), "beginnings without rows are dropped"
    assert selected.none(3).num_tokens.tolist() == [0] * 3


@pytest.mark.parametrize("make", [tiny_gemma, tiny_llama, tiny_qwen])
def test_models_that_hand_on_what_they_are_given_attend_to_it(make):
    model = make()
    assert not attends_beginnings(model), "by its own attention"
    use_grouped_decode(model)
    assert attends_beginnings(model)


def test_a_model_that_hands_nothing_on_does_not(monkeypatch):
    model = tiny_llama()
    use_grouped_decode(model)
    own = model.model.layers[1].forward

    def forward(*inputs, **rest):
        del rest["beginnings"]
        return own(*inputs, **rest)

    monkeypatch.setattr(model.model.layers[1], "forward", forward)
    assert not attends_beginnings(model)
