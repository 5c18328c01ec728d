"""Copies of the policy in processes of their own that take their share of a step: rollouts, and micro-batches.

This process keeps all else: losses, optimiser, checkpoints, rewards, tracking. Of each micro-batch a copy computes the
log-probabilities and sends them here, where the loss is taken; it is sent the loss's gradient by them and goes on
backward from there, so that any loss works and a step's gradient is the sum that one process would have taken. A run
stops, fails and resumes as it does alone. Why not the trainer's own data parallelism: docs/training.md.

Notation: N processes with this one; parts are micro-batches.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from components.contracts import PipelineError
from components.environment import VISIBLE, nth_accelerator
from components.generation.sampler import Decoding, Generated, generate
from components.train.micro_batches import BEGINNING, Batch
from components.train.replica import Failed, Loaders, Row, serve, trainable

_NEEDED = ("prompt_ids", "prompt_mask", "completion_ids", "completion_mask", "support")
_PATIENCE_S = 2.0

Told = dict[str, Tensor]
"""Of a part: `logps` and `entropies` (B, C) float32, perhaps more."""


class Replicas:
    """This process and its copies. Without copies everything is done here, by the same way."""

    def __init__(self, helpers: "Sequence[_Helper]" = ()) -> None:
        self._helpers = helpers
        self._policy: Any = None

    def follow(self, policy: Any) -> None:  # noqa: ANN401 - a PeftModel, or None
        """From here on copies take the weights of this policy's adapter; None: of none, until the next is named."""
        self._policy = policy

    def rounds(self, parts: Sequence[Batch]) -> Iterator[Sequence[Batch]]:
        """The parts, as many at a time as there are processes."""
        size = len(self._helpers) + 1
        return (parts[start : start + size] for start in range(0, len(parts), size))

    def begin_step(self) -> None:
        """Give the copies the weights as they are now; what they had of gradients is gone."""
        if self._helpers:
            weights = save({name: value.detach().cpu().contiguous() for name, value in trainable(self._policy)})
            self._all_do("take", weights)

    def forward(self, parts: Sequence[Batch], temperature: float, own: Callable[[Batch], Told]) -> list[Told]:
        """What is told of each part of a round, `own` of the first; `logps` take gradients.

        Raises:
            RuntimeError: A copy failed (`torch.OutOfMemoryError` where it lacked memory).
            PipelineError: A copy has ended.
        """
        helpers = self._helpers[: len(parts) - 1]
        for helper, part in zip(helpers, parts[1:], strict=True):
            rows = {key: part[key].cpu().contiguous() for key in _NEEDED if key in part}
            helper.ask("forward", save(rows), temperature)
        tolds = [own(parts[0])]
        device = tolds[0]["logps"].device
        for answer in _answers(helpers):
            told = {name: value.to(device) for name, value in load(answer).items()}
            tolds.append(told | {"logps": told["logps"].requires_grad_()})
        return tolds

    def backward(self, losses: Sequence[Tensor], tolds: Sequence[Told], own: Callable[[Tensor], None]) -> None:
        """Take the gradients of a round's losses () by the weights; `own` is the first's backward pass.

        Raises:
            RuntimeError, PipelineError: As `forward`.
        """
        helpers = self._helpers[: len(losses) - 1]
        for helper, loss, told in zip(helpers, losses[1:], tolds[1:], strict=True):
            (gradient,) = torch.autograd.grad(loss, told["logps"])
            helper.ask("backward", save({"logps": gradient.cpu().contiguous()}))
        own(losses[0])
        _answers(helpers)

    def end_step(self) -> None:
        """Add the copies' gradients to this process's, in their order."""
        for answer in self._all_do("gradients"):
            gradients = load(answer)
            for name, parameter in trainable(self._policy):
                if name in gradients:
                    own = gradients[name].to(parameter.device)
                    parameter.grad = own if parameter.grad is None else parameter.grad + own

    def _all_do(self, *question: Any) -> list[Any]:  # noqa: ANN401
        for helper in self._helpers:
            helper.ask(*question)
        return _answers(self._helpers)

    def generate(
        self,
        model: Any,  # noqa: ANN401 - what rollouts come from
        prompts: Sequence[list[int]],
        decoding: Decoding,
        *,
        stop_ids: Tensor,
        **keywords: Any,  # noqa: ANN401 - the sampler's, numbers all of them
    ) -> list[list[Generated]]:
        """As `components.generation.sampler.generate`, each process for its share of the prompts.

        Copies sample with the followed policy's weights, and draw from seeds drawn here.
        """
        if not self._helpers:
            return generate(model, prompts, decoding, stop_ids=stop_ids, **keywords)
        self.begin_step()
        order = sorted(range(len(prompts)), key=lambda i: (prompts[i][:BEGINNING], len(prompts[i])))
        size = -(-len(order) // (len(self._helpers) + 1))
        first, *others = [order[at : at + size] for at in range(0, len(order), size)]
        for helper, share in zip(self._helpers, others, strict=False):
            seed = int(torch.randint(2**62, (1,))) if decoding.temperature else 0
            helper.ask("generate", seed, [prompts[i] for i in share], decoding, stop_ids.tolist(), keywords)
        own = generate(model, [prompts[i] for i in first], decoding, stop_ids=stop_ids, **keywords)
        done = dict(zip(first, own, strict=True))
        for share, answer in zip(others, _answers(self._helpers[: len(others)]), strict=True):
            done |= {i: [_generated(row) for row in rows] for i, rows in zip(share, answer, strict=True)}
        return [done[i] for i in range(len(prompts))]


@contextmanager
def replicas(num_processes: int, loaders: Loaders) -> Iterator[Replicas]:
    """Copies for all but this one of the processes, for as long as the context lasts.

    Raises:
        PipelineError: More accelerators are asked for than there are, or a copy could not be made.
    """
    helpers: list[_Helper] = []
    try:
        for number in range(1, num_processes):
            helpers.append(_Helper(number, loaders))
        _answers(helpers)
        yield Replicas(helpers)
    finally:
        for helper in helpers:
            helper.end()


@contextmanager
def _accelerator(number: int) -> Iterator[None]:
    """What a process that is started meanwhile sees of the accelerators, before it imports anything: its own alone."""
    if not torch.cuda.is_available():
        yield
        return
    own = os.environ[VISIBLE]
    os.environ[VISIBLE] = nth_accelerator(number)
    try:
        yield
    finally:
        os.environ[VISIBLE] = own


class _Helper:
    """A copy, asked over a pipe: one question at a time."""

    def __init__(self, number: int, loaders: Loaders) -> None:
        context = get_context("spawn")  # a fork would share the threads' locks, and an accelerator's state
        self._number = number
        self._pipe, theirs = context.Pipe()
        given = (theirs, loaders, torch.get_num_threads(), torch.cuda.is_available())
        self._process = context.Process(target=serve, args=given, daemon=True)
        with _accelerator(number):
            self._process.start()
        theirs.close()  # so that its end is seen here
        self._is_asked = True  # it says when it is ready

    def ask(self, *question: Any) -> None:  # noqa: ANN401
        """Send a question; an answer that nobody took is dropped."""
        if self._is_asked:
            self.answer()
        self._is_asked = True
        try:
            self._pipe.send(question)
        except OSError:
            raise self._gone() from None

    def answer(self) -> Any:  # noqa: ANN401
        """What it says, or `Failed`."""
        try:
            answer = self._pipe.recv()
        except (EOFError, OSError):
            raise self._gone() from None
        self._is_asked = False
        return answer

    def end(self) -> None:
        """Have it end, by force where it does not."""
        self._pipe.close()
        self._process.join(_PATIENCE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _gone(self) -> PipelineError:
        self._process.join(_PATIENCE_S)
        return _EndedError(
            f"train: process {self._number + 1} of `train.num_processes` ended (exit status "
            f"{self._process.exitcode}); run again, it goes on from the last checkpoint"
        )


class _EndedError(PipelineError):
    """A copy was killed, perhaps for its memory."""

    may_pass = True


def _generated(row: Row) -> Generated:
    token_ids, truncated, logps, support = row
    return Generated(token_ids, truncated, logps, torch.from_numpy(support))


def _answers(helpers: Sequence[_Helper]) -> list[Any]:
    """All answers are taken before the first failure is raised, so that the next question finds nobody busy."""
    answers = [helper.answer() for helper in helpers]
    for answer in answers:
        if isinstance(answer, Failed):
            answer.rise()
    return answers
