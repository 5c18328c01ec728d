"""A copy of the policy in a process of its own; it does what `components.train.replicas` asks over a pipe."""

import os
import signal
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from peft import PeftModel
from safetensors.torch import load, save
from torch import Tensor
from torch.nn import Parameter
from transformers import PreTrainedModel

from components.contracts import PipelineError
from components.environment import VISIBLE, end_with_parent, prepare_process, release_freed_memory
from components.generation.sampler import Decoding, generate
from components.train.folding import Sampled, sampled_from
from components.train.logprobs import told_of


@dataclass(frozen=True)
class Loaders:
    """How a copy gets its weights; pickled, so functions of modules and what `partial` makes of them."""

    policy: Callable[[], PeftModel]
    """With an adapter of the right shape; its weights are sent."""
    sampled: Callable[[], PreTrainedModel | PeftModel] | None
    """The same checkpoint once more, for LoRA to be folded into; called where rollouts are asked for. None: no copy."""


Row = tuple[list[int], bool, list[float], NDArray[np.int32]]
"""The fields of `Generated`: tensors would be sent as open files."""


@dataclass(frozen=True)
class Failed:
    """What went wrong in a copy."""

    kind: type[Exception]
    reason: str

    def rise(self) -> NoReturn:
        """Raise it where it was asked for."""
        raise self.kind(self.reason)


def trainable(policy: PeftModel) -> list[tuple[str, Parameter]]:
    """The weights that training changes, by name."""
    return [(name, parameter) for name, parameter in policy.named_parameters() if parameter.requires_grad]


def serve(pipe: Connection, loaders: Loaders, num_threads: int, is_accelerated: bool) -> None:
    """Answer until the pipe is closed: first True, once the policy is loaded.

    Args:
        is_accelerated: Whether the one accelerator that this process was given is used; else the processor.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # sent to all; the process that asks decides
    end_with_parent(signal.SIGKILL)
    prepare_process(offline=True)
    torch.set_num_threads(num_threads)
    copy = _tried(lambda: _Copy(loaders, is_accelerated))
    try:
        pipe.send(copy if isinstance(copy, Failed) else True)
        while True:
            name, *given = pipe.recv()
            pipe.send(_tried(lambda: getattr(copy, name)(*given)))  # noqa: B023 - called at once
    except (EOFError, BrokenPipeError):
        return


def _tried(work: Callable[[], Any]) -> Any:  # noqa: ANN401
    try:
        return work()
    except PipelineError as error:
        return Failed(PipelineError, str(error))
    except torch.OutOfMemoryError as error:
        return Failed(torch.OutOfMemoryError, str(error))
    except Exception:
        return Failed(RuntimeError, traceback.format_exc())


class _Copy:
    """What can be asked for."""

    def __init__(self, loaders: Loaders, is_accelerated: bool) -> None:
        if is_accelerated and not torch.cuda.is_available():
            name = os.environ[VISIBLE]
            raise PipelineError(f"params.yaml: `train.num_processes`: there is no accelerator {name}; lower it")
        self._policy, self._loaders = loaders.policy(), loaders
        self._sampled: Sampled | None = None
        self._told: dict[str, Tensor] = {}

    def take(self, weights: bytes) -> None:
        """The adapter's weights as they are now; gradients are dropped."""
        values = load(weights)
        with torch.no_grad():
            for name, parameter in trainable(self._policy):
                parameter.copy_(values[name])
        self._policy.zero_grad(set_to_none=True)
        self._told = {}

    def forward(self, rows: bytes, temperature: float) -> bytes:
        """What `told_of` tells of a part, which is kept for `backward`."""
        part = {name: value.to(self._policy.device) for name, value in load(rows).items()}
        self._told = told_of(self._policy, part, temperature)
        return save({name: value.detach().cpu().contiguous() for name, value in self._told.items()})

    def backward(self, gradients: bytes) -> None:
        """From the loss's gradients by what `forward` told."""
        given = load(gradients)
        names = list(given)
        on_device = [given[name].to(self._told[name].device) for name in names]
        torch.autograd.backward([self._told[name] for name in names], on_device)
        self._told = {}

    def gradients(self) -> bytes:
        """Of the adapter's weights, summed since they were taken; those of no part are left out."""
        named = trainable(self._policy)
        return save({name: p.grad.cpu().contiguous() for name, p in named if p.grad is not None})

    def generate(
        self, seed: int, prompts: Sequence[list[int]], decoding: Decoding, stop_ids: list[int], keywords: dict[str, Any]
    ) -> list[list[Row]]:
        """As the sampler's `generate`, from the weights that were taken."""
        if self._sampled is None:
            self._sampled = sampled_from(self._policy, self._loaders.sampled)
        self._sampled.refresh()
        release_freed_memory()
        torch.manual_seed(seed)
        found = generate(self._sampled.model, prompts, decoding, stop_ids=torch.tensor(stop_ids), **keywords)
        release_freed_memory()
        return [[(one.token_ids, one.truncated, one.logps, one.support.cpu().numpy()) for one in own] for own in found]
