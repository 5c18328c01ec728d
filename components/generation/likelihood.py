"""Log-probabilities of given continuations: how a base model answers questions with choices."""

from collections.abc import Sequence
from typing import Any

import torch

from components.generation.sampler import left_pad


@torch.inference_mode()
def continuation_logps(
    model: Any,  # noqa: ANN401 - any causal language model of transformers or peft
    asked: Sequence[tuple[list[int], Sequence[list[int]]]],
    *,
    pad_id: int,
    batch_size: int,
) -> list[list[float]]:
    """Sum of the log-probabilities of each continuation's tokens (natural logarithm, over the whole vocabulary).

    Texts of like length are computed together, and those that differ in their last token alone are one.

    Args:
        asked: A prompt's token ids, and its continuations' (each at least one token).
        batch_size: Texts computed together.
    """
    wanted: dict[tuple[int, ...], list[tuple[int, int, list[int]]]] = {}
    for question, (prompt, continuations) in enumerate(asked):
        for choice, ids in enumerate(continuations):
            wanted.setdefault((*prompt, *ids[:-1]), []).append((question, choice, ids))
    logps = [[0.0] * len(continuations) for _, continuations in asked]
    texts = sorted(wanted, key=len)
    for start in range(0, len(texts), batch_size):
        batch = texts[start : start + batch_size]
        for row, text in enumerate(_last_logps(model, batch, _longest(wanted, batch), pad_id)):
            for question, choice, ids in wanted[batch[row]]:
                told = text[-len(ids) :].gather(1, torch.tensor(ids, device=text.device)[:, None])
                logps[question][choice] = float(told.sum())
    return logps


def _longest(wanted: dict[tuple[int, ...], list[tuple[int, int, list[int]]]], batch: Sequence[tuple[int, ...]]) -> int:
    return max(len(ids) for text in batch for _, _, ids in wanted[text])


def _last_logps(model: Any, batch: Sequence[tuple[int, ...]], num_last: int, pad_id: int) -> torch.Tensor:  # noqa: ANN401
    """Log-probabilities (B, num_last, V) float32 of the words after each of the last tokens."""
    ids, mask = left_pad([list(text) for text in batch], pad_id, model.device)  # (B, T)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    # an index, not a number: that is a slice, for which torch copies the output matrix once a row
    last = torch.arange(max(0, ids.shape[1] - num_last), ids.shape[1], device=model.device)
    told = model(input_ids=ids, attention_mask=mask, position_ids=positions, logits_to_keep=last).logits
    return torch.as_tensor(told.float().log_softmax(-1))
