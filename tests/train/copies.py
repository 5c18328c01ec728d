"""What the processes of tests/train/test_replicas.py load; a module of its own, because each of them imports it."""

import torch
from peft import LoraConfig, get_peft_model

from components.contracts import PipelineError
from components.train.replica import Loaders
from tests.tiny import tiny_gemma


def tiny_policy(targets="all-linear"):
    return get_peft_model(tiny_gemma(), LoraConfig(r=4, target_modules=targets, task_type="CAUSAL_LM"))


def _starved_policy():
    policy = tiny_policy()

    def refuse(_module, _inputs, keywords):
        if len(keywords["input_ids"]) > 2:
            raise torch.OutOfMemoryError("no memory")

    policy.get_base_model().get_decoder().register_forward_pre_hook(refuse, with_kwargs=True)
    return policy


def _no_policy():
    raise PipelineError("models: there is none")


TINY = Loaders(tiny_policy, tiny_gemma)
UNCOPIED = Loaders(tiny_policy, None)
"""Rollouts come from the policy itself."""
STARVED = Loaders(_starved_policy, tiny_gemma)
"""No memory for more than two rows at once."""
ABSENT = Loaders(_no_policy, tiny_gemma)
