"""Parts by tokens: every row once, groups together, no part larger than allowed."""

from functools import partial

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from components.generation.sampler import num_shared_tokens
from components.train.micro_batches import replace_rows, split_by_tokens
from tests.tiny import tiny_gemma


def batch(lengths, prompts, prompt_lengths):
    """Rows of given lengths (B,), prompt numbers (B,) and prompt lengths (by number)."""
    width, prompt_width = max(lengths), max(prompt_lengths)
    number = torch.arange(len(lengths))
    mine = torch.tensor([prompt_lengths[p] for p in prompts])
    return {
        "prompt_ids": torch.tensor(prompts)[:, None].repeat(1, prompt_width),
        "prompt_mask": (torch.arange(prompt_width).flip(0) < mine[:, None]).long(),
        "completion_ids": number[:, None].repeat(1, width),
        "completion_mask": (torch.arange(width) < torch.tensor(lengths)[:, None]).long(),
        "advantages": number.float(),
        "num_items_in_batch": torch.tensor(7),
        "num_images": None,
    }


def nothing_shared(_prompts):
    return 0


def cost(part):
    prompts = {tuple(row) for row in part["prompt_ids"].tolist()}
    widths = part["completion_mask"].sum(1).max(), part["prompt_mask"].sum(1).max()
    return int(len(part["prompt_ids"]) * widths[0] + len(prompts) * widths[1])


@settings(max_examples=100, deadline=None)
@given(data=st.data(), num_prompts=st.integers(1, 6), group=st.integers(1, 5), max_tokens=st.integers(1, 120))
def test_parts_hold_every_row_once_and_are_no_larger_than_allowed(data, num_prompts, group, max_tokens):
    prompts = data.draw(st.permutations([p for p in range(num_prompts) for _ in range(group)]))
    lengths = data.draw(st.lists(st.integers(1, 9), min_size=len(prompts), max_size=len(prompts)))
    prompt_lengths = data.draw(st.lists(st.integers(1, 7), min_size=num_prompts, max_size=num_prompts))
    rows = batch(lengths, prompts, prompt_lengths)
    parts = split_by_tokens(rows, max_tokens, nothing_shared)
    together = {key: torch.cat([part[key] for part in parts]) for key in ("advantages", "completion_ids", "prompt_ids")}
    moved = together["advantages"].long()
    assert sorted(moved.tolist()) == list(range(len(prompts)))
    assert torch.equal(together["completion_ids"], rows["completion_ids"][moved])
    assert torch.equal(together["prompt_ids"], rows["prompt_ids"][moved])
    for part in parts:
        assert cost(part) <= max_tokens or len(part["prompt_ids"]) == 1
        assert part["num_items_in_batch"] == 7
        assert part["num_images"] is None
    longest = [max(lengths[i] for i in range(len(prompts)) if prompts[i] == p) for p in range(num_prompts)]
    whole = [p for p in range(num_prompts) if prompt_lengths[p] + group * longest[p] <= max_tokens]
    for prompt in whole:
        assert sum(prompt in part["prompt_ids"][:, 0].tolist() for part in parts) == 1, "a group that fits stays whole"


def test_groups_of_like_length_come_together_and_parts_are_filled():
    rows = batch([9, 2, 9, 2, 3, 8], [0, 1, 0, 1, 2, 2], [1, 1, 1])
    parts = split_by_tokens(rows, 40, nothing_shared)
    assert [sorted(part["prompt_ids"][:, 0].tolist()) for part in parts] == [[1, 1, 2, 2], [0, 0]]


def test_what_prompts_begin_with_counts_once_and_brings_them_together():
    beginnings = {"es": list(range(100, 130)), "de": list(range(200, 230))}
    prompts = [beginnings[lang] + [own] for lang, own in (("es", 1), ("de", 2), ("es", 3), ("de", 4)) for _ in "ab"]
    rows = {
        "prompt_ids": torch.tensor(prompts), "prompt_mask": torch.ones(8, 31, dtype=torch.long),
        "completion_ids": torch.ones(8, 5, dtype=torch.long), "completion_mask": torch.ones(8, 5, dtype=torch.long),
    }  # fmt: skip
    both_of_a_language = 30 + 2 * 1 + 4 * 5
    shared = partial(num_shared_tokens, max_new_tokens=5, config=tiny_gemma().config)
    told = [split_by_tokens(rows, limit, shared) for limit in (both_of_a_language, both_of_a_language - 1)]
    assert [len(parts) for parts in told] == [2, 4]
    assert [part["prompt_ids"][:, 0].unique().tolist() for part in told[0]] == [[100], [200]]
    assert len(split_by_tokens(rows, both_of_a_language, nothing_shared)) == 4


@settings(max_examples=50, deadline=None)
@given(data=st.data(), num_prompts=st.integers(1, 4), group=st.integers(1, 4), max_tokens=st.integers(1, 80))
def test_whole_texts_count_their_own_prompts(data, num_prompts, group, max_tokens):
    prompts = [p for p in range(num_prompts) for _ in range(group)]
    lengths = data.draw(st.lists(st.integers(1, 9), min_size=len(prompts), max_size=len(prompts)))
    prompt_lengths = data.draw(st.lists(st.integers(1, 7), min_size=num_prompts, max_size=num_prompts))
    parts = split_by_tokens(batch(lengths, prompts, prompt_lengths), max_tokens, None)
    assert sorted(torch.cat([part["advantages"] for part in parts]).long().tolist()) == list(range(len(prompts)))
    for part in parts:
        padded = int(part["prompt_mask"].sum(1).max() + part["completion_mask"].sum(1).max())
        assert padded * len(part["prompt_ids"]) <= max_tokens or len(part["prompt_ids"]) == 1


def test_rows_are_replaced_whatever_is_wider():
    old, new = batch([2, 2, 3], [0, 0, 1], [4, 2]), batch([5], [0], [1])
    for rows in (old, new):
        rows["support"] = rows["completion_ids"][..., None].repeat(1, 1, 2) + torch.tensor([1, 2])
    replace_rows(old, torch.tensor([2]), new)
    assert old["completion_ids"].tolist() == [[0, 0, 0, 0, 0], [1, 1, 1, 0, 0], [0, 0, 0, 0, 0]]
    assert old["completion_mask"].sum(1).tolist() == [2, 2, 5]
    assert old["prompt_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 1]]
    assert old["advantages"].tolist() == [0, 1, 0]
    assert old["support"][1].tolist() == [[2, 3]] * 3 + [[0, 0]] * 2
    assert old["support"][2].tolist() == [[1, 2]] * 5
    assert old["num_items_in_batch"] == 7
