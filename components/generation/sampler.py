"""Batched generation: one prefill a prompt shared by its samples, top-k before the softmax, finished rows dropped.

Notation: U prompts, S samples of each, B = U·S rows, P prompt tokens (left-padded), T generated tokens, V vocabulary.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

# Rows are dropped from the batch once this share of them has finished: copying the cache costs about one decode step.
_COMPACT_AT_SHARE = 0.25


@dataclass(frozen=True)
class Decoding:
    """How tokens are chosen. `temperature` 0 is greedy; `top_k` bounds the candidates of a sample."""

    max_new_tokens: int
    temperature: float = 0.0
    top_k: int = 64


@dataclass(frozen=True)
class Generated:
    """One response as ids, its stop token included; `truncated` where the length limit ended it.

    `logps` are the chosen tokens' log-probabilities under the whole vocabulary at the decoding's temperature
    (at 1 for greedy), or empty where not asked for.
    """

    token_ids: list[int]
    truncated: bool
    logps: list[float]


def generate(
    model: Any,  # noqa: ANN401 - any causal language model of transformers or peft
    prompts: Sequence[list[int]],
    decoding: Decoding,
    *,
    stop_ids: Tensor,
    pad_id: int,
    num_samples: int = 1,
    batch_size: int = 64,
    with_logps: bool = False,
    on_progress: Callable[[int], None] = lambda _count: None,
) -> list[list[Generated]]:
    """Generate `num_samples` responses to each prompt, prompts of like length together.

    Args:
        prompts: U lists of token ids.
        stop_ids: (S,) int64, each ends a response.
        batch_size: rows decoded together; rounded down to whole prompts, at least one.
        on_progress: called with the number of prompts just finished.

    Returns:
        For each prompt, in the given order, its responses. Sampling draws from torch's global generator.
    """
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    results: list[list[Generated]] = [[] for _ in prompts]
    step = max(1, batch_size // num_samples)
    for start in range(0, len(order), step):
        chunk = order[start : start + step]
        rows = _generate_batch(
            model, [prompts[i] for i in chunk], decoding, stop_ids, pad_id, num_samples, with_logps
        )
        for position, index in enumerate(chunk):
            results[index] = rows[position * num_samples : (position + 1) * num_samples]
        on_progress(len(chunk))
    return results


def left_pad(rows: Sequence[list[int]], pad_id: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Ids (U, P) and mask (U, P), both int64, padded on the left."""
    width = max(len(row) for row in rows)
    ids = torch.tensor([[pad_id] * (width - len(row)) + row for row in rows], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
    return ids, mask


@torch.inference_mode()
def _generate_batch(
    model: Any,  # noqa: ANN401
    prompts: Sequence[list[int]],
    decoding: Decoding,
    stop_ids: Tensor,
    pad_id: int,
    num_samples: int,
    with_logps: bool,
) -> list[Generated]:
    device = model.device
    stop_ids = stop_ids.to(device)
    ids, mask = left_pad(prompts, pad_id, device)  # (U, P)
    cache = DynamicCache(config=model.config)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    output = model(
        input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True, logits_to_keep=1
    )
    logits = output.logits[:, -1].repeat_interleave(num_samples, 0)  # (B, V)
    cache.batch_repeat_interleave(num_samples)
    mask = mask.repeat_interleave(num_samples, 0)
    position = positions[:, -1].repeat_interleave(num_samples, 0)  # (B,)

    num_rows = len(prompts) * num_samples
    rows = torch.arange(num_rows, device=device)  # which response each row of the batch belongs to
    finished = torch.zeros(num_rows, dtype=torch.bool, device=device)
    tokens = torch.full((num_rows, decoding.max_new_tokens), -1, device=device)  # (B, T); -1: not generated
    logps = torch.zeros((num_rows, decoding.max_new_tokens), device=device)
    for step in range(decoding.max_new_tokens):
        chosen, logp = _choose(logits, decoding, with_logps)
        tokens[rows[~finished], step] = chosen[~finished]
        logps[rows[~finished], step] = logp[~finished]
        finished |= torch.isin(chosen, stop_ids)
        if finished.all() or step + 1 == decoding.max_new_tokens:
            break
        if finished.float().mean() >= _COMPACT_AT_SHARE:
            keep = (~finished).nonzero().squeeze(1)
            cache.batch_select_indices(keep)
            rows, chosen, mask = rows[keep], chosen[keep], mask[keep]
            position, finished = position[keep], finished[keep]
        position = position + 1
        mask = torch.cat([mask, mask.new_ones(len(rows), 1)], 1)
        output = model(
            input_ids=chosen[:, None], attention_mask=mask, position_ids=position[:, None], past_key_values=cache,
            use_cache=True,
        )  # fmt: skip
        logits = output.logits[:, -1]
    return [_collect(t, p, stop_ids, with_logps) for t, p in zip(tokens, logps, strict=True)]


def _choose(logits: Tensor, decoding: Decoding, with_logps: bool) -> tuple[Tensor, Tensor]:
    """Next tokens (B,) int64 and their log-probabilities (B,) float32 (zeros where not asked for)."""
    scale = decoding.temperature or 1.0
    if decoding.temperature == 0:
        # topk(1): ten times faster than argmax on bf16 logits of 262,144 words (measured, docs/LOG.md)
        values, indices = logits.topk(1, dim=-1)
        chosen, value = indices[:, 0], values[:, 0].float()
    else:
        values, indices = logits.topk(min(decoding.top_k, logits.shape[-1]), dim=-1)  # (B, K)
        pick = torch.multinomial((values.float() / scale).softmax(-1), 1)
        chosen, value = indices.gather(1, pick)[:, 0], values.gather(1, pick)[:, 0].float() / scale
    if not with_logps:
        return chosen, torch.zeros_like(value)
    return chosen, value - torch.logsumexp(logits.float() / scale, -1)


def _collect(tokens: Tensor, logps: Tensor, stop_ids: Tensor, with_logps: bool) -> Generated:
    ids = [int(t) for t in tokens if t >= 0]
    truncated = not ids or not bool(torch.isin(tokens[len(ids) - 1], stop_ids))
    return Generated(ids, truncated, logps[: len(ids)].tolist() if with_logps else [])
