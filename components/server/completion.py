"""Reading the body of a chat completion."""

import json
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.contracts import first_problem
from components.lang.thoughts import split_thought


@dataclass(frozen=True, slots=True)
class Chat:
    """A model's answer to one prompt."""

    text: str
    """Without the thought."""
    thought: str | None
    num_tokens: int
    """Generated, the thought's included."""
    truncated: bool
    """Whether something else than the model ended it: the length limit, a filter, a server that stops."""
    seconds: float
    """From the request that was answered to its answer."""


class _Wire(BaseModel):
    model_config = ConfigDict(strict=True)


class _Message(_Wire):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None  # newer servers' name for it


class _Choice(_Wire):
    message: _Message
    finish_reason: str


class _Usage(_Wire):
    completion_tokens: int = Field(ge=0)


class _Completion(_Wire):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage


def read_completion(body: bytes, seconds: float) -> Chat:
    """The first choice of a chat completion.

    Raises:
        ValueError: The body is none, with what is wrong in one line.
    """
    try:
        completion = _Completion.model_validate_json(body)
    except ValidationError as error:
        raise ValueError(f"no chat completion ({first_problem(error, 'body')})") from None
    choice = completion.choices[0]
    given = choice.message.reasoning_content or choice.message.reasoning
    truncated = choice.finish_reason != "stop"
    if choice.message.content is None and given is None and not truncated:
        raise ValueError("no chat completion (`choices.0.message` has neither content nor reasoning)")
    thought, text = split_thought(choice.message.content or "")
    return Chat(text, given or thought, completion.usage.completion_tokens, truncated, seconds)


def error_message(body: bytes) -> str:
    """What a server says about an error: the message of its JSON, else its text, on one line."""
    try:
        message = _message_of(json.loads(body))
    except ValueError:
        message = None
    text = message if isinstance(message, str) else body.decode(errors="replace")
    return " ".join(text.split()) or "no message"


def _message_of(value: Any) -> Any:  # noqa: ANN401 - whatever JSON the server sends
    """`{"error": {"message": ...}}` or, flatter, `{"error": ...}`, `{"message": ...}`, `{"detail": ...}`."""
    while isinstance(value, dict):
        value = next((value[key] for key in ("error", "message", "detail") if key in value), None)
    return value
