"""What prompts begin with in common, kept once: rows of a batch attend to it together, as one product.

A copy of a language's worked examples in the cache of every row is gigabytes, read again at every step. Attention over
two parts of a text is the softmax over both at once, so the shared part needs no copies (as in Hydragen, Juravsky et
al. 2024, arXiv 2402.05099, whose two softmaxes are merged by their sums instead).

Notation: B rows, G beginnings, L_g tokens of one, T own tokens in the cache, t of them queries, D width of a head,
Hq query heads, Hkv key heads, n = Hq / Hkv · t queries of a row and key head.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import Cache

States = tuple[Tensor, Tensor]
"""Keys and values (Hkv, L_g, D) of one beginning in one layer, L_g >= 0."""


@dataclass(frozen=True)
class Beginnings:
    """Of the rows of a batch, in order: those of one beginning stand together."""

    layers: Sequence[Sequence[States]]
    """Of each layer: the G beginnings."""
    num_rows: Sequence[int]
    """Of each beginning; they add up to B."""

    @classmethod
    def of(cls, cache: Cache, num_rows: int) -> "Beginnings":
        """The one row of `cache`, with which `num_rows` rows begin."""
        layers: list[Any] = list(cache.layers)
        return cls([[(layer.keys[0], layer.values[0])] for layer in layers], [num_rows])

    @classmethod
    def join(cls, parts: Sequence["Beginnings"]) -> "Beginnings":
        """The rows of all, in order."""
        layers = [[states for layer in own for states in layer] for own in zip(*(p.layers for p in parts), strict=True)]
        return cls(layers, [count for part in parts for count in part.num_rows])

    @property
    def num_tokens(self) -> Tensor:
        """(B,) int64, of each row."""
        lengths = torch.tensor([keys.shape[1] for keys, _ in self.layers[0]])
        return lengths.repeat_interleave(torch.tensor(self.num_rows))

    def none(self, num_rows: int) -> "Beginnings":
        """Of rows of the same model whose own cache holds all of their text."""
        return Beginnings([[(keys[:, :0], values[:, :0])] for ((keys, values), *_) in self.layers], [num_rows])

    def repeat(self, num_samples: int) -> "Beginnings":
        """Every row `num_samples` times."""
        return Beginnings(self.layers, [count * num_samples for count in self.num_rows])

    def select(self, rows: Tensor) -> "Beginnings":
        """The rows (K,) int64, ascending."""
        ends = torch.tensor(self.num_rows).cumsum(0)
        kept = torch.bucketize(rows.cpu(), ends, right=True).bincount(minlength=len(ends)).tolist()
        there = [number for number, count in enumerate(kept) if count]
        return Beginnings([[layer[number] for number in there] for layer in self.layers], [kept[n] for n in there])

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float
    ) -> Tensor:
        """Attention of queries (B, Hq, t, D) over their beginnings and their own keys and values (B, Hkv, T, D).

        Args:
            layer: Its number, from 0.
            scaling: What products of queries and keys are multiplied with.
            mask: (B, 1, t, T') bool, T' >= T, True where visible; None: each query sees its own token and all before.

        Returns:
            (B, t, Hq, D) in the queries' dtype; products and softmax in float32.
        """
        rows, num_heads, length, width = query.shape
        heads = key.shape[1]
        num_asked = num_heads // heads * length  # n
        asked = (query.float() * scaling).reshape(rows, heads, num_asked, width)  # (B, Hkv, n, D)
        if mask is None and length > 1:
            mask = query.new_ones(1, 1, length, key.shape[2], dtype=torch.bool).tril(key.shape[2] - length)
        own = asked @ key.float().transpose(2, 3)  # (B, Hkv, n, T)
        if mask is not None:
            hidden = ~mask[..., : key.shape[2]]
            own.view(rows, -1, length, key.shape[2]).masked_fill_(hidden, float("-inf"))
        output, start = torch.empty_like(asked), 0
        for (keys, values), count in zip(self.layers[layer], self.num_rows, strict=True):
            part = slice(start, start := start + count)
            num_shared = keys.shape[1]
            together = asked[part].transpose(0, 1).reshape(heads, count * num_asked, width)
            scores = (together @ keys.float().transpose(1, 2)).unflatten(1, (count, num_asked)).transpose(0, 1)
            shares = torch.cat([scores, own[part]], 3).softmax(3)  # (count, Hkv, n, L_g + T)
            shared, rest = shares.split([num_shared, key.shape[2]], 3)
            common = shared.transpose(0, 1).reshape(heads, count * num_asked, num_shared) @ values.float()
            output[part] = common.unflatten(1, (count, num_asked)).transpose(0, 1) + rest @ value[part].float()
        return output.view(rows, num_heads, length, width).transpose(1, 2).to(query.dtype)
