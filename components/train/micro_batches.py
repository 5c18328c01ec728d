"""A step's rollouts split into parts that learn one after the other, by how many tokens they take.

Notation: B rollouts of up to C tokens to U prompts of up to P tokens, of which all begin with the same L; padded, a
part costs L + U·(P - L) + B·C tokens.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Batch = dict[str, Any]
"""TRL's: row tensors (B, ...) and single values."""

Prompt = list[int]
NumShared = Callable[[Sequence[Prompt]], int]
"""How many tokens prompts begin with in common, if they are computed once.

None in its place: nothing is, each row is a whole text of P + C tokens.
"""

BEGINNING = 16  # tokens that tell one language's worked examples from another's


def split_by_tokens(batch: Batch, max_tokens: int, num_shared: NumShared | None) -> list[Batch]:
    """Parts of at most `max_tokens` padded tokens; what is no row tensor is in each of them.

    Groups stay together, since a part computes each of its prompts once, unless one alone is too large. Groups whose
    prompts begin alike come together, since a part computes that once too, and among them those of like length, since
    a part is as wide as its longest response. A single rollout is a part whatever it takes.
    """
    lengths: list[int] = batch["completion_mask"].sum(1).tolist()
    prompts = [
        row[len(row) - num_tokens :]
        for row, num_tokens in zip(batch["prompt_ids"].tolist(), batch["prompt_mask"].sum(1).tolist(), strict=True)
    ]
    parts: list[list[list[int]]] = []  # of units, of rows
    units = _units(_groups(prompts, lengths), prompts, lengths, max_tokens)
    if num_shared is None:
        units, num_shared = [[row] for unit in units for row in unit], lambda _prompts: 0
    for unit in units:
        if parts and _cost([*parts[-1], unit], prompts, lengths, num_shared) <= max_tokens:
            parts[-1].append(unit)
        else:
            parts.append([unit])
    return [take(batch, torch.tensor([row for unit in part for row in unit])) for part in parts]


def take(batch: Batch, rows: Tensor) -> Batch:
    """The rows (R,) int64 of every row tensor."""
    size = len(batch["prompt_ids"])
    return {
        key: value[rows.to(value.device)] if isinstance(value, Tensor) and value.dim() and len(value) == size else value
        for key, value in batch.items()
    }


def _groups(prompts: Sequence[Prompt], lengths: Sequence[int]) -> list[list[int]]:
    """Rows by prompt; prompts that begin alike together, and of them the shortest longest response first."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for row, prompt in enumerate(prompts):
        groups.setdefault(tuple(prompt), []).append(row)
    common = Counter(prompt[:BEGINNING] for prompt in groups)

    def place(prompt: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
        beginning = prompt[:BEGINNING]
        return beginning if common[beginning] > 1 else (), max(lengths[row] for row in groups[prompt])

    return [groups[prompt] for prompt in sorted(groups, key=place)]


def _units(
    groups: Sequence[list[int]], prompts: Sequence[Prompt], lengths: Sequence[int], max_tokens: int
) -> list[list[int]]:
    """The groups, those that are too large by themselves in pieces."""
    units = []
    for rows in groups:
        width = max(lengths[row] for row in rows)
        size = max(1, (max_tokens - len(prompts[rows[0]])) // max(1, width))
        units += [rows[start : start + size] for start in range(0, len(rows), size)]
    return units


def _cost(units: Sequence[list[int]], prompts: Sequence[Prompt], lengths: Sequence[int], num_shared: NumShared) -> int:
    """Padded tokens. A prompt whose rows are in two units is counted twice."""
    own = [prompts[unit[0]] for unit in units]
    shared, widest = num_shared(own), max(len(prompt) for prompt in own)
    rows = [row for unit in units for row in unit]
    return shared + len(own) * (widest - shared) + len(rows) * max(lengths[row] for row in rows)


def replace_rows(batch: Batch, rows: Tensor, fresh: Batch) -> None:
    """Put the rows of `fresh` in place of `rows` (R,) int64 of `batch`, as wide as the wider of the two."""
    for key, old in batch.items():
        if not (isinstance(old, Tensor) and old.dim()):
            continue
        new = fresh[key]
        if old.dim() > 1:
            width = max(old.shape[1], new.shape[1])
            on_left = key.startswith("prompt")  # prompts are padded on the left
            old, new = (_widened(value, width, on_left) for value in (old, new))
        batch[key] = old.index_copy(0, rows, new)


def _widened(value: Tensor, width: int, on_left: bool) -> Tensor:
    missing = width - value.shape[1]
    rest = (0, 0) * (value.dim() - 2)
    return torch.nn.functional.pad(value, (*rest, missing, 0) if on_left else (*rest, 0, missing))
