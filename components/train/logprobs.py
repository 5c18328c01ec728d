"""Log-probabilities of responses, with gradients: prompts, and what they begin with, computed once, logits never held.

Notation: B responses of up to C tokens to U ≤ B different prompts of up to P tokens; H hidden size; V vocabulary;
N the unpadded response tokens of the batch; K words that a token was drawn from. The numbers are those of a plain
forward pass up to the rounding of the model's dtype; over the whole vocabulary gradients and entropies leave improbable
words out, which moves gradients by less than 1e-4 (tests/train/test_logprobs.py, docs/LOG.md).

With activation checkpointing every row is a whole text, its prompt computed with it.

A token sampled with top-k comes from the softmax over K words, not over the vocabulary. Where these words are known
(`support`), log-probabilities are of that distribution: the policy that is trained is the one that was sampled, as with
DeepSeek-V3.2's "keep sampling mask" (arXiv 2512.02556, section 3.1), and the output matrix is read for K words a token.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from components.contracts import PipelineError
from components.generation.sampler import num_shared_tokens

_VOCAB_CHUNK = 4096  # words and
_ROW_CHUNK = 1024  # rows whose float32 logits (16 MB) stay in the processor's cache
_SUPPORT_ROWS = 128  # tokens whose words' vectors are held together (20 MB of Gemma 3 270M's)
_MIN_PROBABILITY = 1e-7  # a word less probable than this in every row of a chunk is left out of E_p[W]
_WORD_STEP = 512  # a chunk's words and
_ROW_STEP = 16  # its rows are filled up to multiples: oneDNN compiles a product for each new shape (docs/LOG.md)
_BENT = ("final_logit_softcapping", "logit_scale", "logits_scaling", "lm_head_multiplier")  # of configurations


def told_of(
    model: Any,  # noqa: ANN401 - a PeftModel or a causal language model
    part: Mapping[str, Any],
    temperature: float,
    states: Tensor | None = None,
) -> dict[str, Tensor]:
    """Log-probabilities and entropies of every response token.

    Args:
        part: `prompt_ids` and `prompt_mask` (B, P) int64, padded on the left; equal rows are computed once.
            `completion_ids` and `completion_mask` (B, C) int64, padded on the right.
            Perhaps `support` (B, C, K) int32, the words that each token was drawn from, its own among them: what is
            told is among these alone; without it, over the whole vocabulary.
        temperature: divides the logits, as it did when the responses were sampled.
        states: (B, W, H), where `states_of` has told them already.

    Returns:
        `logps` and `entropies`, (B, C) float32, 0 where the mask is 0. Only the first carries gradients.

    Raises:
        PipelineError: The model bends its logits after the output matrix (soft-capping, scaling, a bias).
    """
    if states is None:
        states = states_of(model, part)
    base, width, support = _base(model), states.shape[1], part.get("support")
    _refuse_bent_logits(base)
    ids, full_mask = part["completion_ids"], part["completion_mask"].bool()
    mask = full_mask[:, :width]
    drawn_from = None if support is None else support[:, :width][mask]
    arguments = (states[mask], base.get_output_embeddings().weight, ids[:, :width][mask], temperature, drawn_from)
    picked, spread = _TargetLogps.apply(*arguments)  # type: ignore[no-untyped-call] # torch leaves `apply` untyped
    nothing = torch.zeros(ids.shape, device=ids.device)
    return {
        "logps": nothing.masked_scatter(full_mask, picked),
        "entropies": nothing.masked_scatter(full_mask, spread),
    }


def states_of(model: Any, part: Mapping[str, Any]) -> Tensor:  # noqa: ANN401 - as `told_of`
    """The last layer's state (B, W, H) from which each response token is predicted; W ≤ C: the longest response."""
    width = int(part["completion_mask"].sum(1).max())
    ids, mask = part["completion_ids"][:, :width], part["completion_mask"][:, :width].bool()
    return _response_states(_base(model).get_decoder(), part["prompt_ids"], part["prompt_mask"], ids, mask)


def shared_tokens_of(model: Any, max_new_tokens: int) -> Callable[[Sequence[list[int]]], int] | None:  # noqa: ANN401
    """How many tokens of some prompts, lists of ids (P,), are computed once; None where every row is a whole text."""
    if _recomputes(_base(model).get_decoder()):
        return None
    return partial(num_shared_tokens, max_new_tokens=max_new_tokens, config=model.config.get_text_config())


