"""The policy-gradient run by GRPO, RLOO or PPO on target-language prompts, LoRA weights only."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from datasets import Dataset
from peft import PeftModel
from transformers import PrinterCallback, TrainerCallback
from trl import GRPOConfig

from components.generation.prompts import PromptFormat
from components.generation.sampler import Decoding
from components.params import Params
from components.reward.terms import Reward
from components.train.checkpoints import train_or_resume
from components.train.data import Pairs, reward_columns
from components.train.folding import Sampled
from components.train.ppo import PivotPPOTrainer
from components.train.replicas import Replicas
from components.train.trainer import PivotGRPOTrainer


def run_grpo(
    policy: PeftModel,
    sampled: Sampled,
    prompt_format: PromptFormat,
    pairs: Pairs,
    reward: Reward,
    params: Params,
    checkpoints: Path,
    callbacks: list[TrainerCallback],
    replicas: Replicas | None = None,
) -> list[dict[str, float]]:
    """Train the adapter of `policy` in place; resumes from `checkpoints`.

    Args:
        pairs: Questions in the trained languages with their kept English references, in the order in which they are
            drawn where `train.prompt_order` is not `shuffled`.

    Returns:
        The trainer's log, one dict a step.
    """
    columns = {"prompt": [prompt_format.prompt_text(q.asked, q.lang) for q, _ in pairs], **reward_columns(pairs)}
    train = params.train
    trainer_of_method: Callable[..., PivotGRPOTrainer] = PivotGRPOTrainer
    if train.method == "ppo":
        trainer_of_method = partial(
            PivotPPOTrainer,
            value_learning_rate=train.value_learning_rate,
            value_coefficient=train.value_coefficient,
            gae_lambda=train.gae_lambda,
        )
    trainer = trainer_of_method(
        model=policy,
        args=_config(params, checkpoints),
        reward_funcs=[reward],
        train_dataset=Dataset.from_dict(columns),
        processing_class=prompt_format.tokenizer,
        callbacks=callbacks,
        sampled=sampled,
        prompt_format=prompt_format,
        decoding=Decoding(
            params.sampling.max_new_tokens, params.sampling.temperature, params.sampling.top_k
        ),
        advantage_std_floor=params.reward.advantage_std_floor,
        micro_batch_tokens=train.micro_batch_tokens,
        sampler=train.sampler,
        sampling_batch_size=params.sampling.batch_size,
        leave_one_out=train.method == "rloo",
        resample_silent=train.silent_groups == "resample",
        replicas=replicas,
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    train_or_resume(trainer, policy, checkpoints)
    return [dict(entry) for entry in trainer.state.log_history]


def _config(params: Params, checkpoints: Path) -> GRPOConfig:
    train = params.train
    return GRPOConfig(
        output_dir=str(checkpoints),
        shuffle_dataset=train.prompt_order == "shuffled",
        max_steps=train.steps * train.epochs,  # TRL counts updates
        num_iterations=train.epochs,
        per_device_train_batch_size=train.prompts_per_step * train.group_size,  # split by tokens when learned from
        num_generations=train.group_size,
        max_completion_length=params.sampling.max_new_tokens,
        temperature=params.sampling.temperature,
        top_k=params.sampling.top_k,
        learning_rate=train.learning_rate,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=train.learning_rate_warmup_steps * train.epochs,
        loss_type="dr_grpo",  # a sum over tokens / a constant: no reward for length (docs/paper_index.md)
        scale_rewards="none",  # the division by a floored deviation is ours
        beta=0.0,
        max_grad_norm=1.0,
        bf16=False,
        logging_steps=1,
        save_steps=train.save_every * train.epochs,  # never between two passes over the same rollouts
        save_total_limit=1,
        log_completions=True,
        num_completions_to_print=0,
        activation_checkpointing=False,
        dataloader_pin_memory=False,
        report_to="none",
        disable_tqdm=True,
        seed=params.train.seed,
    )
