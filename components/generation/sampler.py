"""Batched generation: each prompt is computed once for all its samples, and what prompts begin with in common (a
language's worked examples) once for all of them and kept once; top-k before the softmax; finished rows are dropped.

Prompts of several languages are decoded together: a step of few rows costs nearly as much as one of many.

Notation: U prompts, S samples of each, B = U·S rows, L tokens that prompts begin with in common, P prompt tokens
in the cache (without the L where the cache does not hold them), T generated tokens, V vocabulary.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import Cache

from components.generation.attention import growing_cache, joined_caches, repeated_cache, use_grouped_decode
from components.generation.beginnings import Beginnings
from components.generation.head import NextWords, OutputHead

# Rows are dropped from the batch once this share of them has finished: copying the cache costs about one decode step.
_COMPACT_AT_SHARE = 0.25

# A shorter common beginning is not worth a forward pass of its own.
_MIN_SHARED_TOKENS = 16


@dataclass(frozen=True)
class Decoding:
    """How tokens are chosen. `temperature` 0 is greedy; `top_k` bounds the candidates of a sample."""

    max_new_tokens: int
    temperature: float = 0.0
    top_k: int = 64


@dataclass(frozen=True)
class Generated:
    """One response as ids (T,), its stop token included; `truncated` where the length limit ended it.

    `logps` are the chosen tokens' log-probabilities among the words that they were drawn from, at the decoding's
    temperature (1 for greedy: among the `top_k` likeliest), and `support` those words: (T, K) int32. Both are empty
    where not asked for, `support` also where another sampler does not tell them (K = 0).
    """

    token_ids: list[int]
    truncated: bool
    logps: list[float]
    support: Tensor = field(compare=False)


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
    is_complete: Callable[[int, list[int]], bool] | None = None,
) -> list[list[Generated]]:
    """Generate `num_samples` responses to each prompt, prompts of like beginning and length together.

    Args:
        prompts: U lists of token ids.
        stop_ids: (S,) int64, each ends a response.
        batch_size: rows decoded together; rounded down to whole prompts, at least one.
        is_complete: whether a response to the prompt of this number, of these ids, is at its end, where no single token
            ends it; asked after each token.

    Returns:
        For each prompt, in the given order, its responses. Sampling draws from torch's global generator.
    """
    use_grouped_decode(model)
    head = OutputHead(model, decoding.top_k if decoding.temperature or with_logps else 1)
    order = sorted(range(len(prompts)), key=lambda i: (prompts[i][:_MIN_SHARED_TOKENS], len(prompts[i])))
    results: list[list[Generated]] = [[] for _ in prompts]
    step = max(1, batch_size // num_samples)
    for start in range(0, len(order), step):
        chunk = order[start : start + step]
        asked = [prompts[i] for i in chunk]
        ends = None if is_complete is None else [partial(is_complete, i) for i in chunk]
        rows = _generate_batch(head, asked, decoding, stop_ids, pad_id, num_samples, with_logps, ends)
        for position, index in enumerate(chunk):
            results[index] = rows[position * num_samples : (position + 1) * num_samples]
    return results


def left_pad(rows: Sequence[list[int]], pad_id: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Ids (U, P) and mask (U, P), both int64, padded on the left."""
    width = max(len(row) for row in rows)
    ids = torch.tensor([[pad_id] * (width - len(row)) + row for row in rows], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
    return ids, mask


def num_shared_tokens(prompts: Sequence[list[int]], max_new_tokens: int, config: Any) -> int:  # noqa: ANN401
    """Tokens that all prompts begin with, if it pays to compute them once and padding may follow them."""
    return 0 if outgrows_window(prompts, max_new_tokens, config) else num_common_tokens(prompts)


def outgrows_window(prompts: Sequence[list[int]], max_new_tokens: int, config: Any) -> bool:  # noqa: ANN401
    """Whether a text can grow longer than a sliding window of the model.

    With padding between two parts of such a text, the window would reach less far back than without.
    """
    window = getattr(config, "sliding_window", None)
    return window is not None and max(map(len, prompts)) + max_new_tokens > window


def num_common_tokens(prompts: Sequence[list[int]]) -> int:
    """Tokens that all prompts begin with, 0 where they are few; each prompt keeps at least one of its own."""
    if len(prompts) < 2:
        return 0
    first, last = min(prompts), max(prompts)  # in lexicographic order the two furthest apart
    limit = min(len(prompt) for prompt in prompts) - 1
    common = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), limit)
    common = min(common, limit)
    return common if common >= _MIN_SHARED_TOKENS else 0


