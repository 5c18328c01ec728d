"""A model's sizes from its configuration alone: it is built on torch's meta device, where tensors have no contents."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM

from components.lora import fuse

_SOME_TOKENS = 256  # what is kept for the backward pass grows in proportion


@dataclass(frozen=True)
class Shape:
    """Sizes of a policy with its adapter."""

    num_parameters: int
    """Of the base."""
    num_adapted: int
    """Of the base's matrices that LoRA is on: the sampling copy has its own."""
    num_lora: int
    num_read: int
    """That every token is multiplied with: without an input embedding that is not also the output matrix."""
    cache_numbers: int
    """Keys and values of one token in all layers."""
    num_layers: int
    hidden_size: int
    saved_bytes_per_token: float
    """Kept of a token for the backward pass; attention matrices are not (no kernel that matters keeps them)."""


def read_shape(config: Mapping[str, Any], dtype: torch.dtype, lora: LoraConfig) -> Shape:
    """Sizes of the architecture that a checkpoint's config.json (`config`) describes.

    Raises:
        KeyError: `model_type` is missing.
        ValueError: transformers does not know it.
    """
    fields = dict(config)
    own = AutoConfig.for_model(fields.pop("model_type"), **fields)
    text = own.get_text_config()
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: Any = AutoModelForCausalLM.from_config(own, dtype=dtype)
        num_parameters = sum(parameter.numel() for parameter in model.parameters())
        policy: Any = get_peft_model(model, lora)
    fuse(policy)
    adapted = [module.get_base_layer().weight for module in policy.modules() if hasattr(module, "lora_A")]
    tied = model.get_input_embeddings().weight is model.get_output_embeddings().weight
    head_size = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return Shape(
        num_parameters=num_parameters,
        num_adapted=sum(weight.numel() for weight in adapted),
        num_lora=sum(parameter.numel() for parameter in policy.parameters() if parameter.requires_grad),
        num_read=num_parameters - (0 if tied else model.get_input_embeddings().weight.numel()),
        cache_numbers=2 * text.num_hidden_layers * text.num_key_value_heads * head_size,
        num_layers=text.num_hidden_layers,
        hidden_size=text.hidden_size,
        saved_bytes_per_token=saved_bytes(policy, _SOME_TOKENS) / _SOME_TOKENS,
    )


def saved_bytes(policy: Any, num_tokens: int) -> int:  # noqa: ANN401 - a PeftModel
    """Bytes that a forward pass of the layers over one text keeps for the backward pass, weights not counted."""
    weights = {parameter.untyped_storage()._cdata for parameter in policy.parameters()}
    kept: dict[int, Tensor] = {}  # by storage; held, so that none's number is given again

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()._cdata
        if storage not in weights and tensor.shape[-2:] != (num_tokens, num_tokens):
            kept[storage] = tensor
        return tensor

    device = next(policy.parameters()).device
    ids = torch.zeros(1, num_tokens, dtype=torch.int64, device=device)
    mask = torch.zeros(1, 1, num_tokens, num_tokens, device=device)  # given, so that no contents are looked at
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        policy.get_base_model().get_decoder()(input_ids=ids, attention_mask=mask, use_cache=False)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
