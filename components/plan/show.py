"""The plan, printed."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from rich.box import SIMPLE_HEAD
from rich.table import Table

from components.contracts import PipelineError
from components.generation.models import choose_dtype
from components.lora import lora_config
from components.params import Params, load_params
from components.plan.cost import Device, data_sheet, disk_bytes, memory_bytes, seconds, this_machine
from components.plan.profiles import read_profile, with_profile
from components.plan.shape import Shape, read_shape
from components.plan.work import Work, comparison_work, stage_work
from components.progress import print_wide
from components.stage import PACKAGED

PROMPT_TOKENS = 128
"""Of a question, as assumed: a tokenizer may not be at hand."""


def show_plan(profile: str | None, device_name: str) -> None:
    """Print what a run of params.yaml, or of a profile over it, takes.

    Raises:
        PipelineError: The profile or the model's configuration is not there, or transformers does not know the model.
    """
    params = with_profile(profile) if profile else load_params()
    dtype = choose_dtype(params.models.dtype) if device_name == "here" else _accelerators(params)
    try:
        shape = read_shape(_config(params, profile), dtype, lora_config(params.train))
    except (KeyError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise PipelineError(
            f"{params.models.policy}: config.json names no model that is known here ({reason})"
        ) from None
    device = this_machine(dtype) if device_name == "here" else data_sheet(device_name)
    size = dtype.itemsize
    print(f"{params.models.policy}: {shape.num_parameters / 1e6:,.0f} M parameters in {str(dtype).partition('.')[2]}, "
          f"LoRA {shape.num_lora / 1e6:,.1f} M; {device.name}")  # fmt: skip
    _print_time(params, shape, device, size)
    memory = memory_bytes(shape, params, size, PROMPT_TOKENS)
    num_processes = params.train.num_processes
    _print_bytes("memory while training" + (", in each process" if num_processes > 1 else ""), memory)
    total = sum(memory.values()) * (num_processes if device.is_shared else 1)
    verdict = "fits" if total < 0.95 * device.memory_bytes else "does NOT fit"
    print(f"{verdict} {device.name}'s {device.memory_bytes / 1e9:.0f} GB (encoder and libraries come on top)\n")
    _print_bytes("disk", disk_bytes(shape, params, size))


def _print_time(params: Params, shape: Shape, device: Device, size: int) -> None:
    def at_most(work: Sequence[Work]) -> str:
        return _duration(sum(seconds(each, shape, device, size, PROMPT_TOKENS) for each in work))

    table = Table("stage", "responses", "tokens learned", "at most", box=SIMPLE_HEAD)
    stages = stage_work(params, PROMPT_TOKENS)
    for work in stages:
        table.add_row(work.stage, f"{work.num_sampled:,}", f"{work.num_learned:,}", at_most([work]))
    table.add_row("all", "", "", at_most(stages), end_section=True)
    compare = params.compare
    num_trainings = sum(len(compare.trials(arm)) for arm in compare.run) * len(compare.seeds)
    compared = at_most(comparison_work(params, PROMPT_TOKENS))
    table.add_row(f"make compare: {num_trainings} trainings", "", "", compared)
    table.caption = (
        f"The models' work, every response {params.sampling.max_new_tokens} tokens long, {PROMPT_TOKENS} tokens a "
        "question. Rewards, loading and set-up come on top; most responses are shorter."
    )
    table.caption_justify = "left"
    print_wide(table)


def _print_bytes(title: str, parts: Mapping[str, float]) -> None:
    told = ", ".join(f"{name} {size / 1e9:.1f}" for name, size in parts.items())
    print(f"{title}: {sum(parts.values()) / 1e9:.1f} GB ({told})")


def _duration(duration_s: float) -> str:
    if duration_s < 120:
        return f"{duration_s:.0f} s"
    return f"{duration_s / 60:.0f} min" if duration_s < 7200 else f"{duration_s / 3600:.1f} h"


def _accelerators(params: Params) -> torch.dtype:
    return torch.float32 if params.models.dtype == "float32" else torch.bfloat16


def _config(params: Params, profile: str | None) -> dict[str, Any]:
    """The profile's, a local folder's, the packaged model's or the hub's config.json."""
    name = params.models.policy
    if profile and (told := read_profile(profile).get("config")):
        return dict(told)
    if name in PACKAGED:
        return dict(read_profile("embedded")["config"])
    path = Path(name).expanduser() / "config.json"
    try:
        found = path if path.is_file() else Path(hf_hub_download(name, "config.json"))
        told = json.loads(found.read_text(encoding="utf-8"))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise PipelineError(f"params.yaml: `models.policy`: no config.json of `{name}` ({reason})") from None
    return dict(told)
