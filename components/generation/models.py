"""Loading what the `models` stage settled: policy or pivot, with or without an adapter, never with remote code."""

import gc
import warnings
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from components.contracts import ModelEntry, PipelineError
from components.environment import processor_flags, processor_vendor


def choose_device() -> torch.device:
    """The accelerator if the machine has one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def choose_dtype(name: str) -> torch.dtype:
    """`bfloat16`, `float32`, or for `auto` bfloat16 where the machine multiplies it faster."""
    if name != "auto":
        return {"bfloat16": torch.bfloat16, "float32": torch.float32}[name]
    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    flags = processor_flags()
    # Intel's cores multiply it at 0.6 of float32's speed unless they have AMX (docs/LOG.md, 2026-11-30)
    has_fast_dots = "avx512_bf16" in flags and processor_vendor() == "AuthenticAMD"
    return torch.bfloat16 if has_fast_dots or flags & {"amx_bf16", "bf16"} else torch.float32


def load_tokenizer(entry: ModelEntry) -> PreTrainedTokenizerBase:
    """The checkpoint's tokenizer; padding falls back to end-of-text where the checkpoint names none."""
    tokenizer: Any = AutoTokenizer.from_pretrained(_existing(entry), trust_remote_code=False)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer  # type: ignore[no-any-return]


def load_model(entry: ModelEntry, dtype: str, adapter: Path | None = None) -> PreTrainedModel | PeftModel:
    """The checkpoint in evaluation mode on the machine's device, with the adapter on top where one is given.

    Raises:
        PipelineError: The checkpoint or the adapter is missing, or its weights are pickled.
    """
    # peft 0.21 and trl 1.16 ask transformers 5.23 for this attribute under its old name
    warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
    folder = _existing(entry)
    if not any(folder.glob("*.safetensors")):
        raise PipelineError(f"{folder}: has no *.safetensors; convert its weights (pickled weights are not loaded)")
    model: Any = AutoModelForCausalLM.from_pretrained(
        folder, dtype=choose_dtype(dtype), trust_remote_code=False, use_safetensors=True
    )
    model = model.to(choose_device())
    if adapter is not None:
        model = PeftModel.from_pretrained(model, existing_adapter(adapter))
    return model.eval()  # type: ignore[no-any-return]


def free_models() -> None:
    """Give back the memory of models that nothing names any more.

    LoRA's layers refer to themselves (`components.lora.fuse`), so the count of references alone frees none of them.
    """
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def existing_adapter(folder: Path) -> Path:
    """The folder, which holds an adapter in safetensors: without them peft would take pickled weights, or ask the hub.

    Raises:
        PipelineError: It holds none.
    """
    if not (folder / "adapter_config.json").is_file():
        raise PipelineError(f"{folder}: no adapter here; run `make repro` or `dvc repro train`")
    if not (folder / "adapter_model.safetensors").is_file():
        raise PipelineError(
            f"{folder}: no adapter_model.safetensors; save the adapter in it (pickled weights are not loaded)"
        )
    return folder


def _existing(entry: ModelEntry) -> Path:
    path = entry.folder
    if not (path / "config.json").is_file():
        raise PipelineError(f"{path}: no checkpoint of `{entry.name}` here; run `dvc repro -f models`")
    return path
