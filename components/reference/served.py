"""Asking a pivot behind a server. Every answer is kept as it arrives, and none is asked for twice."""

import zlib
from collections.abc import Callable, Sequence

from components.contracts import Question, Sample, ServedModel
from components.journal import Journal
from components.params import Params
from components.reference.samples import Asked, make_sample
from components.server import Chat, ChatPrompt, ChatServer


class ServedPivot:
    """A model behind the server that the environment names. It is asked `reference.num_samples` times a question."""

    def __init__(self, model: ServedModel, params: Params, journal: Journal) -> None:
        """The environment names a server, or it is a PipelineError."""
        self._params, self._journal = params, journal
        self._server = ChatServer.from_environment(model.name)

    def ask(self, asked: Asked, first: int, on_progress: Callable[[int], None]) -> list[list[Sample]]:
        """Each question's samples, numbered from `first`.

        Raises:
            ServerError: The server gave no answer to a question; what it answered is in the journal.
        """
        numbers = range(first, first + self._params.reference.num_samples)
        missing = [(q, shots, n) for q, shots in asked for n in numbers if _key(q, n) not in self._journal]
        on_progress(len(asked) * len(numbers) - len(missing))

        def keep(index: int, chat: Chat) -> None:
            question, _, number = missing[index]
            sample = make_sample(
                question,
                number,
                text=chat.text,
                thought=chat.thought,
                truncated=chat.truncated,
                num_tokens=chat.num_tokens,
                seconds=chat.seconds,
            )
            self._journal.append(_key(question, number), [sample])
            on_progress(1)

        self._server.ask_all([_prompt(*row, self._params) for row in missing], keep)
        return [[s for n in numbers for s in self._journal.read(_key(question, n), Sample)] for question, _ in asked]


def _key(question: Question, number: int) -> str:
    return f"{question.problem_id}/{number}"


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
