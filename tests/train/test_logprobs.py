"""Our log-probabilities and their gradients against autograd through a plain forward pass."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model
from torch.utils._python_dispatch import TorchDispatchMode

from components.contracts import PipelineError
from components.train.folding import SamplingCopy
from components.train.logprobs import _TargetLogps, told_of
from tests.tiny import tiny_gemma, tiny_llama, tiny_qwen


def with_lora(model):
    torch.manual_seed(5)
    policy = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear"))
    for name, parameter in policy.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    return policy


def batch(seed: int = 0, num_shared: int = 0):
    """Three prompts of 5 to 9 tokens behind `num_shared` common ones, shuffled among 8 responses of 1 to 7 tokens."""
    g = torch.Generator().manual_seed(seed)
    beginning = torch.randint(5, 260, (num_shared,), generator=g).tolist()
    prompts = [beginning + torch.randint(5, 260, (n,), generator=g).tolist() for n in (5, 9, 7)]
    rows = [(prompts[i], torch.randint(5, 260, (n,), generator=g).tolist())
            for i, n in zip((0, 1, 1, 2, 0, 2, 1, 0), (3, 7, 1, 4, 5, 2, 6, 3), strict=True)]  # fmt: skip
    prompt_ids = torch.tensor([[0] * (num_shared + 9 - len(p)) + p for p, _ in rows])
    prompt_mask = torch.tensor([[0] * (num_shared + 9 - len(p)) + [1] * len(p) for p, _ in rows])
    completion_ids = torch.tensor([c + [0] * (8 - len(c)) for _, c in rows])
    completion_mask = torch.tensor([[1] * len(c) + [0] * (8 - len(c)) for _, c in rows])
    names = ("prompt_ids", "prompt_mask", "completion_ids", "completion_mask")
    return rows, dict(zip(names, (prompt_ids, prompt_mask, completion_ids, completion_mask), strict=True))


def plain(model, rows, temperature, support=None):
    logps, entropies = (torch.zeros(len(rows), 8, dtype=model.dtype) for _ in range(2))
    for i, (prompt, completion) in enumerate(rows):
        logits = model(torch.tensor([prompt + completion])).logits[0, len(prompt) - 1 : -1] / temperature
        if support is not None:
            outside = torch.ones_like(logits, dtype=torch.bool).scatter(1, support[i, : len(completion)].long(), False)
            logits = logits.masked_fill(outside, -1e30)
        table = logits.log_softmax(-1)
        logps[i, : len(completion)] = table.gather(1, torch.tensor(completion)[:, None])[:, 0]
        entropies[i, : len(completion)] = -(table.exp() * table).sum(-1)
    return logps, entropies


@pytest.mark.parametrize("num_shared", [0, 20])
@pytest.mark.parametrize("make", [tiny_gemma, tiny_llama, tiny_qwen])
def test_values_and_gradients_equal_a_plain_forward_pass_in_double_precision(make, num_shared):
    """Ours in float32."""
    rows, part = batch(num_shared=num_shared)
    ours, exact = with_lora(make()), with_lora(make()).double()
    compare_gradients(ours, exact, told_of(ours, part, 0.8), plain(exact, rows, 0.8))


@pytest.mark.slow
@pytest.mark.parametrize("num_shared", [0, 20])
@pytest.mark.parametrize(
    "own", [[1, 3, 4], [2, 0, 3], [2]], ids=["of three lengths", "one of a token", "a token alone"]
)
@pytest.mark.parametrize("make", [tiny_gemma, tiny_llama, tiny_qwen])
def test_the_same_where_each_prompt_has_one_response(make, own, num_shared):
    """Then both are computed in one pass; `own`: rows of other prompts each."""
    rows, part = batch(num_shared=num_shared)
    rows, part = [rows[i] for i in own], {name: tensor[own] for name, tensor in part.items()}
    ours, exact = with_lora(make()), with_lora(make()).double()
    compare_gradients(ours, exact, told_of(ours, part, 0.8), plain(exact, rows, 0.8))


@pytest.mark.slow
@pytest.mark.parametrize("num_shared", [0, 20])
@pytest.mark.parametrize("make", [tiny_gemma, tiny_llama, tiny_qwen])
def test_the_same_where_layers_are_computed_again(make, num_shared):
    rows, part = batch(num_shared=num_shared)
    ours, exact = with_lora(make()), with_lora(make()).double()
    ours.get_base_model().activation_checkpointing_enable({"use_reentrant": False})
    times, layer = [], ours.get_base_model().get_decoder().layers[0].mlp
    layer.register_forward_pre_hook(lambda *_: times.append(1))
    told = told_of(ours, part, 0.8)
    assert len(times) == 1
    compare_gradients(ours, exact, told, plain(exact, rows, 0.8))
    assert len(times) == 2


@pytest.mark.parametrize("make", [tiny_gemma, tiny_llama, tiny_qwen])
def test_the_same_among_the_words_that_tokens_were_drawn_from(make, monkeypatch):
    """13 words a token, its own in a random place."""
    monkeypatch.setattr("components.train.logprobs._SUPPORT_ROWS", 7)
    rows, part = batch()
    g = torch.Generator().manual_seed(2)
    words = torch.stack([torch.randperm(261, generator=g)[:13] for _ in range(64)]).view(8, 8, 13)
    place, drawn = torch.randint(0, 13, (8, 8, 1), generator=g), part["completion_ids"][..., None]
    words = torch.where(words == drawn, words.gather(2, place), words).scatter(2, place, drawn).int()
    ours, exact = with_lora(make()), with_lora(make()).double()
    told = told_of(ours, part | {"support": words}, 0.8)
    compare_gradients(ours, exact, told, plain(exact, rows, 0.8, words))


def compare_gradients(ours, exact, told, expected):
    """Relative error of the whole vector at most 1e-4, and no single value is far off."""
    weights = torch.randn(8, 8, generator=torch.Generator().manual_seed(1))[: len(told["logps"])]
    results = []
    for policy, (logps, entropy) in ((ours, (told["logps"], told["entropies"])), (exact, expected)):
        (logps * weights).sum().backward()
        gradients = torch.cat([p.grad.flatten() for p in policy.parameters() if p.requires_grad])
        results.append([each.detach().double() for each in (logps, entropy, gradients)])
    for found, wanted in zip(*results, strict=True):
        assert (found - wanted).norm() <= 1e-4 * wanted.norm()
        torch.testing.assert_close(found, wanted, atol=3e-4, rtol=2e-4)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 20), st.integers(1, 30), st.floats(0.3, 3), st.integers(0, 1000))
def test_streamed_softmax_equals_log_softmax(num_rows, num_words, temperature, seed):
    g = torch.Generator().manual_seed(seed)
    hidden = torch.randn(num_rows, 6, generator=g, requires_grad=True)
    weight = torch.randn(num_words, 6, generator=g) * 4
    targets = torch.randint(0, num_words, (num_rows,), generator=g)
    logps, entropy = _TargetLogps.apply(hidden, weight, targets, temperature)
    logps.sum().backward()
    ours, hidden.grad = hidden.grad.clone(), None
    table = (hidden @ weight.T / temperature).log_softmax(-1)
    table.gather(1, targets[:, None]).sum().backward()
    torch.testing.assert_close(logps, table.gather(1, targets[:, None])[:, 0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(entropy, -(table.exp() * table).sum(-1), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(ours, hidden.grad, atol=1e-4, rtol=1e-4)


def test_vocabulary_larger_than_a_chunk_is_streamed_exactly(monkeypatch):
    monkeypatch.setattr("components.train.logprobs._VOCAB_CHUNK", 7)
    monkeypatch.setattr("components.train.logprobs._ROW_CHUNK", 3)
    test_streamed_softmax_equals_log_softmax()


def test_words_that_no_row_holds_probable_are_left_out_and_hardly_missed(monkeypatch):
    """20,000 words of which a language model would give nearly all of them next to nothing; float64 is the truth."""
    g = torch.Generator().manual_seed(0)
    hidden = torch.randn(1, 32, generator=g) + 0.3 * torch.randn(50, 32, generator=g)  # rows want like words
    weight = torch.randn(20_000, 32, generator=g)
    targets = torch.cat([(hidden @ weight.T).topk(20).indices[:25, 3], torch.randint(0, 20_000, (25,), generator=g)])
    multiplied = []
    for least in (0.0, 1e-7):
        monkeypatch.setattr("components.train.logprobs._MIN_PROBABILITY", least)
        ours = hidden.clone().requires_grad_()
        with TorchDispatchCounter() as counted:
            logps, entropy = _TargetLogps.apply(ours, weight, targets, 0.7)
        multiplied.append(counted.num_products)
        logps.sum().backward()
        exact = hidden.double().requires_grad_()
        table = (exact @ weight.double().T / 0.7).log_softmax(-1)
        wanted = table.gather(1, targets[:, None])[:, 0]
        wanted.sum().backward()
        assert (ours.grad - exact.grad).norm() <= 1e-4 * exact.grad.norm()
        torch.testing.assert_close(logps.double(), wanted.detach(), atol=1e-4, rtol=1e-5)
        torch.testing.assert_close(entropy.double(), -(table.exp() * table).sum(-1).detach(), atol=5e-3, rtol=1e-3)
    assert multiplied[1] < 0.8 * multiplied[0]
    assert {words % 512 for words, _ in counted.shapes} <= {0, 20_000 % 4096 % 512}, "few shapes: each is compiled"
    assert {rows for _, rows in counted.shapes} == {64}, "50 rows, filled up"


class TorchDispatchCounter(TorchDispatchMode):
    """Counts the multiplications of matrix products, and notes how many words and rows each has."""

    def __init__(self):
        super().__init__()
        self.num_products, self.shapes = 0, set()

    def __torch_dispatch__(self, function, _types, arguments=(), keywords=None):
        if function is torch.ops.aten.mm.default:
            first, second = arguments
            self.num_products += first.numel() * second.shape[1]
            self.shapes.add((max(first.shape), second.shape[1]))
        return function(*arguments, **(keywords or {}))


def test_models_that_bend_their_logits_are_refused():
    model = tiny_gemma()
    model.config.final_logit_softcapping = 30.0
    with pytest.raises(PipelineError, match="final_logit_softcapping"):
        told_of(model, batch()[1], 1.0)


def test_models_whose_output_matrix_has_a_bias_are_refused():
    model = tiny_llama()
    model.lm_head.bias = torch.nn.Parameter(torch.zeros(model.config.vocab_size))
    with pytest.raises(PipelineError, match="a bias of its output matrix, which training does not support"):
        told_of(model, batch()[1], 1.0)


def test_sampling_copy_equals_the_adapted_policy_and_never_touches_its_base():
    policy = with_lora(tiny_gemma()).eval()
    before = {k: v.clone() for k, v in policy.state_dict().items() if "lora" not in k}
    copy = SamplingCopy(policy, tiny_gemma())
    ids = torch.randint(5, 260, (2, 9), generator=torch.Generator().manual_seed(0))
    for _ in range(3):  # refreshed over and over, it follows the adapter and drifts nowhere
        with torch.no_grad():
            torch.testing.assert_close(copy.model(ids).logits, policy(ids).logits, atol=1e-3, rtol=1e-3)
            for name, parameter in policy.named_parameters():
                if "lora_A" in name:
                    parameter.mul_(1.5)
        copy.refresh()
    assert all(torch.equal(v, policy.state_dict()[k]) for k, v in before.items())
    assert copy.model.get_input_embeddings().weight.data_ptr() == policy.get_input_embeddings().weight.data_ptr()
