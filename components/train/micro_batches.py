"""A step's rollouts split into parts that learn one after the other, by how many tokens they take.

Notation: B rollouts of up to C tokens to U prompts of up to P tokens; padded, a part costs U·P + B·C tokens.
"""

from typing import Any

import torch
from torch import Tensor

Batch = dict[str, Any]
"""TRL's: row tensors (B, ...) and single values."""


def split_by_tokens(batch: Batch, max_tokens: int) -> list[Batch]:
    """Parts of at most `max_tokens` padded tokens; what is no row tensor is in each of them.

    Groups stay together, since a part computes each of its prompts once, unless one alone is too large; groups of like
    length come together, since a part is as wide as its longest response. A single rollout is a part whatever it takes.
    """
    lengths = batch["completion_mask"].sum(1).tolist()
    prompt_lengths = batch["prompt_mask"].sum(1).tolist()
    parts: list[list[int]] = []
    width = num_prompts = prompt_width = 0
    for rows in _units(_groups(batch["prompt_ids"], lengths), lengths, prompt_lengths, max_tokens):
        width = max(width, *(lengths[row] for row in rows))
        prompt_width = max(prompt_width, prompt_lengths[rows[0]])
        num_prompts += 1
        fits = bool(parts) and num_prompts * prompt_width + (len(parts[-1]) + len(rows)) * width <= max_tokens
        if fits:
            parts[-1] += rows
        else:
            parts.append(list(rows))
            width, prompt_width, num_prompts = max(lengths[row] for row in rows), prompt_lengths[rows[0]], 1
    return [take(batch, torch.tensor(part)) for part in parts]


def take(batch: Batch, rows: Tensor) -> Batch:
    """The rows (R,) int64 of every row tensor."""
    size = len(batch["prompt_ids"])
    return {
        key: value[rows.to(value.device)] if isinstance(value, Tensor) and value.dim() and len(value) == size else value
        for key, value in batch.items()
    }


def _groups(prompts: Tensor, lengths: list[int]) -> list[list[int]]:
    """Rows by prompt, the groups with the shortest longest response first."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for row, prompt in enumerate(prompts.tolist()):
        groups.setdefault(tuple(prompt), []).append(row)
    return sorted(groups.values(), key=lambda rows: max(lengths[row] for row in rows))


def _units(groups: list[list[int]], lengths: list[int], prompt_lengths: list[int], max_tokens: int) -> list[list[int]]:
    """The groups, those that are too large by themselves in pieces."""
    units = []
    for rows in groups:
        width = max(lengths[row] for row in rows)
        size = max(1, (max_tokens - prompt_lengths[rows[0]]) // max(1, width))
        units += [rows[start : start + size] for start in range(0, len(rows), size)]
    return units


def replace_rows(batch: Batch, rows: Tensor, fresh: Batch) -> None:
    """Put the rows of `fresh` in place of `rows` (R,) int64 of `batch`, as wide as the wider of the two."""
    for key, old in batch.items():
        if not (isinstance(old, Tensor) and old.dim()):
            continue
        new = fresh[key]
        if old.dim() == 2:
            width = max(old.shape[1], new.shape[1])
            on_left = key.startswith("prompt")  # prompts are padded on the left
            old, new = (_widened(value, width, on_left) for value in (old, new))
        batch[key] = old.index_copy(0, rows, new)


def _widened(value: Tensor, width: int, on_left: bool) -> Tensor:
    missing = width - value.shape[1]
    return torch.nn.functional.pad(value, (missing, 0) if on_left else (0, missing))
