"""From generated ids to a response with its thought."""

import pytest
import torch

from components.generation.prompts import PromptFormat
from components.generation.responder import Responder
from components.generation.sampler import Decoding
from tests.tiny import tiny_llama, tiny_tokenizer


def parrot(words):
    """A real model that is made to say `words`, one token a step."""
    model, rest = tiny_llama(), iter(words)

    def make_it_say(_module, _inputs, keywords, output):
        output.logits = torch.full_like(output.logits, -100.0)
        if "past_key_values" in keywords:  # else it is a probe
            output.logits[..., next(rest)] = 100.0

    model.register_forward_hook(make_it_say, with_kwargs=True)
    return model


@pytest.mark.parametrize(
    ("said", "limit", "text", "thought", "truncated"),
    [
        ("<think>5 + 7</think>It is 12.", 99, "It is 12.", "5 + 7", False),
        ("<think>5 + 7</think>It is 12.", 10, "", "5 +", True),
        ("It is 12.", 99, "It is 12.", None, False),
    ],
)
def test_the_thought_is_kept_apart(said, limit, text, thought, truncated):
    asked = PromptFormat(tiny_tokenizer(chat=True), [])
    ids = asked.response_ids(said)
    prompts = [asked.prompt_ids("5 + 7?", "en")]
    ((response,),) = Responder(parrot(ids), asked, 4).respond_to_prompts(prompts, Decoding(limit))
    assert (response.text, response.thought, response.truncated) == (text, thought, truncated)
    assert response.num_tokens == min(limit, len(ids))
