"""The likeliest words against sorting the model's own logits."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import Gemma2Config, Gemma2ForCausalLM, LlamaConfig, LlamaForCausalLM, PhiConfig, PhiForCausalLM

from components.generation.head import OutputHead

SIZES = {
    "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
    "num_key_value_heads": 1, "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2,
}  # fmt: skip


def llama(vocab_size):
    torch.manual_seed(vocab_size)
    return LlamaForCausalLM(LlamaConfig(vocab_size=vocab_size, **SIZES)).eval()


def gemma2():
    """Soft-caps its logits."""
    torch.manual_seed(0)
    return Gemma2ForCausalLM(Gemma2Config(vocab_size=261, head_dim=8, final_logit_softcapping=0.5, **SIZES)).eval()


def phi():
    """Has a bias in its output matrix."""
    torch.manual_seed(0)
    model = PhiForCausalLM(PhiConfig(vocab_size=261, **SIZES)).eval()
    torch.nn.init.normal_(model.lm_head.bias)
    return model


def compare(model, num_rows, num_words):
    ids = torch.randint(3, 20, (num_rows, 4))
    with torch.no_grad():
        words = OutputHead(model, num_words).next_words(input_ids=ids)
        logits = model(ids).logits[:, -1]
    expected = logits.topk(min(num_words, logits.shape[1]), -1)
    torch.testing.assert_close(words.logits, expected.values, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(logits.gather(1, words.ids), words.logits, atol=1e-5, rtol=1e-5)
    assert all(len(set(row)) == len(row) for row in words.ids.tolist())


@settings(max_examples=30, deadline=None)
@given(
    vocab_size=st.sampled_from([20, 63, 64, 65, 2047, 2048, 2049, 5000]), num_rows=st.integers(1, 5),
    num_words=st.sampled_from([1, 2, 40, 64, 3000]),
)  # fmt: skip
def test_words_equal_those_of_all_logits(vocab_size, num_rows, num_words):
    compare(llama(vocab_size), num_rows, num_words)


@pytest.mark.parametrize("make", [gemma2, phi])
def test_a_model_that_does_more_to_its_logits_is_asked_for_them(make):
    model = make()
    head = OutputHead(model, 5)
    assert not head._multiplies
    compare(model, 3, 5)


def test_the_buffer_is_used_again_for_fewer_and_for_more_rows():
    model = llama(300)
    head = OutputHead(model, 4)
    for num_rows in (3, 1, 5):
        ids = torch.randint(3, 20, (num_rows, 4))
        with torch.no_grad():
            expected = model(ids).logits[:, -1].topk(4, -1).values
            words = head.next_words(input_ids=ids)
        torch.testing.assert_close(words.logits, expected, atol=1e-5, rtol=1e-5)
