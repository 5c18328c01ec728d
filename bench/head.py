"""Measure how the sampler finds likely words: a list by products of eight bits, or all logits in the model's dtype.

Needs the packaged model and problems (`dvc repro problems`). Run alone: `python -m bench.head`. Seconds are medians of
alternated calls; what is right is by all logits in float32, of the model's states after questions in every language.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from components.environment import prepare_process

ROWS = (128, 64, 16)
NUM_WORDS = 64
REPEATS = 9


@torch.inference_mode()
def main() -> None:
    """Print a table."""
    prepare_process(offline=True)
    from components.contracts import read_manifest
    from components.generation.head import OutputHead
    from components.generation.models import load_model
    from components.params import load_params

    model = load_model(read_manifest().policy, load_params().models.dtype)
    screened, plain = OutputHead(model, NUM_WORDS), OutputHead(model, NUM_WORDS)
    plain._screen = None
    print(f"{plain._weight.dtype}, {torch.get_num_threads()} threads, screen: {screened._screen is not None}")
    states = _states(model, max(ROWS))
    exact = (states.float() @ plain._weight.float().T).topk(NUM_WORDS, 1)
    print("| rows | ms, list | ms, all logits | same words, list | same words, all logits |")
    print("| --- | --- | --- | --- | --- |")
    for num_rows in ROWS:
        own = states[:num_rows]
        seconds, shares = ([], []), []
        for _ in range(REPEATS):
            for head, taken in zip((screened, plain), seconds, strict=True):
                taken.append(_seconds(lambda head=head, own=own: head._multiplied(own)))
        for head in (screened, plain):
            words = head._multiplied(own)
            shares.append(_common(words.ids, exact.indices[:num_rows]))
        times = " | ".join(f"{1000 * statistics.median(taken):.0f}" for taken in seconds)
        print(f"| {num_rows} | {times} | {' | '.join(f'{100 * share:.2f} %' for share in shares)} |")


def _states(model: torch.nn.Module, count: int) -> Tensor:
    """The last states (B, H) of as many questions."""
    from components.contracts import read_manifest
    from components.generation.models import load_tokenizer
    from components.questions import read_questions

    tokenizer = load_tokenizer(read_manifest().policy)
    asked = [q.asked for q in read_questions(Path("data/problems/train.jsonl"))][:count]
    return torch.cat([model.get_decoder()(**tokenizer(text, return_tensors="pt"))[0][:, -1] for text in asked])


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _common(found: Tensor, right: Tensor) -> float:
    """The share of the right words (B, K) that were found."""
    return (found[:, :, None] == right[:, None]).any(1).float().mean().item()


if __name__ == "__main__":
    main()
