"""Words that may be the likeliest, by products of eight bits: a processor with VNNI makes them four times as fast.

The output matrix and the last states are rounded to eight bits, with a scale of its own for every word and every row.
A few dimensions of the states are tens of times as large as the others, which would then be rounded away: before that,
states are divided and the matrix is multiplied by the root of the last norm's gain (as SmoothQuant does with what it
measures, Xiao et al. 2022, arXiv 2211.10438; the gain is frozen, so that a resumed training rounds as it did before).

What is found so is only a list: `components/generation/head.py` computes the logits of the words on it in float32 and
takes the likeliest of those. With `MARGIN` words more on it than are wanted, the result is nearer to the exact one than
products in bfloat16 are (`python -m bench.head`, docs/LOG.md).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from components.environment import processor_flags

MARGIN = 128
"""Words that are listed beyond those wanted."""
_MIN_WORDS = 32_768  # of a smaller vocabulary all logits are cheap
_LARGEST = 127
_ROWS = 4096  # of the output matrix rounded at a time: in float32 the whole would take gigabytes


@dataclass(frozen=True)
class Screen:
    """An output matrix in eight bits: the word v's row is about `scales[v] * rounded[v] / factors`."""

    rounded: Tensor
    """(V, H) int8."""
    scales: Tensor
    """(V, 1) float32."""
    factors: Tensor
    """(H,) float32, positive: what states are divided by."""

    @classmethod
    def of(cls, weight: Tensor, norm: Any) -> "Screen | None":  # noqa: ANN401 - a module of transformers
        """That of an output matrix (V, H), made once; None where it would gain nothing.

        That is with a small vocabulary, on an accelerator, and on a processor without VNNI, which has no fast products
        of eight bits.

        Args:
            norm: What the last states come from; its weights are frozen.
        """
        fast = processor_flags() & {"avx512_vnni", "amx_int8"}
        if not fast or weight.device.type != "cpu" or len(weight) < _MIN_WORDS:
            return None
        state = (weight.data_ptr(), weight._version)  # another one: the matrix was written to
        if weight not in _MADE or _MADE[weight][0] != state:
            _MADE[weight] = (state, cls.round(weight, _gain(norm, weight)))
        made: Screen = _MADE[weight][1]
        return made

    @classmethod
    @torch.no_grad()
    def round(cls, weight: Tensor, gain: Tensor) -> "Screen":
        """Of an output matrix (V, H) of any floating type, for states whose dimensions vary as `gain` (H,)."""
        factors = gain.sqrt()
        rounded, scales = torch.empty(weight.shape, dtype=torch.int8), torch.empty(len(weight), 1)
        for rows, scale, out in zip(*(part.split(_ROWS) for part in (weight, scales, rounded)), strict=True):
            own = rows.float() * factors
            scale.copy_(_scales(own))
            out.copy_((own / scale).round())
        return cls(rounded, scales, factors)

    def product(self, states: Tensor) -> Callable[[slice, Tensor], None]:
        """What writes, for some words, their products with states (B, H) into (words, B).

        Each column is the logits but for errors of rounding and a factor of its own, which changes no order.
        """
        smooth = states.float() / self.factors
        columns = (smooth / _scales(smooth)).round().to(torch.int8).T.contiguous()  # (H, B)

        def multiply(words: slice, out: Tensor) -> None:
            torch.mul(torch._int_mm(self.rounded[words], columns), self.scales[words], out=out)

        return multiply


_MADE: WeakTensorKeyDictionary = WeakTensorKeyDictionary()
"""Output matrix → its state when it was rounded, and the screen: rounding takes as long as a step of decoding."""


@torch.no_grad()
def _gain(norm: Any, weight: Tensor) -> Tensor:  # noqa: ANN401 - a module of transformers
    """How much larger than the others a norm makes each dimension: (H,) float32, not under a thousandth of the mean."""
    signs = torch.ones(weight.shape[1], dtype=weight.dtype)
    signs[1::2] = -1  # of mean 0, so that a norm that takes the mean away leaves something
    gain: Tensor = norm(signs[None])[0].float().abs()
    return gain.clamp_min(1e-3 * float(gain.mean()))


def _scales(rows: Tensor) -> Tensor:
    """Of each row (N, H) float32, so that its largest number becomes 127: (N, 1); 1 for a row of zeros."""
    largest = rows.abs().amax(1, keepdim=True)
    return torch.where(largest > 0, largest / _LARGEST, 1.0)
