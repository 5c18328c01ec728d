"""Going on from a trainer's checkpoints, however it ended: killed, stopped, or with the disk full."""

import json
import random
import shutil
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from peft import PeftModel, set_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import get_last_checkpoint

from components.contracts import PipelineError
from components.environment import Terminated
from components.progress import say
from components.train.callbacks import Budget


def train_or_resume(trainer: Trainer, policy: PeftModel, folder: Path) -> None:
    """Train to the trainer's last step, from its newest whole checkpoint in `folder` if there is one.

    At a checkpoint of the last step, or of a spent budget, the adapter is loaded and nothing is trained: transformers
    would add one step.
    Stopped by SIGTERM or Ctrl-C, the last finished step is saved first.

    Raises:
        PipelineError: The checkpoint holds pickled code, or one cannot be written.
    """
    checkpoint = last_whole_checkpoint(folder)
    if checkpoint is not None:
        state = _state_of(checkpoint)
        budgets = [own for own in trainer.callback_handler.callbacks if isinstance(own, Budget)]
        if state.global_step >= trainer.args.max_steps or any(budget.is_spent(state) for budget in budgets):
            set_peft_model_state_dict(policy, load_file(checkpoint / "adapter_model.safetensors"))
            trainer.state = state
            return
    between = _BetweenSteps()
    trainer.add_callback(between)
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except (KeyboardInterrupt, Terminated):
        if between.save(trainer, folder):
            say(f"train: stopped; step {trainer.state.global_step} is saved, the next run goes on from there")
        raise
    except (UnpicklingError, SafetensorError):
        raise PipelineError(
            f"{checkpoint}: holds something else than tensors and numbers, of which nothing is run; "
            "remove it and run again"
        ) from None


def _state_of(checkpoint: Path) -> TrainerState:
    path = checkpoint / TRAINER_STATE_NAME
    try:
        state: TrainerState = TrainerState.load_from_json(str(path))
    except (ValueError, TypeError):
        raise PipelineError(f"{path}: not a trainer's state; remove {checkpoint} and run again") from None
    return state


def last_whole_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that was written to its end; torn ones are removed.

    The trainer writes its state last, so a checkpoint without it, or with half of it, was cut off by a kill.
    """
    for checkpoint in folder.glob("checkpoint-*"):
        if not _is_whole(checkpoint / TRAINER_STATE_NAME):
            shutil.rmtree(checkpoint)
    newest = get_last_checkpoint(str(folder)) if folder.is_dir() else None
    return Path(newest) if newest else None


def _is_whole(state: Path) -> bool:
    try:
        json.loads(state.read_bytes())
    except (OSError, ValueError):
        return False
    return True


class WholeCheckpoints(Trainer):
    """A trainer that says what to do when a checkpoint cannot be written; the one before it stays."""

    def _save_checkpoint(self, model: Any, trial: Any) -> None:  # noqa: ANN401
        try:
            super()._save_checkpoint(model, trial)
        except (OSError, RuntimeError, SafetensorError) as error:
            folder = Path(self.args.output_dir or ".")
            shutil.rmtree(folder / f"checkpoint-{self.state.global_step}", ignore_errors=True)
            before = last_whole_checkpoint(folder)
            kept = f"{before.name} before it is whole" if before else "there is none before it"
            reason = str(error).splitlines()[0]
            raise PipelineError(
                f"{folder}: the checkpoint of step {self.state.global_step} could not be written ({reason}); {kept}: "
                "make room on the disk and run again"
            ) from error


class _BetweenSteps(TrainerCallback):
    """Knows when the trainer holds exactly what a finished step left, and can save that while the next one runs.

    A step changes weights only from `on_pre_optimizer_step` on; before that, only random numbers have been drawn.
    Rollouts are not saved, so nothing is whole between two passes over the same ones.
    """

    def __init__(self) -> None:
        self._is_whole = False
        self._drawn: tuple[Any, Any, torch.Tensor, list[torch.Tensor]] | None = None

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ANN401, ARG002
        """All of the step before is done and logged."""
        self._is_whole = state.global_step % getattr(args, "num_iterations", 1) == 0

    def on_pre_optimizer_step(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,  # noqa: ARG002
        control: TrainerControl,  # noqa: ARG002
        **_: Any,  # noqa: ANN401
    ) -> None:
        """From here on weights change."""
        self._is_whole = False

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Where the generators of random numbers stand."""
        accelerators = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        self._drawn = (random.getstate(), np.random.get_state(), torch.random.get_rng_state(), accelerators)

    def save(self, trainer: Trainer, folder: Path) -> bool:
        """Save the last finished step of this process; False where there is none, or no moment to save it."""
        step = trainer.state.global_step
        if not self._is_whole or self._drawn is None or (folder / f"checkpoint-{step}" / TRAINER_STATE_NAME).is_file():
            return False
        random.setstate(self._drawn[0])
        np.random.set_state(self._drawn[1])
        torch.random.set_rng_state(self._drawn[2])
        torch.cuda.set_rng_state_all(self._drawn[3])
        model: Any = trainer.model
        trainer._save_checkpoint(model, None)
        return True
