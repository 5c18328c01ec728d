"""What rollouts come from: a second set of the adapted weights, with LoRA folded in, or the policy itself.

Folding into the base itself and out again, step after step, rounds a bf16 base away (measured: .35 to .04 accuracy in
30 steps, method.md). Here the base is only read: folded = round(W + s·B·A) is written into the copy's own tensors, and
all that LoRA leaves alone (the embedding is most of a small model) is one tensor shared by both.
"""

from collections.abc import Callable
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from transformers import PreTrainedModel


class SamplingCopy:
    """The model that rollouts come from. Call `refresh` after every change of the adapter."""

    def __init__(self, policy: PeftModel, copy: PreTrainedModel) -> None:
        """`copy` is the same checkpoint loaded once more; it becomes this object's and shares what it can."""
        self.model = copy.eval().requires_grad_(False)
        base = policy.get_base_model()
        self._layers = {name: module for name, module in base.named_modules() if isinstance(module, LoraLayer)}
        adapted = {f"{name}.weight" for name in self._layers}
        originals = dict(base.named_parameters())
        for name, parameter in copy.named_parameters():
            if name not in adapted and name in originals:
                parameter.data = originals[name].data
        self.refresh()

    @torch.no_grad()
    def refresh(self) -> None:
        """Write W + s·B·A (summed in float32, rounded once) into the copy."""
        for name, layer in self._layers.items():
            weight = layer.get_base_layer().weight
            delta = layer.get_delta_weight(layer.active_adapters[0])  # type: ignore[attr-defined] # of the subclasses
            self.model.get_submodule(name).weight.copy_(weight.float() + delta.float())


class PolicyItself:
    """In place of a copy, where memory has no room for one: LoRA stays beside the weights, and takes longer."""

    def __init__(self, policy: PeftModel) -> None:
        model: Any = policy.get_base_model()
        self.model: PreTrainedModel = model  # its layers are LoRA's
        self.refresh()

    def refresh(self) -> None:
        """Out of training, where layers that are computed again keep no keys and values."""
        self.model.eval()


Sampled = SamplingCopy | PolicyItself


def sampled_from(policy: PeftModel, load_copy: Callable[[], Any] | None) -> Sampled:
    """A copy of the checkpoint that `load_copy` loads, LoRA folded in; the policy itself without it."""
    return PolicyItself(policy) if load_copy is None else SamplingCopy(policy, load_copy())
