"""Rollouts of one policy that never changes, kept by prompt: settings are then compared on the same ones.

The first setting that is asked a prompt pays for the sampling. Rollouts grow stale as the trained policy moves away;
`components.train.learning` weighs them where it does.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from components.generation.prompts import PromptFormat
from components.generation.sampler import Decoding, Generated
from components.train.replicas import Replicas
from components.train.rollouts import OwnRollouts


class FixedRollouts(OwnRollouts):
    """Our sampler on a policy of its own; what was sampled before is read from `folder`."""

    def __init__(
        self, model: PreTrainedModel, prompt_format: PromptFormat, decoding: Decoding, batch_size: int, folder: Path
    ) -> None:
        """`model` has the start's LoRA folded in, and nothing else is written into it."""
        super().__init__(model, prompt_format, decoding, Replicas(), batch_size)
        self._folder = folder

    def sample(self, prompts: Sequence[list[int]], num_samples: int) -> list[Generated]:
        """See `Rollouts`."""
        missing = [prompt for prompt in prompts if not self._file(prompt, num_samples).is_file()]
        drawn = super().sample(missing, num_samples) if missing else []
        for number, prompt in enumerate(missing):
            _write(self._file(prompt, num_samples), drawn[number * num_samples : (number + 1) * num_samples])
        return [rollout for prompt in prompts for rollout in _read(self._file(prompt, num_samples))]

    def _file(self, prompt: list[int], num_samples: int) -> Path:
        name = hashlib.sha256(json.dumps([prompt, num_samples]).encode()).hexdigest()[:24]
        return self._folder / f"{name}.safetensors"


def _write(path: Path, rollouts: Sequence[Generated]) -> None:
    tensors = {}
    for number, rollout in enumerate(rollouts):
        tensors[f"{number:03d}.ids"] = torch.tensor([*rollout.token_ids, int(rollout.truncated)])
        tensors[f"{number:03d}.logps"] = torch.tensor(rollout.logps)
        tensors[f"{number:03d}.support"] = rollout.support.contiguous()
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_suffix(".tmp")
    save_file(tensors, whole)
    whole.rename(path)


def _read(path: Path) -> list[Generated]:
    tensors = load_file(path)
    rollouts = []
    for number in range(len(tensors) // 3):
        *ids, truncated = tensors[f"{number:03d}.ids"].tolist()
        logps = tensors[f"{number:03d}.logps"].tolist()
        rollouts.append(Generated(ids, bool(truncated), logps, tensors[f"{number:03d}.support"]))
    return rollouts
