"""Asking a pivot behind a server. Every answer is kept as it arrives, and none is asked for twice."""

import zlib
from collections.abc import Callable, Sequence

from components.contracts import Question, Sample, ServedModel
from components.journal import Journal
from components.params import Params
from components.reference.samples import Asked, make_sample
from components.server import Chat, ChatPrompt, ChatServer


def ask_server(
    model: ServedModel, params: Params, asked: Asked, journal: Journal, on_progress: Callable[[int], None]
) -> list[Sample]:
    """All samples, by question and number.

    Raises:
        ServerError: The server gave no answer to a question; what it answered is in the journal.
        PipelineError: The environment names no server.
    """
    server = ChatServer.from_environment(model.name)
    numbers = range(params.reference.num_samples)
    keys = [_key(question, number) for question, _ in asked for number in numbers]
    missing = [(q, shots, n) for q, shots in asked for n in numbers if _key(q, n) not in journal]
    on_progress(len(keys) - len(missing))

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
        journal.append(_key(question, number), [sample])
        on_progress(1)

    server.ask_all([_prompt(question, shots, number, params) for question, shots, number in missing], keep)
    return [sample for key in keys for sample in journal.read(key, Sample)]


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