def _base(model: Any) -> Any:  # noqa: ANN401
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _response_states(decoder: Any, prompt_ids: Tensor, prompt_mask: Tensor, ids: Tensor, mask: Tensor) -> Tensor:  # noqa: ANN401
    """The hidden state (B, C, H) from which each response token is predicted."""
    width = int(prompt_mask.sum(1).max())
    if _recomputes(decoder):
        attended = torch.cat([prompt_mask[:, -width:], mask[:, :-1].to(prompt_mask.dtype)], 1)
        return _recomputed_pass(decoder, torch.cat([prompt_ids[:, -width:], ids[:, :-1]], 1), attended)[:, width - 1 :]
    prompts = torch.cat([prompt_ids[:, -width:], prompt_mask[:, -width:]], 1)  # (B, 2P)
    rows, group = torch.unique(prompts, dim=0, return_inverse=True)  # (U, 2P), (B,)
    alone = len(rows) == len(prompts)  # no prompt has several responses
    rows = prompts if alone else rows
    cache = DynamicCache(config=decoder.config)
    own, seen = _begin(decoder, cache, rows[:, :width], rows[:, width:], ids.shape[1])
    before, attended = ids[:, :-1], mask[:, :-1].to(seen.dtype)  # each token is predicted from those before it
    if alone:  # one pass over prompts and responses costs less than one over each
        states = _pass(decoder, cache, torch.cat([own, before], 1), torch.cat([seen, attended], 1))
        return states[:, own.shape[1] - 1 :]
    first = _pass(decoder, cache, own, seen)[:, -1:][group]  # (B, 1, H)
    if ids.shape[1] == 1:
        return first
    cache.batch_select_indices(group)
    return torch.cat([first, _pass(decoder, cache, before, torch.cat([seen[group], attended], 1))], 1)


def _begin(
    decoder: Any,  # noqa: ANN401
    cache: DynamicCache,
    prompts: Tensor,
    mask: Tensor,
    num_response_tokens: int,
) -> tuple[Tensor, Tensor]:
    """Fill the cache with what all prompts (U, P) begin with, computed once.

    Returns:
        The prompts' own tokens (U, P - L), padded on the left, and the mask (U, P) of the beginning and of these.
    """
    lengths = mask.sum(1, keepdim=True)  # (U, 1)
    unpadded = [row[-int(length) :] for row, length in zip(prompts.tolist(), lengths, strict=True)]
    num_shared = num_shared_tokens(unpadded, num_response_tokens, decoder.config.get_text_config())  # L
    if not num_shared:
        return prompts, mask
    shared = torch.tensor([unpadded[0][:num_shared]], device=prompts.device)  # (1, L)
    decoder(input_ids=shared, past_key_values=cache, use_cache=True)
    cache.batch_repeat_interleave(len(prompts))
    own_width = int(lengths.max()) - num_shared
    columns = torch.arange(own_width, device=prompts.device)
    own = (columns >= own_width - (lengths - num_shared)).to(mask.dtype)  # (U, P - L): the shared part is not in it
    return prompts[:, -own_width:], torch.cat([own.new_ones(len(prompts), num_shared), own], 1)


def _recomputes(decoder: Any) -> bool:  # noqa: ANN401
    """Whether its layers are computed again for the backward pass."""
    return bool(getattr(decoder, "gradient_checkpointing", False))


def _recomputed_pass(decoder: Any, ids: Tensor, mask: Tensor) -> Tensor:  # noqa: ANN401
    """The last layer's states (B, T, H) of whole texts: a layer that is computed again would fill a cache twice."""
    decoder.train()  # the mode in which they are
    states: Tensor = decoder(
        input_ids=ids, attention_mask=mask, position_ids=(mask.cumsum(1) - 1).clamp(min=0), use_cache=False
    ).last_hidden_state
    return states


def _pass(decoder: Any, cache: DynamicCache, ids: Tensor, mask: Tensor) -> Tensor:  # noqa: ANN401
    """The last layer's states (B, T, H) of `ids` (B, T), the last T columns of what `mask` covers with the cache."""
    states: Tensor = decoder(
        input_ids=ids,
        attention_mask=mask,
        position_ids=(mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :],
        past_key_values=cache,
        use_cache=True,
    ).last_hidden_state
    return states