@dataclass(frozen=True)
class _Read:
    """Prompts that were computed."""

    cache: Cache
    mask: Tensor
    """(U, P)."""
    words: NextWords
    """That come next."""
    beginnings: Beginnings | None
    """What the cache does not hold."""

    @property
    def num_tokens(self) -> Tensor:
        """(U,) of each prompt."""
        own = self.mask.sum(1)
        return own if self.beginnings is None else own + self.beginnings.num_tokens.to(own.device)


def _read_prompts(head: OutputHead, prompts: Sequence[list[int]], max_new_tokens: int, pad_id: int) -> Iterator[_Read]:
    """Of prompts that begin alike, what all begin with is computed once; in order."""
    config = head.model.config.get_text_config()  # of a model that reads images too, the part that writes
    num_shared = num_common_tokens(prompts)  # L
    shared = growing_cache(config.num_hidden_layers)
    if num_shared:
        head.read(input_ids=torch.tensor([prompts[0][:num_shared]], device=head.model.device), past_key_values=shared)
    outgrows = outgrows_window(prompts, max_new_tokens, config)
    if num_shared and head.shares_beginnings and not outgrows:  # in a window, distances would be wrong
        cache, beginnings = growing_cache(config.num_hidden_layers), Beginnings.of(shared, len(prompts))
        yield _read_rest(head, prompts, num_shared, cache, beginnings, pad_id)
        return
    together = [prompts]
    if num_shared and outgrows:
        together = [list(own) for _, own in groupby(prompts, key=len)]  # which need no padding
    for own in together:
        cache = repeated_cache(shared, len(own)) if num_shared else growing_cache(config.num_hidden_layers)
        yield _read_rest(head, own, num_shared, cache, None, pad_id)


def _read_rest(
    head: OutputHead,
    prompts: Sequence[list[int]],
    num_shared: int,
    cache: Cache,
    beginnings: Beginnings | None,
    pad_id: int,
) -> _Read:
    """What follows the first L tokens of each prompt, which are in the cache, or `beginnings`."""
    ids, own_mask = left_pad([prompt[num_shared:] for prompt in prompts], pad_id, head.model.device)  # (U, P - L)
    positions = num_shared + (own_mask.cumsum(1) - 1).clamp(min=0)
    mask = own_mask if beginnings else torch.cat([own_mask.new_ones(len(ids), num_shared), own_mask], 1)  # (U, P)
    words = head.next_words(
        input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, **_handed(beginnings)
    )
    return _Read(cache, mask, words, beginnings)


def _handed(beginnings: Beginnings | None) -> dict[str, Beginnings]:
    """What the decoder is called with beside its own arguments; most can do without."""
    return {} if beginnings is None else {"beginnings": beginnings}


