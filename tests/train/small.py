"""Small runs of GRPO and of supervised steps on a tiny model, as tests bend them."""

import torch
from datasets import Dataset
from transformers import PrinterCallback
from trl import GRPOConfig

from components.generation.prompts import PromptFormat
from components.generation.sampler import Decoding
from components.train.folding import SamplingCopy
from components.train.supervised import Schedule, fine_tune
from components.train.trainer import PivotGRPOTrainer
from tests.made_up import question
from tests.tiny import tiny_gemma, tiny_tokenizer
from tests.train.copies import tiny_policy

GROUP, PROMPTS, LENGTH = 4, 4, 8
LESSONS = [(question(n, "es", question="?" * (n + 1)), "abc"[: n % 3 + 1] * 2) for n in range(12)]


class Characters:
    """The share of characters with an even code."""

    __name__ = "characters"

    def __call__(self, completions, **_):
        return [sum(ord(c) % 2 == 0 for c in text) / max(1, len(text)) for text in completions]


class SomeUnscored(Characters):
    """Cannot score one of each `period` responses, the one at `place` among them."""

    def __init__(self, period, place):
        self.period, self.place = period, place

    def __call__(self, completions, **_):
        scores = super().__call__(completions)
        return [None if n % self.period == self.place else score for n, score in enumerate(scores)]


def adapter(policy):
    return {name: value.detach().clone() for name, value in policy.named_parameters() if value.requires_grad}


def small_trainer(folder, reward=None, *, steps=2, num_prompts=8, config=None, make=PivotGRPOTrainer, **changed):
    torch.manual_seed(0)
    policy = tiny_policy()
    tokenizer = tiny_tokenizer()
    values = {
        "output_dir": str(folder), "max_steps": steps, "per_device_train_batch_size": PROMPTS * GROUP,
        "num_generations": GROUP, "max_completion_length": LENGTH, "temperature": 3.0, "learning_rate": 1e-2,
        "lr_scheduler_type": "constant", "loss_type": "dr_grpo", "scale_rewards": "none", "beta": 0.0, "bf16": False,
        "save_strategy": "steps", "save_steps": 100, "report_to": "none", "disable_tqdm": True, "logging_steps": 1,
        "activation_checkpointing": False, "dataloader_pin_memory": False, "use_cpu": True, "log_completions": True,
        "num_completions_to_print": 0, "seed": 3,
    }  # fmt: skip
    options = {
        "advantage_std_floor": 0.05, "micro_batch_tokens": 10**6, "warn": lambda _: None,
        "decoding": Decoding(LENGTH, 3.0, 261),
    }  # fmt: skip
    trainer = make(
        model=policy, args=GRPOConfig(**(values | (config or {}))), reward_funcs=[reward or Characters()],
        processing_class=tokenizer, sampled=SamplingCopy(policy, tiny_gemma()),
        prompt_format=PromptFormat(tokenizer, []),
        train_dataset=Dataset.from_list([{"prompt": "?" * n, "lang": "es"} for n in range(1, num_prompts + 1)]),
        **(options | changed),
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    return trainer, policy


def logged(trainer):
    return [entry for entry in trainer.state.log_history if "reward" in entry or "grad_norm" in entry]


def taught(folder, copies=None, *, steps=3, callbacks=(), spoil=lambda _decoder: None, warn=lambda _: None, **changed):
    """The adapter after supervised steps on `LESSONS`, and their log; `spoil` is given the decoder before them."""
    torch.manual_seed(0)
    policy = tiny_policy()
    values = {
        "batch_size": 6, "learning_rate": 1e-3, "learning_rate_warmup_steps": 0, "micro_batch_tokens": 10**6,
        "save_every": 1, "seed": 3,
    }  # fmt: skip
    schedule = Schedule(steps=steps, **(values | changed))
    spoil(policy.get_base_model().get_decoder())
    prompt_format = PromptFormat(tiny_tokenizer(), [])
    history = fine_tune(policy, prompt_format, LESSONS, schedule, folder, list(callbacks), warn, copies)
    return adapter(policy), [entry for entry in history if "loss" in entry]
