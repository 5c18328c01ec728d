"""A client of OpenAI-compatible chat completions that many questions can be left to.

Requests run side by side up to a limit. What may pass (no connection, no answer in time, 408, 409, 429, 5xx, a body
that is no completion) is tried again, later and later; what will not (any other status) ends the work at once. A
question that is itself the cause (400, 413, 422, no answer in time at every try) may be given up alone. Every answer is
handed over as it arrives, so that nothing that was answered has to be asked again.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from components.contracts import PipelineError
from components.server.completion import Chat, error_message, read_completion

_TRY_AGAIN = (408, 409, 429)
_OF_QUESTION = (400, 413, 422)  # too long, or filtered
_MANY = 8  # questions given up, and more than were answered: then it is not the questions
_MAX_RETRY_AFTER_S = 600.0  # a server that asks for more is waited for so long, then asked again


class ServerError(PipelineError):
    """The server did not answer a question, and was asked often enough."""

    def __init__(self, told: str, *, may_pass: bool = False) -> None:
        """`may_pass`: it was out of reach or out of order, and did not refuse. (Pickled by `told` and its state.)"""
        super().__init__(told)
        self.may_pass = may_pass


@dataclass(frozen=True, slots=True)
class ChatPrompt:
    """What a model is asked, and how it is sampled. The server's own defaults settle what is not here (top-k)."""

    messages: tuple[tuple[str, str], ...]
    """(role, content) in order; the last one is the user's."""
    temperature: float
    max_tokens: int
    """Of the response, its thought included."""
    seed: int


class _PassingError(Exception):
    """A failure that may pass."""

    def __init__(self, reason: str, retry_after_s: float = 0.0, *, of_question: bool = False) -> None:
        super().__init__(reason)
        self.retry_after_s, self.of_question = retry_after_s, of_question


class _RefusedError(Exception):
    """A failure that will not pass."""

    def __init__(self, reason: str, *, of_question: bool) -> None:
        super().__init__(reason)
        self.of_question = of_question


class _FailedError(Exception):
    """One question is given up."""

    def __init__(self, index: int, tries: int, error: _PassingError | _RefusedError) -> None:
        super().__init__(str(error))
        self.index, self.tries, self.may_pass = index, tries, isinstance(error, _PassingError)
        self.of_question = error.of_question


@dataclass
class _Work:
    """One call's: what is left, and what has become of the rest."""

    todo: Iterator[tuple[int, ChatPrompt]]
    on_answer: Callable[[int, Chat], None]
    on_given_up: Callable[[int, str], None] | None
    num_answered: int = 0
    num_given_up: int = 0

    def answered(self, index: int, chat: Chat) -> None:
        self.on_answer(index, chat)
        self.num_answered += 1

    def failed(self, error: _FailedError) -> None:
        """Give the question up.

        Raises:
            _FailedError: It is not the question, or nobody wants to know.
        """
        self.num_given_up += 1
        are_many = self.num_given_up >= _MANY and self.num_given_up > self.num_answered
        if self.on_given_up is None or not error.of_question or are_many:
            raise error
        self.on_given_up(error.index, str(error))


