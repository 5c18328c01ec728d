"""What can go wrong in a step, and what then happens: said aloud, counted, and ended where it does not pass."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from components.contracts import PipelineError

Taken = TypeVar("Taken")

MAX_IN_A_ROW = 3
"""Steps without an update, after which training ends."""


class HasMicroBatches(Protocol):
    """Who learns in micro-batches."""

    micro_batch_tokens: int


class Faults:
    """Counts a run's faults. `skipped` steps changed nothing; after a `retry` the run is not bit-for-bit repeatable."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        self.warn = warn
        self.skipped = self.retries = self._in_a_row = 0
        self._unscored = False

    def only_finite(self, rewards: Tensor) -> Tensor:
        """Rewards (B, F) with infinite ones as NaN, TRL's mark of what could not be scored.

        Raises:
            PipelineError: Nothing could be scored, for the second time in a row.
        """
        infinite = rewards.isinf()
        if infinite.any():
            self.warn(f"train: warning: {int(infinite.sum())} rewards were infinite: they count as not scored")
        rewards = rewards.masked_fill(infinite, float("nan"))
        if not rewards.isnan().all():
            self._unscored = False
        elif self._unscored:
            raise PipelineError(
                "train: not one response could be scored, twice in a row; see whether the references have texts, and "
                "whether the encoder knows the languages (`pb-rlsvr score` tells the terms)"
            )
        else:
            self._unscored = True
            self.warn("train: warning: not one response of this step could be scored: it changes nothing")
        return rewards

    def after_gradients(self, loss: Tensor, parameters: Sequence[Tensor]) -> None:
        """Drop gradients that are not finite, so that the step changes nothing.

        Without gradients AdamW does not touch a weight; with zeros its momentum would.

        Raises:
            PipelineError: The third time in a row.
        """
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if torch.isfinite(loss) and all(bool(torch.isfinite(gradient).all()) for gradient in gradients):
            self._in_a_row = 0
            return
        for parameter in parameters:
            parameter.grad = None
        self.skipped += 1
        self._in_a_row += 1
        self.warn("train: warning: loss or gradient was not finite: the step changes nothing")
        if self._in_a_row >= MAX_IN_A_ROW:
            raise PipelineError(
                f"train: loss or gradient was not finite {MAX_IN_A_ROW} times in a row; lower `train.learning_rate`, "
                "or try `models.dtype: float32`"
            )

    def once_more_if_memory_lacks(self, learner: HasMicroBatches, model: nn.Module, step: Callable[[], Taken]) -> Taken:
        """What `step` gives, which takes a step's gradients into `model` in the learner's micro-batches.

        Raises:
            RuntimeError: What `step` raised, where it was no lack of memory or came again.
        """
        try:
            return step()
        except RuntimeError as error:  # torch's OutOfMemoryError is one
            learner.micro_batch_tokens = self._smaller(learner.micro_batch_tokens, error)
        model.zero_grad(set_to_none=True)
        return step()

    def _smaller(self, micro_batch_tokens: int, error: RuntimeError) -> int:
        """Half as many tokens after `error`, if that was a lack of memory.

        Raises:
            RuntimeError: `error`, where it was something else.
        """
        if not (isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)):
            raise error
        self.retries += 1
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        half = max(1, micro_batch_tokens // 2)
        self.warn(
            f"train: warning: out of memory with micro-batches of {micro_batch_tokens} tokens: once more with {half}, "
            "which stay; from here on the run is not bit-for-bit repeatable"
        )
        return half
