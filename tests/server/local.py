"""A real HTTP server on this machine that answers, or misbehaves, as a test wants."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[["Handler"], None]
Behaviour = Callable[["Asked"], Reply]


@dataclass(frozen=True)
class Asked:
    """One request."""

    body: dict[str, Any]
    headers: dict[str, str]
    path: str
    attempt: int
    """From 1: how often this body has come."""

    @property
    def question(self) -> str:
        return str(self.body["messages"][-1]["content"])


@dataclass
class LocalServer:
    behave: Behaviour
    log: list[Asked] = field(default_factory=list)
    peak: int = 0
    """Most requests under way at a time."""
    stopped: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way = 0

    def handle(self, handler: "Handler", body: dict[str, Any]) -> None:
        with self._lock:
            attempt = 1 + sum(asked.body == body for asked in self.log)
            asked = Asked(body, dict(handler.headers), handler.path, attempt)
            self.log.append(asked)
            self._under_way += 1
            self.peak = max(self.peak, self._under_way)
        try:
            reply = self.behave(asked)
        finally:
            with self._lock:
                self._under_way -= 1
        reply(handler)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: LocalServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            self.owner.handle(self, body)
        except (BrokenPipeError, ConnectionResetError):  # the client had enough
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class QuietServer(ThreadingHTTPServer):
    daemon_threads, block_on_close, request_queue_size = True, False, 64

    def handle_error(self, *_: Any) -> None:
        """Say nothing of clients that are killed."""


@contextmanager
def serving(behave: Behaviour) -> Iterator[LocalServer]:
    owner = LocalServer(behave)
    handler = type("Handler", (Handler,), {"owner": owner})
    server = QuietServer(("127.0.0.1", 0), handler)
    owner.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield owner
    finally:
        owner.stopped.set()
        server.shutdown()
        server.server_close()


def send(status: int, content: bytes, **headers: str) -> Reply:
    def reply(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return reply


def send_json(status: int, value: Any, **headers: str) -> Reply:
    return send(status, json.dumps(value).encode(), **headers)


def completion(content: str | None, finish: Any = "stop", num_tokens: Any = 7, **message: Any) -> Reply:
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}
    return send_json(200, {"choices": [choice], "usage": {"completion_tokens": num_tokens}})


def error(status: int, message: str, **headers: str) -> Reply:
    return send_json(status, {"error": {"message": message, "type": "x"}}, **headers)


def html(_: Asked) -> Reply:
    return send(200, b"<html><body>Bad gateway</body></html>")


def cut(_: Asked) -> Reply:
    """Half a body, then the connection is gone."""

    def reply(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"choices": [{"mess')
        handler.close_connection = True

    return reply


def stall(_: Asked) -> Reply:
    """Nothing, for ever."""
    return lambda handler: handler.owner.stopped.wait(30) and None


def trickle(_: Asked) -> Reply:
    """A byte now and then, for ever."""

    def reply(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        while not handler.owner.stopped.wait(0.05):
            handler.wfile.write(b" ")
            handler.wfile.flush()

    return reply
