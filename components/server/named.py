"""The servers that the environment names: of the pivot, and of translators where theirs is another."""

import os
from dataclasses import dataclass

import httpx

from components.contracts import PipelineError
from components.server.client import ChatServer


@dataclass(frozen=True, slots=True)
class _Variables:
    """Those of one server."""

    url: str
    api_key: str
    concurrency: str
    timeout_s: str
    tries: str


_PIVOT = _Variables(
    "PBRLSVR_SERVER_URL",
    "PBRLSVR_SERVER_API_KEY",
    "PBRLSVR_SERVER_CONCURRENCY",
    "PBRLSVR_SERVER_TIMEOUT_S",
    "PBRLSVR_SERVER_TRIES",
)
_TRANSLATOR = _Variables(
    "PBRLSVR_TRANSLATOR_URL",
    "PBRLSVR_TRANSLATOR_API_KEY",
    "PBRLSVR_TRANSLATOR_CONCURRENCY",
    "PBRLSVR_TRANSLATOR_TIMEOUT_S",
    "PBRLSVR_TRANSLATOR_TRIES",
)


def pivot_server(model: str) -> ChatServer:
    """The server that has `model`.

    Raises:
        PipelineError: The address is missing, or a variable is wrong; the variable is named.
    """
    return _server(model, _PIVOT)


def translator_server(model: str) -> ChatServer:
    """The translators' own server where it has an address, else that of the pivot. Neither is sent the other's key.

    Raises:
        PipelineError: As `pivot_server`.
    """
    return _server(model, _TRANSLATOR if _read(_TRANSLATOR.url) else _PIVOT)


def _server(model: str, names: _Variables) -> ChatServer:
    return ChatServer(
        url=_url(names),
        model=model,
        api_key=_api_key(names.api_key),
        concurrency=int(_number(names.concurrency, 8, low=1, high=1024, whole=True)),
        timeout_s=_number(names.timeout_s, 300, low=1, high=86400),
        timeout_variable=names.timeout_s,
        tries=int(_number(names.tries, 6, low=1, high=100, whole=True)),
    )


def _read(name: str) -> str:
    return os.environ.get(name, "").strip()


def _url(names: _Variables) -> str:
    raw = _read(names.url)
    if not raw:
        raise PipelineError(f"{names.url} is not set; give the server's address, such as http://127.0.0.1:8000/v1")
    try:
        url = httpx.URL(raw)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        raise PipelineError(
            f"{names.url} must be an address such as http://127.0.0.1:8000/v1, without user, password or query "
            f"(a key goes in {names.api_key})"
        )
    return str(url).rstrip("/")


def _api_key(name: str) -> str | None:
    key = _read(name)
    if not all("!" <= character <= "~" for character in key):
        raise PipelineError(f"{name} has characters that a key cannot have; copy it again")
    return key or None


def _number(name: str, default: float, *, low: float, high: float, whole: bool = False) -> float:
    raw = _read(name)
    kind = "whole number" if whole else "number"
    try:
        value = (int if whole else float)(raw) if raw else default
    except ValueError:
        value = low - 1
    if not low <= value <= high:  # NaN too
        raise PipelineError(f"{name}: {raw!r} is no {kind} from {low:g} to {high:g}")
    return value
