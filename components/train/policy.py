"""The policy that is trained: the checkpoint with LoRA on it, new or gone on from."""

from pathlib import Path
from typing import Any

from peft import PeftModel, get_peft_model

from components.contracts import ModelEntry, PipelineError
from components.generation.models import existing_adapter, load_model
from components.lora import fuse, lora_config
from components.params import TrainParams


def fresh_policy(entry: ModelEntry, dtype: str, train: TrainParams) -> PeftModel:
    """The checkpoint with a new adapter.

    Raises:
        PipelineError: As `load_model`, or the model has none of the layers.
    """
    model: Any = load_model(entry, dtype)
    try:
        policy: Any = get_peft_model(model, lora_config(train))
    except ValueError as error:
        raise PipelineError(f"params.yaml: `train.lora_targets`: {' '.join(str(error).split())}") from error
    return _trainable(policy, train)


def continued_policy(entry: ModelEntry, dtype: str, train: TrainParams, adapter: Path) -> PeftModel:
    """The checkpoint with the adapter in that folder.

    Raises:
        PipelineError: As `load_model`.
    """
    model: Any = load_model(entry, dtype)
    policy: Any = PeftModel.from_pretrained(model, existing_adapter(adapter), is_trainable=True)
    policy.active_peft_config.base_model_name_or_path = str(entry.folder)  # peft looks there when it saves
    return _trainable(policy, train)


def _trainable(policy: PeftModel, train: TrainParams) -> PeftModel:
    """With all of the forward pass kept, or with `train.activation_checkpointing` what each layer was given."""
    fuse(policy)
    if train.activation_checkpointing:
        model: Any = policy.get_base_model()
        model.activation_checkpointing_enable({"use_reentrant": False})
    return policy
