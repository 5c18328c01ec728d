"""LoRA's layers as one operation, against peft's own."""

import copy

import pytest
import torch
from peft import LoraConfig, get_peft_model

from components.lora import _Adapted, fuse
from tests.tiny import tiny_gemma, tiny_llama


def policies(make, dtype):
    """Two of the same weights: peft's, and fused."""
    torch.manual_seed(3)
    config = LoraConfig(r=4, lora_alpha=12, target_modules="all-linear", init_lora_weights=False)
    own = get_peft_model(make().to(dtype), config)
    fused = copy.deepcopy(own)
    fuse(fused)
    return own.eval(), fused.eval()


def states(policy):
    torch.manual_seed(5)
    ids = torch.randint(5, 90, (3, 11))
    return policy.get_base_model().get_decoder()(input_ids=ids, use_cache=False).last_hidden_state


def gradients(policy):
    torch.manual_seed(7)
    out = states(policy)
    (out.float() * torch.randn(out.shape)).sum().backward()
    return {name: p.grad for name, p in policy.named_parameters() if p.requires_grad}


def kept_bytes(policy):
    kept = {}

    def keep(tensor):
        kept[tensor.untyped_storage()._cdata] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        states(policy)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


@pytest.mark.parametrize("make", [tiny_gemma, tiny_llama])
def test_states_and_gradients_are_pefts(make):
    own, fused = policies(make, torch.float32)
    assert torch.allclose(states(fused), states(own), atol=2e-5)
    wanted, got = gradients(own), gradients(fused)
    assert got.keys() == wanted.keys()
    for name, grad in got.items():
        assert grad.dtype == torch.float32
        assert torch.allclose(grad, wanted[name], rtol=1e-4, atol=1e-4 * wanted[name].abs().max().item()), name


@pytest.mark.parametrize("make", [tiny_gemma, tiny_llama])
def test_in_bfloat16_both_are_as_near_to_the_exact_gradient(make):
    exact = gradients(policies(make, torch.float32)[0])
    own, fused = (gradients(policy) for policy in policies(make, torch.bfloat16))

    def error(got):
        return sum(((got[name] - exact[name]).norm() / exact[name].norm()).item() for name in exact) / len(exact)

    assert error(fused) < 1.3 * error(own)
    assert all(grad.dtype == torch.float32 for grad in fused.values())


def test_less_is_kept_for_the_backward_pass():
    own, fused = policies(tiny_gemma, torch.bfloat16)
    assert kept_bytes(fused) < 0.8 * kept_bytes(own)


def test_layers_that_are_computed_again_have_the_same_gradients():
    own, fused = policies(tiny_gemma, torch.float32)
    wanted = gradients(own)
    fused.get_base_model().activation_checkpointing_enable({"use_reentrant": False})
    for name, grad in gradients(fused.train()).items():
        assert torch.allclose(grad, wanted[name], rtol=1e-4, atol=1e-4 * wanted[name].abs().max().item()), name


def test_an_adapter_that_is_switched_off_or_folded_in_is_not_added():
    own, fused = policies(tiny_gemma, torch.float32)
    with own.disable_adapter(), fused.disable_adapter():
        assert torch.equal(states(fused), states(own))
    adapted = states(fused)
    fused.merge_adapter()
    assert torch.allclose(states(fused), adapted, atol=2e-5)
    fused.unmerge_adapter()
    fused.add_adapter("other", LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False))
    own.add_adapter("other", fused.peft_config["other"])
    for policy in (own, fused):
        policy.set_adapter("other")
    assert not torch.allclose(states(fused), adapted, atol=1e-3)


@pytest.mark.parametrize("config", [{"lora_dropout": 0.1}, {"use_dora": True}, {"lora_bias": True}])
def test_other_kinds_of_lora_stay_pefts(config):
    policy = get_peft_model(tiny_llama(), LoraConfig(target_modules=["q_proj"], **config))
    fuse(policy)
    assert not any("forward" in vars(module) for module in policy.modules())


@pytest.mark.parametrize("bias", [None, torch.randn(3, dtype=torch.float64)])
def test_the_gradient_is_that_of_finite_differences(bias):
    torch.manual_seed(1)
    x = torch.randn(2, 5, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, 4, dtype=torch.float64)
    a = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)
    b = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, a, b: _Adapted.apply(x, weight, bias, a, b, 1.5), (x, a, b))
