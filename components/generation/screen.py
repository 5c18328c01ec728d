"""Words that may be the likeliest, by products of eight bits: a processor with VNNI makes them four times as fast.

The output matrix and the last states are rounded to eight bits, with a scale of its own for every word and every row.
What is found so is only a list: `components/generation/head.py` computes the logits of the words on it in float32 and
takes the likeliest of those. With `MARGIN` words more on it than are wanted, the result is nearer to the exact one than
products in bfloat16 are (docs/LOG.md).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from components.environment import processor_flags

MARGIN = 64
"""Words that are listed beyond those wanted."""
_MIN_WORDS = 32_768  # of a smaller vocabulary all logits are cheap
_LARGEST = 127
_ROWS = 4096  # of the output matrix rounded at a time: in float32 the whole would take gigabytes


@dataclass(frozen=True)
class Screen:
    """An output matrix in eight bits: the word v's row is about `scales[v] * rounded[v]`."""

    rounded: Tensor
    """(V, H) int8."""
    scales: Tensor
    """(V, 1) float32."""

    @classmethod
    def of(cls, weight: Tensor) -> "Screen | None":
        """That of an output matrix (V, H), made once; None where it would gain nothing.

        That is with a small vocabulary, on an accelerator, and on a processor without VNNI, which has no fast products
        of eight bits.
        """
        fast = processor_flags() & {"avx512_vnni", "amx_int8"}
        if not fast or weight.device.type != "cpu" or len(weight) < _MIN_WORDS:
            return None
        state = (weight.data_ptr(), weight._version)  # another one: the matrix was written to
        if weight not in _MADE or _MADE[weight][0] != state:
            _MADE[weight] = (state, cls.round(weight))
        made: Screen = _MADE[weight][1]
        return made

    @classmethod
    @torch.no_grad()
    def round(cls, weight: Tensor) -> "Screen":
        """Of an output matrix (V, H) of any floating type."""
        scales = _scales(weight)
        rounded = torch.empty(weight.shape, dtype=torch.int8)
        for rows, scale, out in zip(*(part.split(_ROWS) for part in (weight, scales, rounded)), strict=True):
            out.copy_((rows.float() / scale).round())
        return cls(rounded, scales)

    def product(self, states: Tensor) -> Callable[[slice, Tensor], None]:
        """What writes, for some words, their products with states (B, H) into (words, B).

        Each column is the logits but for errors of rounding and a factor of its own, which changes no order.
        """
        columns = (states.float() / _scales(states)).round().to(torch.int8).T.contiguous()  # (H, B)

        def multiply(words: slice, out: Tensor) -> None:
            torch.mul(torch._int_mm(self.rounded[words], columns), self.scales[words], out=out)

        return multiply


_MADE: WeakTensorKeyDictionary = WeakTensorKeyDictionary()
"""Output matrix → its state when it was rounded, and the screen: rounding takes as long as a step of decoding."""


def _scales(rows: Tensor) -> Tensor:
    """Of each row (N, H), so that its largest number becomes 127: (N, 1) float32; 1 for a row of zeros."""
    largest = rows.abs().amax(1, keepdim=True).float()
    return torch.where(largest > 0, largest / _LARGEST, 1.0)