@dataclass(frozen=True)
class ChatServer:
    """One model behind one server. The key is sent as a bearer token and shown nowhere."""

    url: str
    """Up to and with the version: `http://127.0.0.1:8000/v1`."""
    model: str
    """As the server calls it."""
    api_key: str | None = field(default=None, repr=False)
    concurrency: int = 8
    """Requests under way at a time."""
    timeout_s: float = 300.0
    """For a whole request, from connecting to the last byte."""
    tries: int = 6
    """Of one question, the first included."""
    timeout_variable: str = "PBRLSVR_SERVER_TIMEOUT_S"
    """What sets `timeout_s`; for errors."""
    first_wait_s: float = 1.0
    """Before the second try; each further wait is about twice as long."""
    max_wait_s: float = 60.0

    def ask_all(
        self,
        prompts: Sequence[ChatPrompt],
        on_answer: Callable[[int, Chat], None],
        on_given_up: Callable[[int, str], None] | None = None,
    ) -> None:
        """Ask all prompts; `on_answer(index, answer)` is called in this thread, one at a time, as answers arrive.

        Args:
            on_given_up: Called alike with (index, reason) for a prompt that is too long, filtered or never answered in
                time; the others go on. None: such a prompt ends the work as any other failure does.

        Raises:
            ServerError: A prompt was refused, or failed in every try; or more were given up than answered. What was
                under way is cancelled; every answer that had arrived was handed over.
        """
        work = _Work(iter(enumerate(prompts)), on_answer, on_given_up)
        try:
            asyncio.run(self._ask_all(len(prompts), work))
        except ExceptionGroup as group:  # all workers were stopped by the first failure
            error = group.exceptions[0]
            if isinstance(error, _FailedError):
                told = self._told(error, prompts, work.num_answered)
                raise ServerError(told, may_pass=error.may_pass) from None
            raise error from None

    async def _ask_all(self, num_prompts: int, work: _Work) -> None:
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        limits = httpx.Limits(max_connections=self.concurrency)
        async with (
            httpx.AsyncClient(headers=headers, limits=limits, timeout=self.timeout_s) as client,
            asyncio.TaskGroup() as workers,
        ):
            for _ in range(min(self.concurrency, num_prompts)):
                workers.create_task(self._work(client, work))

    async def _work(self, client: httpx.AsyncClient, work: _Work) -> None:
        """Ask what is left to ask, one question after the other."""
        for index, prompt in work.todo:
            retrying = AsyncRetrying(
                stop=stop_after_attempt(self.tries),
                wait=self._wait_s,
                retry=retry_if_exception_type(_PassingError),
                reraise=True,
            )
            try:
                chat: Chat = await retrying(self._ask, client, prompt)
            except (_PassingError, _RefusedError) as error:
                work.failed(_FailedError(index, retrying.statistics["attempt_number"], error))
            else:
                work.answered(index, chat)

    async def _ask(self, client: httpx.AsyncClient, prompt: ChatPrompt) -> Chat:
        started = time.monotonic()
        try:
            async with asyncio.timeout(self.timeout_s):  # httpx's own limit starts anew with every byte
                response = await client.post(f"{self.url}/chat/completions", json=self._body(prompt))
        except (TimeoutError, httpx.TimeoutException):
            told = f"no whole answer in {self.timeout_s:g} s ({self.timeout_variable})"
            raise _PassingError(told, of_question=True) from None
        except httpx.RequestError as error:
            raise _PassingError(f"{type(error).__name__}: {error}") from None
        if response.is_success:
            try:
                return read_completion(response.content, time.monotonic() - started)
            except ValueError as error:
                raise _PassingError(str(error)) from None
        told = f"{response.status_code} {response.reason_phrase}: {self._shown(error_message(response.content))}"
        if response.status_code in _TRY_AGAIN or response.is_server_error:
            raise _PassingError(told, _retry_after_s(response.headers.get("Retry-After", "")))
        raise _RefusedError(told, of_question=response.status_code in _OF_QUESTION)

    def _body(self, prompt: ChatPrompt) -> dict[str, Any]:
        return {
            "model": self.model,
            "messages": [{"role": role, "content": content} for role, content in prompt.messages],
            "temperature": prompt.temperature,
            "max_tokens": prompt.max_tokens,
            "seed": prompt.seed,
        }

    def _wait_s(self, state: RetryCallState) -> float:
        """Longer from try to try, with a random part so that workers spread out; never under what the server asks."""
        growing = wait_exponential(multiplier=self.first_wait_s, max=self.max_wait_s)
        own = (growing + wait_random(0, self.first_wait_s))(state)
        error = state.outcome.exception() if state.outcome else None
        return max(own, error.retry_after_s) if isinstance(error, _PassingError) else own

    def _told(self, error: _FailedError, prompts: Sequence[ChatPrompt], num_answered: int) -> str:
        asked = " ".join(prompts[error.index].messages[-1][1].split())[:60]
        reason = " ".join(str(error).split())
        return (
            f"{self.url}: question {error.index + 1} of {len(prompts)} ({asked}): {reason} "
            f"(tries: {error.tries}; answered, and kept: {num_answered})" + "; run again" * error.may_pass
        )

    def _shown(self, message: str) -> str:
        """A server's words, shortened; servers quote keys that they refuse."""
        return (message.replace(self.api_key, "***") if self.api_key else message)[:200]


def _retry_after_s(value: str) -> float:
    """Seconds that a server asks to wait, given in seconds or as a date; 0 where it says nothing readable."""
    try:
        seconds = float(int(value))
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):  # no date, or one without a zone
            return 0.0
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER_S)
