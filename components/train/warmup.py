"""Supervised warm-up: the policy learns the form of an answer from the pivot's English references alone.

Worked examples stay in the prompt and get no loss. The same log-probabilities as in RL, averaged over response tokens.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor
from transformers import PrinterCallback, TrainerCallback, TrainingArguments

from components.contracts import Question, Reference
from components.generation.prompts import PromptFormat
from components.generation.sampler import left_pad
from components.params import TrainParams
from components.train.checkpoints import WholeCheckpoints, train_or_resume
from components.train.logprobs import response_logps


def warm_up(
    policy: PeftModel,
    prompt_format: PromptFormat,
    pairs: Sequence[tuple[Question, Reference]],
    params: TrainParams,
    seed: int,
    checkpoints: Path,
    callback: TrainerCallback,
) -> None:
    """Train the adapter of `policy` in place on (English question, reference) pairs; resumes from `checkpoints`.

    Args:
        pairs: Questions in English with kept references (text not None), at least one.
    """
    rows = [
        {
            "prompt": prompt_format.prompt_ids(question.asked, "en"),
            "response": prompt_format.response_ids(text),
        }
        for question, reference in pairs
        if (text := reference.text) is not None
    ]
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        max_steps=params.warmup_steps,
        per_device_train_batch_size=params.warmup_batch_size,
        learning_rate=params.warmup_learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, params.warmup_steps // 10),
        logging_steps=1,
        save_steps=params.save_every,
        save_total_limit=1,
        activation_checkpointing=False,
        dataloader_pin_memory=False,
        bf16=False,  # the base is bf16 already where the machine multiplies it; LoRA stays in float32
        report_to="none",
        remove_unused_columns=False,
        disable_tqdm=True,
        seed=seed,
    )
    trainer = _WarmupTrainer(
        model=policy,
        args=arguments,
        train_dataset=rows,  # a list is a map-style data set
        data_collator=_Collator(int(prompt_format.tokenizer.pad_token_id)),
        callbacks=[callback],
    )
    trainer.remove_callback(PrinterCallback)
    train_or_resume(trainer, policy, checkpoints)


class _Collator:
    """Rows of ids to the four tensors of `response_logps`."""

    def __init__(self, pad_id: int) -> None:
        self.pad_id = pad_id

    def __call__(self, rows: Sequence[dict[str, list[int]]]) -> dict[str, Tensor]:
        device = torch.device("cpu")  # the trainer moves batches itself
        prompt_ids, prompt_mask = left_pad([row["prompt"] for row in rows], self.pad_id, device)
        flipped = [row["response"][::-1] for row in rows]
        completion_ids, completion_mask = left_pad(flipped, self.pad_id, device)
        return {
            "prompt_ids": prompt_ids,
            "prompt_mask": prompt_mask,
            "completion_ids": completion_ids.flip(1),
            "completion_mask": completion_mask.flip(1),
        }


class _WarmupTrainer(WholeCheckpoints):
    """Trainer whose loss is the mean negative log-probability of response tokens."""

    def compute_loss(
        self,
        model: Any,  # noqa: ANN401
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,  # noqa: ARG002 - Trainer's signature
    ) -> Tensor:
        """Loss () float32, in nats a token."""
        if return_outputs:
            raise ValueError("the warm-up has no outputs to return")
        logps, _ = response_logps(self.accelerator.unwrap_model(model), **inputs, temperature=1.0)
        return -logps.sum() / inputs["completion_mask"].sum()
