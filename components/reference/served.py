"""Asking a pivot behind a server. Every answer is kept as it arrives, and none is asked for twice.

Answers outlive the stage that asked for them: they cost hours, and a change of what is made of them (a rule of the
vote, one more problem) must not ask for the others again. They are known by model, prompt and sampling.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict

from pydantic import BaseModel, ConfigDict

from components.contracts import Question, Sample, ServedModel, fingerprint
from components.journal import kept_journal
from components.params import Params
from components.progress import say
from components.reference.samples import Asked, make_sample
from components.server import Chat, ChatPrompt, pivot_server


class _Answer(BaseModel):
    """A `Chat` on disk."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    thought: str | None
    num_tokens: int
    truncated: bool
    seconds: float


_NO_ANSWER = _Answer(text="", thought=None, num_tokens=0, truncated=True, seconds=0.0)


class ServedPivot:
    """A model behind the server that the environment names. It is asked `reference.num_samples` times a question."""

    def __init__(self, model: ServedModel, params: Params) -> None:
        """The environment names a server, or it is a PipelineError; so is another process with this model's answers."""
        self._params = params
        self._server = pivot_server(model.name)
        self._journal = kept_journal("pivot", model.name)
        self.release = self._journal.release

    def ask(self, asked: Asked, first: int, on_progress: Callable[[int], None]) -> list[list[Sample]]:
        """Each question's samples, numbered from `first`.

        One that the server gives no answer to because of itself (too long, filtered, too slow) is empty and cut off.

        Raises:
            ServerError: The server gave no answer to a question; what it answered is kept.
        """
        numbers = range(first, first + self._params.reference.num_samples)
        prompts = {(q.problem_id, n): _prompt(q, shots, n, self._params) for q, shots in asked for n in numbers}
        missing = {key: prompt for prompt in prompts.values() if (key := _key(prompt)) not in self._journal}
        if num_known := len(prompts) - len(missing):
            say(f"reference: {num_known} answers are there already ({self._journal.path}; remove it to ask again)")
        on_progress(num_known)
        self._ask(missing, on_progress)
        return [[self._sample(q, n, prompts[q.problem_id, n]) for n in numbers] for q, _ in asked]

    def _ask(self, missing: dict[str, ChatPrompt], on_progress: Callable[[int], None]) -> None:
        keys, given_up = list(missing), list[str]()

        def keep(index: int, chat: Chat) -> None:
            self._journal.append(keys[index], [_Answer(**asdict(chat))])
            on_progress(1)

        def give_up(_index: int, reason: str) -> None:
            given_up.append(reason)
            on_progress(1)

        self._server.ask_all(list(missing.values()), keep, give_up)
        if given_up:
            say(f"warning: reference: {len(given_up)} of {len(keys)} questions were given up; the first: {given_up[0]}")

    def _sample(self, question: Question, number: int, prompt: ChatPrompt) -> Sample:
        key = _key(prompt)
        (answer,) = self._journal.read(key, _Answer) if key in self._journal else (_NO_ANSWER,)
        return make_sample(question, number, **answer.model_dump())


def _key(prompt: ChatPrompt) -> str:
    return fingerprint(asdict(prompt), [])


def _prompt(question: Question, shots: Sequence[Question], number: int, params: Params) -> ChatPrompt:
    turns = [turn for shot in shots for turn in (("user", shot.asked), ("assistant", shot.solution or ""))]
    return ChatPrompt(
        messages=(*turns, ("user", question.asked)),
        temperature=params.reference.temperature,
        max_tokens=params.reference.max_new_tokens,
        seed=sample_seed(params.base.seed, question.problem_id, number),
    )


def sample_seed(seed: int, problem_id: str, number: int) -> int:
    """A sample's own seed, 0 to 2^31 - 1: the same whatever was asked before it."""
    return zlib.crc32(f"{seed}/{problem_id}/{number}".encode()) & 0x7FFFFFFF
