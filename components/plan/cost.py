"""From sizes and work to bytes and seconds."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil
import torch

from components.params import Params
from components.plan.shape import Shape
from components.plan.work import Work

_ADAM_BYTES = 16  # a LoRA parameter in float32: itself, its gradient, two moments
_HEAD_BYTES = 4096 * 1024 * 4 * 3  # of log-probabilities: a part of the logits, its exponentials, one more
_USED_SHARE = 0.35
"""Of a data sheet's speed that such work reaches. Our assumption, not measured: no accelerator was at hand."""


@dataclass(frozen=True)
class Device:
    """What computes."""

    name: str
    flops: float
    """A second, in the model's dtype, as reached."""
    bytes_per_s: float
    """Of its memory."""
    memory_bytes: float
    is_shared: bool = False
    """By all processes of a training; else each has one of its own."""


# Data sheets: dense bfloat16 operations a second, bytes a second, memory.
DATA_SHEETS = {
    "h100": (989e12, 3.35e12, 80e9),
    "h200": (989e12, 4.8e12, 141e9),
    "a100-80gb": (312e12, 2.04e12, 80e9),
    "l40s": (362e12, 0.864e12, 48e9),
}


def data_sheet(name: str) -> Device:
    """An accelerator that need not be here."""
    flops, bytes_per_s, memory = DATA_SHEETS[name]
    return Device(name, _USED_SHARE * flops, bytes_per_s, memory)


def this_machine(dtype: torch.dtype) -> Device:
    """Measured: a product such as a layer's, and a copy (a second or two)."""
    is_accelerated = torch.cuda.is_available()
    device = "cuda" if is_accelerated else "cpu"
    rows, inner, outer = (4096, 4096, 8192) if is_accelerated else (512, 1024, 2048)  # else the start would be measured
    left, right = (
        torch.randn(rows, inner, dtype=dtype, device=device),
        torch.randn(inner, outer, dtype=dtype, device=device),
    )
    product_s = _seconds(lambda: left @ right)
    block = torch.ones(64 * 2**20, dtype=torch.uint8, device=device)
    copy_s = _seconds(block.clone)
    speed = 2 * rows * inner * outer / product_s
    memory = torch.cuda.get_device_properties(0).total_memory if is_accelerated else psutil.virtual_memory().total
    return Device("this machine", speed, 2 * block.numel() / copy_s, memory, is_shared=not is_accelerated)


def _seconds(run: Callable[[], object]) -> float:
    """The median of some calls, after one to warm up."""
    taken = []
    for _ in range(8):
        started = time.perf_counter()
        run()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - started)
    return sorted(taken[1:])[3]


def memory_bytes(shape: Shape, params: Params, dtype_bytes: int, prompt_tokens: int) -> dict[str, float]:
    """What is in memory at once while training: sampling and learning take turns, so the larger of the two counts."""
    train, sampling = params.train, params.sampling
    a_step = train.prompts_per_step * train.group_size
    rows = sampling.batch_size if train.method == "raft" else min(sampling.batch_size, a_step)
    cache = rows * (prompt_tokens + sampling.max_new_tokens) * shape.cache_numbers * dtype_bytes
    saved = shape.saved_bytes_per_token
    if train.activation_checkpointing:  # what each layer was given, and all of the one that is computed again
        saved = shape.num_layers * shape.hidden_size * dtype_bytes + saved / shape.num_layers
    learning = train.micro_batch_tokens * saved + _HEAD_BYTES
    return {
        "base": shape.num_parameters * dtype_bytes,
        "sampling copy": shape.num_adapted * dtype_bytes if train.sampling_copy else 0.0,
        "adapter, gradients, Adam": shape.num_lora * _ADAM_BYTES,
        "sampling or learning": max(cache, learning),
    }


def disk_bytes(shape: Shape, params: Params, dtype_bytes: int) -> dict[str, float]:
    """The checkpoint once, candidates, the trainer's last checkpoint, adapters in workspace and DVC's cache."""
    train, adapter = params.train, shape.num_lora * 4
    num_candidates = -(-train.steps // train.validate_every)
    return {
        "model": shape.num_parameters * dtype_bytes,
        "while training": adapter * num_candidates + shape.num_lora * _ADAM_BYTES,
        "adapters, with DVC's cache": adapter * 4,
    }


def seconds(work: Work, shape: Shape, device: Device, dtype_bytes: int, prompt_tokens: int) -> float:
    """Of one stage's model work: 2 operations a parameter and token, 2 more backward (the base is frozen), and 2 where
    layers are computed again.

    Decoding reads all weights once a step, or computes for all rows, whichever takes longer.
    """
    forward = 2 * shape.num_read
    total = 0.0
    if work.num_learned:
        read = shape.num_read if work.learns_whole_vocabulary else shape.num_adapted
        total += work.num_learned * (6 if work.is_recomputed else 4) * read / device.flops
    if work.num_sampled:
        rows = min(work.rows_together, work.num_sampled)
        reading = float(shape.num_read * dtype_bytes)
        reading += rows * (prompt_tokens + work.max_tokens / 2) * shape.cache_numbers * dtype_bytes
        step = max(reading / device.bytes_per_s, rows * forward / device.flops)
        num_batches = work.num_sampled / rows
        total += num_batches * (work.max_tokens * step + rows * prompt_tokens * forward / device.flops)
    return total if device.is_shared else total / work.num_processes
