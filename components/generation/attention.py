"""Attention and cache for decoding one token at a time in large batches.

transformers copies the whole cache at every step (`torch.cat`) and, for grouped-query models, once more for every query
head (`repeat_kv`): with 128 rows of 350 tokens that is gigabytes a step. Here the cache grows in place, and the query
heads that share a key head are attended as so many queries of it; what rows begin with in common is handed to every
layer as `beginnings` and is in no cache. The numbers are the same as transformers' own
(tests/generation/test_sampler.py); the times are in docs/LOG.md.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention
from transformers import AttentionInterface, Cache
from transformers.cache_utils import DynamicLayer
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from components.generation.beginnings import Beginnings

_NAME = "grouped_decode"
_GROWTH = 64  # tokens allocated at a time


def use_grouped_decode(model: Any) -> None:  # noqa: ANN401 - any causal language model
    """Switch a model that uses torch's own attention to ours; models with a kernel of their own are left alone."""
    if model.config._attn_implementation == "sdpa":
        AttentionInterface.register(_NAME, _attend)
        AttentionMaskInterface.register(_NAME, sdpa_mask)
        model.set_attn_implementation(_NAME)


class _Witness:
    """In place of beginnings: notes the layers that attend to it."""

    def __init__(self) -> None:
        self.layers: list[int] = []

    def attend(self, layer: int, query: Tensor, *_: Any) -> Tensor:  # noqa: ANN401
        """Nothing is attended to."""
        self.layers.append(layer)
        return torch.zeros_like(query.transpose(1, 2))


@torch.inference_mode()
def attends_beginnings(model: Any) -> bool:  # noqa: ANN401 - as above
    """Whether each layer attends once, by ours, to the beginnings that the model's decoder is called with."""
    if model.config._attn_implementation != _NAME:
        return False
    witness = _Witness()
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    with suppress(TypeError):  # of a decoder that takes nothing more than it knows
        base.get_decoder()(input_ids=torch.zeros((1, 1), dtype=torch.long, device=model.device), beginnings=witness)
    return sorted(witness.layers) == list(range(model.config.get_text_config().num_hidden_layers))


def growing_cache(num_layers: int) -> Cache:
    """A cache that keeps every token in place. Sliding windows are left to the mask."""
    return Cache(layers=[_GrowingLayer() for _ in range(num_layers)])  # type: ignore[no-untyped-call] # DynamicLayer's


def repeated_cache(cache: Cache, num_rows: int) -> Cache:
    """A cache of `num_rows` copies of the one row of `cache`, which stays as it is."""
    repeated = growing_cache(len(cache.layers))
    for number, layer in enumerate(cache.layers):
        own: Any = layer
        repeated_states = (states.expand(num_rows, -1, -1, -1) for states in (own.keys, own.values))
        repeated.update(*repeated_states, number)
    return repeated


def joined_caches(caches: Sequence[Cache]) -> Cache:
    """One cache of the rows of all, the shorter ones padded on the left with zeros, which a mask has to hide."""
    if len(caches) == 1:
        return caches[0]
    width = max(cache.get_seq_length() for cache in caches)
    joined = growing_cache(len(caches[0].layers))
    for number in range(len(joined.layers)):
        layers: list[Any] = [cache.layers[number] for cache in caches]
        keys, values = (
            torch.cat([pad(states, (0, 0, width - states.shape[-2], 0)) for states in side])
            for side in ([layer.keys for layer in layers], [layer.values for layer in layers])
        )
        joined.update(keys, values, number)
    return joined


class _GrowingLayer(DynamicLayer):
    """Keys and values (B, heads, T, D) as views of buffers with room for more tokens."""

    _buffers: tuple[Tensor, Tensor] | None = None

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:  # noqa: ANN401
        """Append (B, heads, t, D) and return all there is."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        old = self.get_seq_length()
        new = old + key_states.shape[-2]
        if self._buffers is None or new > self._buffers[0].shape[-2]:
            shape = (*key_states.shape[:2], new + _GROWTH, key_states.shape[-1])
            self._buffers = (key_states.new_empty(shape), value_states.new_empty(shape))
            if old and self.keys is not None and self.values is not None:
                self._buffers[0][:, :, :old], self._buffers[1][:, :, :old] = self.keys, self.values
        for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[:, :, old:new] = states
        self.keys, self.values = self._buffers[0][:, :, :new], self._buffers[1][:, :, :new]
        return self.keys, self.values

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Repeat every row; the copies need buffers of their own."""
        super().batch_repeat_interleave(repeats)
        self._buffers = None

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep the rows `indices`; the copies need buffers of their own."""
        super().batch_select_indices(indices)
        self._buffers = None


def _attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    *,
    beginnings: Beginnings | _Witness | None = None,
    **kwargs: Any,  # noqa: ANN401 - transformers' attention arguments
) -> tuple[Tensor, None]:
    """One query token (B, Hq, 1, D) against keys (B, Hkv, T, D); more tokens than one go to torch's own attention."""
    if beginnings is not None:
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        return beginnings.attend(int(module.layer_idx), query, key, value, attention_mask, scale), None  # type: ignore[arg-type]
    if query.shape[2] > 1:
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **kwargs)
    rows, num_heads, _, width = query.shape
    num_groups = num_heads // key.shape[1]
    grouped = query.reshape(rows, key.shape[1], num_groups, width)  # heads of one key head stand as its queries
    if attention_mask is not None:  # (B, 1, 1, T) bool, True where visible
        attention_mask = attention_mask[..., : key.shape[-2]].expand(-1, -1, num_groups, -1)
        if window := kwargs.get("sliding_window"):  # the mask hides what lies before it
            key, value, attention_mask = key[..., -window:, :], value[..., -window:, :], attention_mask[..., -window:]
    output = scaled_dot_product_attention(grouped, key, value, attn_mask=attention_mask, scale=scaling)
    return output.reshape(rows, 1, num_heads, width), None
