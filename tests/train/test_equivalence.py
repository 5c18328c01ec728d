"""A step of ours is a step of TRL's, and steps lead somewhere."""

import math
from functools import partial

import pytest
import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import PrinterCallback
from trl import GRPOConfig, GRPOTrainer

from components.generation.prompts import PromptFormat
from components.generation.sampler import Decoding
from components.train.folding import SamplingCopy
from components.train.ppo import PivotPPOTrainer
from components.train.trainer import PivotGRPOTrainer
from tests.tiny import tiny_gemma, tiny_llama, tiny_qwen, tiny_tokenizer

GROUP, PROMPTS, LENGTH = 4, 4, 6
WHOLE_STEP = {"per_device_train_batch_size": PROMPTS * GROUP, "gradient_accumulation_steps": 1}
TOKENS = 80  # two groups, or three, learn together


class CodeReward:
    """From the ids alone, between 0 and 1/2: no group's deviation reaches a floor of 1."""

    __name__ = "code"

    def __call__(self, completion_ids, **_):
        return [sum(ids) % 17 / 34 for ids in completion_ids]


def adapted(make):
    torch.manual_seed(0)
    policy = get_peft_model(make(), LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    for name, parameter in policy.named_parameters():
        if "lora_B" in name:  # else only these get a gradient
            torch.nn.init.normal_(parameter, std=0.02)
    return policy


def arguments(folder, **changed):
    values = {
        "output_dir": str(folder), "max_steps": 1, "per_device_train_batch_size": 2 * GROUP,
        "gradient_accumulation_steps": PROMPTS // 2, "num_generations": GROUP, "max_completion_length": LENGTH,
        "temperature": 0.9, "learning_rate": 1e-3, "lr_scheduler_type": "constant", "loss_type": "dr_grpo",
        "scale_rewards": "none", "beta": 0.0, "bf16": False, "save_strategy": "no", "report_to": "none",
        "disable_tqdm": True, "activation_checkpointing": False, "dataloader_pin_memory": False, "use_cpu": True,
        "shuffle_dataset": False, "logging_steps": 1,
        "adam_epsilon": 1e-6,  # Adam's 1e-8 makes a step of rounding errors alone where a gradient is near 0
    }  # fmt: skip
    return GRPOConfig(**(values | changed))


def fixed_rollouts(tokenizer):
    """The same responses, of 1 to `LENGTH` tokens, whoever asks."""

    def rollouts(prompts, _trainer):
        draw = torch.Generator().manual_seed(3)
        lengths = torch.randint(1, LENGTH + 1, (len(prompts),), generator=draw).tolist()
        completions = [torch.randint(5, 260, (n,), generator=draw).tolist() for n in lengths]
        return {
            "prompt_ids": [tokenizer(prompt)["input_ids"] for prompt in prompts],
            "completion_ids": completions,
            "logprobs": [[-1.0] * len(ids) for ids in completions],
        }

    return rollouts


def one_step(make, folder, is_ours, monkeypatch):
    policy, tokenizer = adapted(make), tiny_tokenizer()
    rollouts = fixed_rollouts(tokenizer)
    common = {
        "model": policy, "args": arguments(folder), "reward_funcs": [CodeReward()], "processing_class": tokenizer,
        "train_dataset": Dataset.from_list([{"prompt": "?" * n, "lang": "es"} for n in (3, 9, 5, 7)]),
    }  # fmt: skip
    if is_ours:
        common["args"] = arguments(folder, **WHOLE_STEP)
        monkeypatch.setattr("components.train.learning.MAX_MEAN_GAP", math.inf)  # these rollouts are no sampler's
        monkeypatch.setattr(PivotGRPOTrainer, "_rollout", lambda _self, prompts, trainer: rollouts(prompts, trainer))
        trainer = PivotGRPOTrainer(
            **common, sampled=SamplingCopy(policy, make()), prompt_format=PromptFormat(tokenizer, []),
            decoding=Decoding(LENGTH, 0.9), advantage_std_floor=1.0, micro_batch_tokens=TOKENS,
        )  # fmt: skip
    else:
        trainer = GRPOTrainer(**common, rollout_func=rollouts)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    logged = next(entry for entry in trainer.state.log_history if "grad_norm" in entry)
    return {n: p.detach().clone() for n, p in policy.named_parameters() if p.requires_grad}, logged


@pytest.mark.slow
@pytest.mark.parametrize("make", [tiny_gemma, tiny_llama, tiny_qwen])
def test_a_step_from_the_same_rollouts_is_trls_own(make, tmp_path, monkeypatch):
    """With a floor of 1 over every group's deviation, our advantages are TRL's `scale_rewards="none"`."""
    before = {n: p.detach().clone() for n, p in adapted(make).named_parameters() if p.requires_grad}
    ours, our_log = one_step(make, tmp_path / "ours", True, monkeypatch)
    theirs, their_log = one_step(make, tmp_path / "theirs", False, monkeypatch)
    assert our_log["reward_std"] == pytest.approx(their_log["reward_std"])
    assert our_log["grad_norm"] == pytest.approx(their_log["grad_norm"], rel=1e-4)
    for name, value in theirs.items():
        assert not torch.equal(value, before[name]), name
        torch.testing.assert_close(ours[name], value, atol=1e-5, rtol=0, msg=lambda m, n=name: f"{n}: {m}")


class LetterShare:
    """The share of one letter among as many characters as a response may have."""

    __name__ = "letter_share"

    def __call__(self, completions, **_):
        return [text.count("e") / LENGTH for text in completions]


PPO = partial(PivotPPOTrainer, value_learning_rate=1e-2, value_coefficient=0.1, gae_lambda=0.95)


@pytest.mark.slow
@pytest.mark.parametrize("make", [PivotGRPOTrainer, PPO], ids=["grpo", "ppo"])
def test_two_hundred_steps_learn_to_say_the_letter_that_is_rewarded(make, tmp_path):
    torch.manual_seed(0)
    policy = get_peft_model(tiny_llama(), LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    tokenizer = tiny_tokenizer()
    prompt_format = PromptFormat(tokenizer, [])
    trainer = make(
        model=policy, reward_funcs=[LetterShare()], processing_class=tokenizer,
        args=arguments(tmp_path, max_steps=200, learning_rate=1e-2, temperature=1.0, **WHOLE_STEP),
        train_dataset=Dataset.from_list([{"prompt": "?" * n, "lang": "es"} for n in range(1, 9)]),
        sampled=SamplingCopy(policy, tiny_llama()), prompt_format=prompt_format,
        decoding=Decoding(LENGTH, 1.0, 261), advantage_std_floor=0.05, micro_batch_tokens=10**6,
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    rewards = [entry["reward"] for entry in trainer.state.log_history if "reward" in entry]
    assert len(rewards) == 200
    assert rewards[0] < 0.1
    assert sum(rewards[-10:]) / 10 >= 0.95
