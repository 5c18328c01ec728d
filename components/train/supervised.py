"""Supervised steps on written responses: the warm-up on English references, the methods `raft` and `sft`.

Worked examples stay in the prompt and get no loss. The same log-probabilities as in RL, averaged over response tokens,
in the same micro-batches.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor
from transformers import PrinterCallback, TrainerCallback, TrainingArguments

from components.contracts import Question
from components.generation.prompts import PromptFormat
from components.generation.sampler import left_pad
from components.progress import say
from components.train.checkpoints import WholeCheckpoints, train_or_resume
from components.train.faults import Faults
from components.train.logprobs import shared_tokens_of, told_of
from components.train.micro_batches import split_by_tokens
from components.train.replicas import Replicas

Lesson = tuple[Question, str]
"""A question and the response to learn, in one language."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast: the learning rate falls to 0 like a cosine."""

    steps: int
    batch_size: int
    learning_rate: float
    learning_rate_warmup_steps: int
    micro_batch_tokens: int
    save_every: int
    seed: int


def fine_tune(
    policy: PeftModel,
    prompt_format: PromptFormat,
    lessons: Sequence[Lesson],
    schedule: Schedule,
    checkpoints: Path,
    callbacks: list[TrainerCallback],
    warn: Callable[[str], None] = say,
    replicas: Replicas | None = None,
) -> list[dict[str, Any]]:
    """Train the adapter of `policy` in place; resumes from `checkpoints`.

    Args:
        lessons: At least one.

    Returns:
        The trainer's log, one dict a step.

    Raises:
        PipelineError: As `train_or_resume`, or loss or gradient was not finite three times in a row.
    """
    rows = [
        {
            "prompt": prompt_format.prompt_ids(question.asked, question.lang),
            "response": prompt_format.response_ids(text),
        }
        for question, text in lessons
    ]
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        max_steps=schedule.steps,
        per_device_train_batch_size=schedule.batch_size,
        learning_rate=schedule.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=schedule.learning_rate_warmup_steps,
        logging_steps=1,
        save_steps=schedule.save_every,
        save_total_limit=1,
        activation_checkpointing=False,
        dataloader_pin_memory=False,
        bf16=False,  # the base is bf16 already where the machine multiplies it; LoRA stays in float32
        report_to="none",
        remove_unused_columns=False,
        disable_tqdm=True,
        seed=schedule.seed,
    )
    trainer = _SupervisedTrainer(
        model=policy,
        args=arguments,
        train_dataset=rows,  # a list is a map-style data set
        data_collator=_Collator(int(prompt_format.tokenizer.pad_token_id)),
        callbacks=callbacks,
    )
    trainer.micro_batch_tokens, trainer.faults = schedule.micro_batch_tokens, Faults(warn)
    trainer.replicas = replicas or Replicas()
    trainer.replicas.follow(policy)
    trainer.remove_callback(PrinterCallback)
    train_or_resume(trainer, policy, checkpoints)
    return [dict(entry) for entry in trainer.state.log_history]


class _Collator:
    """Rows of ids to the four tensors of `told_of`."""

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


class _SupervisedTrainer(WholeCheckpoints):
    """Trainer whose loss is the mean negative log-probability of response tokens."""

    micro_batch_tokens: int
    faults: Faults
    replicas: Replicas
    _told: dict[str, float]
    """Of the step in hand."""

    def compute_loss(
        self,
        model: Any,  # noqa: ANN401
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,  # noqa: ARG002 - Trainer's signature
    ) -> Tensor:
        """Loss () float32, in nats a token; the gradients are taken here, a micro-batch at a time."""
        if return_outputs:
            raise ValueError("supervised steps have no outputs to return")
        started = time.perf_counter()
        num_tokens = inputs["completion_mask"].sum()
        step = partial(self._gradients, model, inputs, num_tokens)
        loss = self.faults.once_more_if_memory_lacks(self, model, step)
        self.faults.after_gradients(loss, [p for p in model.parameters() if p.requires_grad])
        self._told = {
            "tokens_learned": float(num_tokens),
            "step_time": time.perf_counter() - started,
            "faults/skipped_steps": float(self.faults.skipped),
            "faults/retries": float(self.faults.retries),
        }
        return loss.requires_grad_()  # a leaf: the Trainer's own backward ends here

    def _gradients(self, model: Any, inputs: dict[str, Tensor], num_tokens: Tensor) -> Tensor:  # noqa: ANN401
        policy = self.accelerator.unwrap_model(model)
        num_shared = shared_tokens_of(policy, inputs["completion_ids"].shape[1])
        total = torch.zeros((), device=num_tokens.device)
        own = partial(told_of, policy, temperature=1.0)
        self.replicas.begin_step()
        for parts in self.replicas.rounds(split_by_tokens(inputs, self.micro_batch_tokens, num_shared)):
            tolds = self.replicas.forward(parts, 1.0, own)
            losses = [-told["logps"].sum() / num_tokens for told in tolds]
            self.replicas.backward(losses, tolds, self.accelerator.backward)
            total += sum(loss.detach() for loss in losses)
        self.replicas.end_step()
        return total

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """The Trainer's, with the step's response tokens and seconds."""
        super().log(logs | self._told if "loss" in logs else logs, start_time)
