"""Log-probabilities of continuations against a plain forward pass in float64."""

import pytest
import torch

from components.generation.likelihood import continuation_logps
from tests.tiny import tiny_gemma, tiny_llama, tiny_qwen


@pytest.mark.parametrize("make", [tiny_gemma, lambda: tiny_gemma(sliding_window=6), tiny_llama, tiny_qwen])
def test_they_are_those_of_one_text_at_a_time(make):
    model = make()
    asked = [
        ([5, 6, 7], [[8], [9], [10, 11, 12]]),
        ([20, 21, 22, 23, 24, 25, 26, 27, 28], [[30, 31], [30, 32], [40]]),
        ([7], [[7], [7, 7]]),
    ]
    found = continuation_logps(model, asked, pad_id=0, batch_size=3)
    exact = make().double()
    for (prompt, continuations), logps in zip(asked, found, strict=True):
        for ids, logp in zip(continuations, logps, strict=True):
            with torch.no_grad():
                told = exact(torch.tensor([prompt + ids])).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
            wanted = float(told.gather(1, torch.tensor(ids)[:, None]).sum())
            assert logp == pytest.approx(wanted, abs=1e-3, rel=1e-4)


def test_continuations_of_one_token_are_one_text():
    model, rows = tiny_llama(), []
    model.register_forward_pre_hook(lambda _, _args, given: rows.append(len(given["input_ids"])), with_kwargs=True)
    asked = [([5, 6, 7], [[8], [9], [10]]), ([5, 6], [[1], [2]])]
    continuation_logps(model, asked, pad_id=0, batch_size=8)
    assert rows == [2]
