"""What one token alone decides in the packaged encoder, worked out once a token and remembered.

The first layers see single tokens: the embedding, its projection, and the products of that with each tap of the first
convolution. Texts use few distinct tokens, so these products become look-ups. Notation: C = 256 channels, three
branches b with n_b = 2, 3, 5 taps of which `LEFT[b]` lie before the token.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch.nn import functional

TAPS, LEFT = (2, 3, 5), (0, 1, 2)
CHANNELS, EMBEDDING = 256, 512
BLOCKS = len(TAPS) + sum(TAPS)
"""Blocks of C values in a row: the projection for each branch, then its products with each tap of each branch."""
FIRST_TAP = tuple(len(TAPS) + sum(TAPS[:branch]) for branch in range(len(TAPS)))
"""Block of each branch's first tap."""
_CAPACITY = 16_384  # rows: at most 250 MB, of which only what is used is touched
_PART = 256  # tokens worked out at once
_NO_TOKEN = -1e30


@dataclass(frozen=True)
class TableRows:
    """The table's arrays. A row is written once, before anybody hears of it; a table that starts over has new ones."""

    blocks: torch.Tensor
    """(R, BLOCKS, C): projections and products."""
    embeddings: torch.Tensor
    """(R, EMBEDDING)."""
    moments: torch.Tensor
    """(2, R): sum and sum of squares of each embedding."""


class TokenTable:
    """Rows of tokens. Row 0 stands between texts: it adds nothing to its neighbours, and is 0 itself after the ReLU.

    When `_CAPACITY` rows are full it starts over, so memory is bounded (by the vocabulary, where one call needs more).
    """

    def __init__(self, weights: Mapping[str, torch.Tensor]) -> None:
        """`weights`: the package's arrays by their names, as tensors."""
        quantised = [name for name in weights if name.startswith("q")]
        # Token t has row t // 17 of block t % 17, and that block's scale and offset.
        self._embedding = torch.stack([weights[f"q{i + 1}"] for i in range(len(quantised))], dim=1).flatten(0, 1)
        self._scale, self._offset = weights["scale"][:, None], weights["lo"][:, None]
        self._projection = torch.cat([weights[f"proj{n}"] for n in TAPS], dim=1)
        self._bias = torch.cat([weights[f"proj_b{n}"] for n in TAPS])
        self._gain, self._shift = (torch.cat([weights[f"ln_{kind}{n}"] for n in TAPS]) for kind in ("g", "b"))
        self._eps = float(weights["eps"])
        self._first = [weights[f"w1_{n}"].view(n, CHANNELS, CHANNELS) for n in TAPS]
        self._first_bias = [weights[f"b1_{n}"] for n in TAPS]
        self._clear(_CAPACITY)

    def rows_of(self, tokens: torch.Tensor) -> tuple[torch.Tensor, TableRows]:
        """Rows (T,) that hold the tokens (T,), int64, and what they are rows of, which later calls leave as it is."""
        new = torch.unique(tokens[self._row_of[tokens] == 0])
        if self._num_rows + len(new) > len(self.rows.blocks):
            new = torch.unique(tokens)
            self._clear(max(_CAPACITY, len(new) + 1))
        rows = torch.arange(self._num_rows, self._num_rows + len(new))
        for part in zip(rows.split(_PART), new.split(_PART), strict=True):
            self._fill(*part)
        self._row_of[new] = rows
        self._num_rows += len(new)
        return self._row_of[tokens], self.rows

    def _clear(self, capacity: int) -> None:
        self.rows = TableRows(
            torch.empty(capacity, BLOCKS, CHANNELS), torch.empty(capacity, EMBEDDING), torch.empty(2, capacity)
        )  # memory that is not written is not taken
        for array in (self.rows.blocks[0], self.rows.embeddings[0], self.rows.moments[:, 0]):
            array.zero_()
        for first, left in zip(FIRST_TAP, LEFT, strict=True):
            self.rows.blocks[0, first + left] = _NO_TOKEN
        self._num_rows = 1
        self._row_of = torch.zeros(len(self._embedding), dtype=torch.int64)

    @torch.inference_mode()
    def _fill(self, rows: torch.Tensor, tokens: torch.Tensor) -> None:
        """Both (T,)."""
        block = tokens % len(self._scale)
        embedding = self._embedding[tokens] * self._scale[block] + self._offset[block]  # (T, 512)
        projected = embedding @ self._projection + self._bias  # (T, 3 C)
        projected = functional.layer_norm(projected, projected.shape[1:], self._gain, self._shift, self._eps)
        self.rows.embeddings[rows] = embedding
        self.rows.moments[:, rows] = torch.stack([embedding.sum(1), embedding.square().sum(1)])
        blocks = torch.empty(len(tokens), BLOCKS, CHANNELS)
        blocks[:, : len(TAPS)] = projected.view(-1, len(TAPS), CHANNELS)
        for branch, (first, left) in enumerate(zip(FIRST_TAP, LEFT, strict=True)):
            for tap, weight in enumerate(self._first[branch]):
                blocks[:, first + tap] = blocks[:, branch] @ weight
            blocks[:, first + left] += self._first_bias[branch]  # once an output: each has one token at this tap
        self.rows.blocks[rows] = blocks
