"""The likeliest next words of a batch, without sorting or soft-maxing the vocabulary.

Notation: B rows, H hidden size, V vocabulary (rounded up to whole blocks), K words kept of each row.

A processor multiplies `part @ h.T` for a few thousand words at a time about twice as fast as `h @ W.T` at once, and
what it has just written is still in its cache when maxima and sums are taken (docs/LOG.md). The K likeliest words lie
in the K blocks with the largest maxima, so only those blocks are searched. Where the processor has fast products of
eight bits, these make a longer list (`components/generation/screen.py`), whose logits are then computed in float32.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from components.generation.attention import attends_beginnings
from components.generation.screen import MARGIN, Screen

_BLOCK = 64  # words
_PART = 64 * _BLOCK  # words whose logits stay in the processor's cache
_COLUMNS = 16  # a product with 2 to 15 columns takes up to three times as long as with 16 (docs/LOG.md)
_PROBE = (2, 3)  # any two token ids


@dataclass(frozen=True)
class NextWords:
    """The K likeliest words of every row, likeliest first."""

    logits: Tensor
    """(B, K) float32."""
    ids: Tensor
    """(B, K) int64."""

    @classmethod
    def join(cls, parts: "Sequence[NextWords]") -> "NextWords":
        """The rows of all, in order."""
        return cls(*(torch.cat(own) for own in zip(*((p.logits, p.ids) for p in parts), strict=True)))

    def rows(self, count: int) -> "NextWords":
        """The first rows."""
        return NextWords(self.logits[:count], self.ids[:count])

    def repeat(self, num_samples: int) -> "NextWords":
        """Every row `num_samples` times."""
        return NextWords(*(part.repeat_interleave(num_samples, 0) for part in (self.logits, self.ids)))


class OutputHead:
    """A causal language model that tells the likeliest next words in place of all logits.

    A model that does more to its logits than multiply (bias, soft-capping, scaling) is asked for them itself: whether
    it does is found out by comparing the two on a probe.
    """

    def __init__(self, model: Any, num_words: int) -> None:  # noqa: ANN401
        """`model` is of transformers or peft, `num_words` K."""
        self.model, self._num_words = model, num_words
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        self._decoder, self._weight = base.get_decoder(), base.get_output_embeddings().weight  # (V, H)
        self._buffer: Tensor = self._weight.new_empty(0)
        self._multiplies = self._is_all_the_model_does()
        self.shares_beginnings = self._multiplies and attends_beginnings(model)
        norm = getattr(self._decoder, "norm", None)  # so called by Gemma, Llama, Qwen, Mistral
        self._screen = Screen.of(self._weight, norm) if self._multiplies and norm is not None else None

    def read(self, **inputs: Any) -> None:  # noqa: ANN401 - of the model's forward
        """Fill the cache alone."""
        self._decoder(**inputs, use_cache=True)

    def next_words(self, **inputs: Any) -> NextWords:  # noqa: ANN401 - of the model's forward
        """The words after the last token of every row; inputs as the model takes them, cache included."""
        if self._multiplies:
            return self._multiplied(self._decoder(**inputs, use_cache=True).last_hidden_state[:, -1])
        # an index, not the number 1: that is a slice, for which torch copies the output matrix once a row (12 s)
        last = torch.tensor([inputs["input_ids"].shape[1] - 1], device=self._weight.device)
        told = self.model(**inputs, use_cache=True, logits_to_keep=last).logits[:, -1]  # (B, V)
        logits = self._room(len(told))
        logits[: told.shape[1]] = told.T
        return self._picked(logits, _maxima(logits), self._num_words)

    @torch.no_grad()
    def _is_all_the_model_does(self) -> bool:
        probe = torch.tensor([_PROBE], device=self._weight.device)
        told = self.model(input_ids=probe).logits[0, -1].float()
        ours = (self._weight @ self._decoder(input_ids=probe).last_hidden_state[0, -1]).float()
        return told.shape == ours.shape and torch.allclose(told, ours, rtol=0.02, atol=0.02 * float(told.abs().max()))

    def _multiplied(self, states: Tensor) -> NextWords:
        """From the last states (B, H): logits a part at a time, whose maxima are taken while they are in the cache."""
        num_rows = len(states)
        num_columns = num_rows if num_rows == 1 else -(-num_rows // _COLUMNS) * _COLUMNS  # B'
        padded = pad(states, (0, 0, 0, num_columns - num_rows))  # (B', H)
        if self._screen is None:
            return self._searched(self._product(padded), num_columns, self._num_words).rows(num_rows)
        listed = self._searched(self._screen.product(padded), num_columns, self._num_words + MARGIN).rows(num_rows)
        return self._chosen(states, listed.ids)

    def _product(self, states: Tensor) -> Callable[[slice, Tensor], None]:
        """What writes, for some words, their logits for states (B, H) into (words, B)."""
        columns = states.T.contiguous()

        def multiply(words: slice, out: Tensor) -> None:
            torch.mm(self._weight[words], columns, out=out)

        return multiply

    def _searched(self, multiply: Callable[[slice, Tensor], None], num_columns: int, count: int) -> NextWords:
        num_words = len(self._weight)
        logits = self._room(num_columns)  # (V, B')
        maxima = []
        size = _PART if logits.device.type == "cpu" else len(logits)  # an accelerator takes all at once
        for start in range(0, num_words, size):
            part = logits[start : start + size]
            multiply(slice(start, min(start + size, num_words)), part[: num_words - start])
            maxima.append(_maxima(part))
        return self._picked(logits, torch.cat(maxima), count)

    def _chosen(self, states: Tensor, ids: Tensor) -> NextWords:
        """The likeliest of some words (B, C) for states (B, H), by their logits in float32."""
        logits = torch.bmm(self._weight[ids].float(), states.float()[:, :, None])[:, :, 0]  # (B, C)
        top, places = logits.topk(min(self._num_words, len(self._weight)), 1)
        return NextWords(top, ids.gather(1, places))

    def _room(self, num_rows: int) -> Tensor:
        """A buffer (V, B) that is used again; words that the vocabulary does not have are never likely."""
        num_words = -(-len(self._weight) // _BLOCK) * _BLOCK
        if self._buffer.numel() < num_words * num_rows:
            self._buffer = self._weight.new_empty(num_words * num_rows)
        logits: Tensor = self._buffer[: num_words * num_rows].view(num_words, num_rows)
        logits[len(self._weight) :] = float("-inf")
        return logits

    def _picked(self, logits: Tensor, maxima: Tensor, count: int) -> NextWords:
        rows = torch.arange(logits.shape[1], device=logits.device)
        blocks = maxima.topk(min(count, len(maxima)), 0).indices  # (K, B)
        found = logits.view(-1, _BLOCK, len(rows))[blocks, :, rows].transpose(0, 1).flatten(1)  # (B, K · block)
        top, places = found.topk(min(count, len(self._weight)), 1)
        ids = blocks.T.gather(1, places // _BLOCK) * _BLOCK + places % _BLOCK
        return NextWords(top.float(), ids)


def _maxima(logits: Tensor) -> Tensor:
    """The largest of each block: (words / block, B) of logits (words, B)."""
    return logits.view(-1, _BLOCK, logits.shape[1]).amax(1)
