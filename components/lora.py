"""LoRA (Hu et al. 2021, arXiv 2106.09685) as it is trained here: its configuration, and its layers as one operation.

y = W x + s·B A x with frozen W. peft computes the second term in the adapter's float32 beside a bfloat16 base, step by
step: x is copied to float32 and kept for the backward pass once for each of the layers that read it. Here both terms
are multiplied in the base's dtype, the second is added inside its product, and x is kept once, as it is. The adapter's
weights, their gradients and the optimizer stay in float32.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from peft import LoraConfig, PeftModel
from peft.tuners.lora import Linear
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from components.params import TrainParams


def lora_config(train: TrainParams) -> LoraConfig:
    """Rank, alpha and layers of `train.lora_*`, no dropout; peft raises ValueError for layers that a model lacks."""
    return LoraConfig(
        r=train.lora_rank, lora_alpha=train.lora_alpha, target_modules=train.lora_targets, task_type="CAUSAL_LM"
    )


def fuse(policy: PeftModel) -> None:
    """Have each adapted layer be one operation, in place; layers of another kind than `lora_config`'s stay peft's."""
    for layer in policy.modules():
        if isinstance(layer, Linear) and isinstance(layer.base_layer, nn.Linear) and _is_plain(layer):
            layer.forward = partial(_forward, layer, layer.forward)  # type: ignore[method-assign] # of this layer alone


def _is_plain(layer: Linear) -> bool:
    """Whether it is W x + s·B A x, and nothing else."""
    dropouts: Any = layer.lora_dropout
    without_dropout = all(isinstance(dropout, nn.Identity) for dropout in dropouts.values())
    biased = any(module.bias is not None for module in layer.lora_B.values())
    return without_dropout and not biased and not layer.lora_variant and not layer.fan_in_fan_out


def _forward(layer: Linear, of_peft: Callable[..., Tensor], x: Tensor, **others: Any) -> Tensor:  # noqa: ANN401
    """(…, I) to (…, O). peft's own where the adapter is switched off or merged, or several are on."""
    names = layer.active_adapters
    if others or layer.disable_adapters or layer.merged or len(names) != 1 or names[0] not in layer.lora_A:
        return of_peft(x, **others)
    (name,), base = names, layer.base_layer
    weights = base.weight, base.bias, layer.lora_A[name].weight, layer.lora_B[name].weight
    adapted: Tensor = _Adapted.apply(x, *weights, layer.scaling[name])  # type: ignore[no-untyped-call] # torch's
    return adapted


class _Adapted(torch.autograd.Function):
    """x (…, I), W (O, I), bias (O,) or None, A (R, I), B (O, R), s to (…, O); gradients of x, A and B.

    x, W, bias, what comes out and the gradient of x are of the base's dtype; A, B and their gradients of the adapter's,
    float32. LoRA's equation 3, s = α / r.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch's context
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        a: Tensor,
        b: Tensor,
        scaling: float,
    ) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])  # (N, I)
        down, up = a.to(x.dtype), (scaling * b).to(x.dtype)
        inner = rows @ down.T  # (N, R)
        out = nn.functional.linear(rows, weight, bias).addmm_(inner, up.T)  # (N, O)
        ctx.save_for_backward(rows, weight, inner, down, up)
        ctx.scaling, ctx.dtype = scaling, a.dtype
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, None, None, Tensor, Tensor, None]:  # noqa: ANN401
        rows, weight, inner, down, up = ctx.saved_tensors
        grad_rows = grad.reshape(-1, grad.shape[-1])  # (N, O)
        grad_inner = grad_rows @ up  # (N, R)
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = (grad_rows @ weight).addmm_(grad_inner, down).view(*grad.shape[:-1], -1)
        grad_a = (grad_inner.T @ rows).to(ctx.dtype)  # (R, I)
        grad_b = (grad_rows.T @ inner).to(ctx.dtype) * ctx.scaling  # (O, R)
        return grad_x, None, None, grad_a, grad_b, None
