"""A small run of GRPO on a tiny model, as tests bend it."""

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import PrinterCallback
from trl import GRPOConfig

from components.generation.prompts import PromptFormat
from components.generation.sampler import Decoding
from components.train.folding import SamplingCopy
from components.train.trainer import PivotGRPOTrainer
from tests.tiny import tiny_gemma, tiny_tokenizer

GROUP, PROMPTS, LENGTH = 4, 4, 8


class Characters:
    """The share of characters with an even code."""

    __name__ = "characters"

    def __call__(self, completions, **_):
        return [sum(ord(c) % 2 == 0 for c in text) / max(1, len(text)) for text in completions]


def adapter(policy):
    return {name: value.detach().clone() for name, value in policy.named_parameters() if value.requires_grad}


def small_trainer(folder, reward=None, *, steps=2, num_prompts=8, config=None, make=PivotGRPOTrainer, **changed):
    torch.manual_seed(0)
    policy = get_peft_model(tiny_gemma(), LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
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
