"""Going on from a trainer's checkpoints, whenever it was killed."""

import shutil
from pathlib import Path

from peft import PeftModel, set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import Trainer, TrainerState
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import get_last_checkpoint


def train_or_resume(trainer: Trainer, policy: PeftModel, folder: Path) -> None:
    """Train to the trainer's last step, from its newest whole checkpoint in `folder` if there is one.

    At a checkpoint of the last step the adapter is loaded and nothing is trained: transformers would add one step.
    """
    checkpoint = last_whole_checkpoint(folder)
    if checkpoint is None:
        trainer.train()
        return
    state = TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME))
    if state.global_step < trainer.args.max_steps:
        trainer.train(resume_from_checkpoint=str(checkpoint))
        return
    set_peft_model_state_dict(policy, load_file(checkpoint / "adapter_model.safetensors"))
    trainer.state = state


def last_whole_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that was written to its end; torn ones are removed.

    The trainer writes its state last, so a checkpoint without it was cut off by a kill.
    """
    for checkpoint in folder.glob("checkpoint-*"):
        if not (checkpoint / TRAINER_STATE_NAME).is_file():
            shutil.rmtree(checkpoint)
    newest = get_last_checkpoint(str(folder)) if folder.is_dir() else None
    return Path(newest) if newest else None