@torch.inference_mode()
def _generate_batch(
    head: OutputHead,
    prompts: Sequence[list[int]],
    decoding: Decoding,
    stop_ids: Tensor,
    pad_id: int,
    num_samples: int,
    with_logps: bool,
    ends: Sequence[Callable[[list[int]], bool]] | None,
) -> list[Generated]:
    """`ends`: of each prompt, whether a response to it is complete."""
    device = head.model.device
    stop_ids = stop_ids.to(device)
    alike = [list(own) for _, own in groupby(prompts, key=lambda prompt: prompt[:_MIN_SHARED_TOKENS])]
    read = [each for own in alike for each in _read_prompts(head, own, decoding.max_new_tokens, pad_id)]
    cache = joined_caches([each.cache for each in read])
    width = cache.get_seq_length()
    mask = torch.cat([pad(each.mask, (width - each.mask.shape[1], 0)) for each in read])  # (U, P)
    position = torch.cat([each.num_tokens for each in read]).repeat_interleave(num_samples, 0) - 1  # (B,)
    beginnings = _joined_beginnings(read, num_samples)
    words = NextWords.join([each.words for each in read]).repeat(num_samples)
    cache.batch_repeat_interleave(num_samples)
    mask = mask.repeat_interleave(num_samples, 0)

    num_rows = len(prompts) * num_samples
    rows = torch.arange(num_rows, device=device)  # which response each row of the batch belongs to
    finished = torch.zeros(num_rows, dtype=torch.bool, device=device)
    truncated = torch.ones(num_rows, dtype=torch.bool, device=device)
    tokens = torch.full((num_rows, decoding.max_new_tokens), -1, device=device)  # (B, T); -1: not generated
    logps = torch.zeros((num_rows, decoding.max_new_tokens), device=device)
    shape = (num_rows, decoding.max_new_tokens if with_logps else 0, words.ids.shape[1])
    support = torch.zeros(shape, dtype=torch.int32, device=device)  # (B, T, K)
    for step in range(decoding.max_new_tokens):
        chosen, logp = _choose(words, decoding)
        tokens[rows[~finished], step] = chosen[~finished]
        if with_logps:
            logps[rows[~finished], step] = logp[~finished]
            support[rows[~finished], step] = words.ids[~finished].int()
        finished |= torch.isin(chosen, stop_ids)
        if ends is not None:
            for row in (~finished).nonzero()[:, 0].tolist():
                response = int(rows[row])
                finished[row] = ends[response // num_samples](tokens[response, : step + 1].tolist())
        truncated[rows[finished]] = False
        if finished.all() or step + 1 == decoding.max_new_tokens:
            break
        if finished.float().mean() >= _COMPACT_AT_SHARE:
            keep = (~finished).nonzero().squeeze(1)
            cache.batch_select_indices(keep)
            beginnings = beginnings and beginnings.select(keep)
            rows, chosen, mask = rows[keep], chosen[keep], mask[keep]
            position, finished = position[keep], finished[keep]
        position = position + 1
        mask = torch.cat([mask, mask.new_ones(len(rows), 1)], 1)
        words = head.next_words(
            input_ids=chosen[:, None],
            attention_mask=mask,
            position_ids=position[:, None],
            past_key_values=cache,
            **_handed(beginnings),
        )
    if not with_logps:
        logps = logps[:, :0]
    told = (tokens.cpu(), truncated.cpu(), logps.cpu())  # an accelerator would be asked for every token
    return [_collect(*row) for row in zip(*told, support, strict=True)]


def _joined_beginnings(read: Sequence[_Read], num_samples: int) -> Beginnings | None:
    """Of the rows of all, each prompt's `num_samples` times; None where every cache holds all."""
    like = next((each.beginnings for each in read if each.beginnings), None)
    if like is None:
        return None
    return Beginnings.join([each.beginnings or like.none(len(each.mask)) for each in read]).repeat(num_samples)


def _choose(words: NextWords, decoding: Decoding) -> tuple[Tensor, Tensor]:
    """Next tokens (B,) int64 and their log-probabilities (B,) float32 among the words drawn from."""
    logps = (words.logits / (decoding.temperature or 1.0)).log_softmax(-1)
    pick = torch.multinomial(logps.exp(), 1) if decoding.temperature else torch.zeros_like(words.ids[:, :1])
    return words.ids.gather(1, pick)[:, 0], logps.gather(1, pick)[:, 0]


def _collect(tokens: Tensor, truncated: Tensor, logps: Tensor, support: Tensor) -> Generated:
    ids = [int(t) for t in tokens if t >= 0]
    return Generated(ids, bool(truncated), logps[: len(ids)].tolist(), support[: len(ids)])