class _TargetLogps(torch.autograd.Function):
    """log softmax(h Wᵀ / τ) at the targets: over the words of `support` (N, K), or streamed over the whole vocabulary.

    Because W is frozen, the only gradient is d logp_t / dh = (W_t - E_p[W]) / τ. E_p[W] is gathered in the same pass as
    the normaliser, so the backward multiplies nothing by the output matrix again. The entropy falls out as well:
    log Z - h · E_p[W] / τ.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch's context
        hidden: Tensor,
        weight: Tensor,
        targets: Tensor,
        temperature: float,
        support: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        logps = torch.empty(len(hidden), device=hidden.device)  # (N,)
        entropy = torch.empty_like(logps)
        direction = torch.empty(hidden.shape, device=hidden.device)  # (N, H) float32
        size = _ROW_CHUNK if support is None else _SUPPORT_ROWS
        for start in range(0, len(hidden), size):
            rows = slice(start, start + size)
            target_weight = weight[targets[rows]].float()
            scaled = hidden[rows].float() / temperature
            target_logits = (scaled * target_weight).sum(-1)
            if support is None:
                log_z, mean_weight = _stream(hidden[rows], weight, temperature, target_logits)
            else:
                log_z, mean_weight = _gather(scaled, weight, support[rows])
            logps[rows] = target_logits - log_z
            entropy[rows] = log_z - (scaled * mean_weight).sum(-1)
            direction[rows] = (target_weight - mean_weight) / temperature
        ctx.save_for_backward(direction)
        ctx.dtype = hidden.dtype
        ctx.mark_non_differentiable(entropy)
        return logps, entropy

    @staticmethod
    def backward(ctx: Any, grad_logps: Tensor, _grad_entropy: Tensor) -> tuple[Tensor, None, None, None, None]:  # noqa: ANN401
        (direction,) = ctx.saved_tensors
        return (grad_logps[:, None] * direction).to(ctx.dtype), None, None, None, None


def _gather(scaled: Tensor, weight: Tensor, support: Tensor) -> tuple[Tensor, Tensor]:
    """log Z (R,) and E_p[W] (R, H), both float32, over each row's words (R, K); `scaled`: h / τ."""
    words = weight[support.long()].float()  # (R, K, H)
    logits = torch.bmm(words, scaled[:, :, None])[:, :, 0]  # (R, K)
    return logits.logsumexp(-1), torch.bmm(logits.softmax(-1)[:, None], words)[:, 0]


def _stream(hidden: Tensor, weight: Tensor, temperature: float, known: Tensor) -> tuple[Tensor, Tensor]:
    """log Z (R,) and E_p[W] (R, H), both float32, of softmax(h Wᵀ / τ) for R rows.

    Words are rows here and rows columns: processors multiply that way round faster (docs/LOG.md). log Z is over every
    word. E_p[W] leaves words out that are improbable in all rows, and with them most of its products; `known` (R,),
    one logit / τ of each row, bounds probabilities before the largest logit is met.
    """
    num_rows = len(hidden)
    rows = torch.arange(_filled(num_rows, _ROW_STEP), device=hidden.device).clamp(max=num_rows - 1)  # the last again
    columns = hidden[rows].T.contiguous()  # (H, R), R from here on as filled up
    top = known[rows].float()
    total = torch.zeros_like(top)
    mean, kept = torch.zeros(columns.shape, device=hidden.device), torch.zeros_like(top)  # (H, R), (R,)
    for part in weight.split(_VOCAB_CHUNK):
        logits = (part @ columns).float()  # (Vc, R)
        if temperature != 1:  # a pass over all logits that the usual case need not pay
            logits /= temperature
        new_top = torch.maximum(top, logits.amax(0))
        shrink = (top - new_top).exp()
        weights = logits.sub_(new_top).exp_()  # at least the probabilities, because Z is at least exp(new_top)
        total = total * shrink + weights.sum(0)
        highest = weights.amax(1)  # (Vc,)
        num_words = _filled(int((highest > _MIN_PROBABILITY).sum()), _WORD_STEP)
        words = highest.topk(min(num_words, len(part)), sorted=False).indices
        weights = weights[words]
        kept = kept * shrink + weights.sum(0)
        mean = mean.mul_(shrink).add_(part[words].T @ weights.to(part.dtype))
        top = new_top
    return (top + total.log())[:num_rows], (mean / kept).T[:num_rows]


def _filled(count: int, step: int) -> int:
    return -(-count // step) * step


def _refuse_bent_logits(base: Any) -> None:  # noqa: ANN401
    config = base.config.get_text_config()
    bent = [key for key in _BENT if getattr(config, key, None)]
    if getattr(base.get_output_embeddings(), "bias", None) is not None:
        bent.append("a bias of its output matrix")
    if bent:
        raise PipelineError(
            f"params.yaml: `models.policy`: {config.model_type} sets {', '.join(bent)}, which training does not support"
        )
