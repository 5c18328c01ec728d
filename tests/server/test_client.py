"""The client against a real server that fails in every way there is."""

import threading
import time
from collections import Counter
from datetime import datetime
from functools import partial
from itertools import pairwise

import pytest

from components.contracts import PipelineError
from components.server import ChatPrompt, ChatServer, ServerError
from components.server.client import _MAX_RETRY_AFTER_S, _retry_after_s
from tests.pickled import pickled
from tests.server.local import completion, cut, error, html, send, send_json, serving, stall, trickle

KEY = "sk-very-secret-0123456789"


def prompt(text, seed=0):
    return ChatPrompt((("user", "Q"), ("assistant", "A"), ("user", text)), 0.7, 64, seed)


def client(server, **options):
    return ChatServer(server.url, "pivot", **{"timeout_s": 5, "first_wait_s": 0.01, "max_wait_s": 0.05} | options)


def ask(server, texts, **options):
    """Texts of the answers by index, in the order of arrival."""
    got = {}
    client(server, **options).ask_all([prompt(text) for text in texts], lambda i, chat: got.__setitem__(i, chat))
    return got


def echo(asked):
    return completion(f"answer to {asked.question}")


def test_what_is_sent_and_what_comes_back():
    with serving(lambda _: completion("  It is 12.\n", num_tokens=21)) as server:
        got = ask(server, ["5 + 7?"])
    assert server.log[0].path == "/v1/chat/completions"
    assert server.log[0].body == {
        "model": "pivot", "temperature": 0.7, "max_tokens": 64, "seed": 0,
        "messages": [
            {"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"},
            {"role": "user", "content": "5 + 7?"},
        ],
    }  # fmt: skip
    assert (got[0].text, got[0].thought, got[0].num_tokens, got[0].truncated) == ("It is 12.", None, 21, False)
    assert 0 < got[0].seconds < 5
    assert "Authorization" not in server.log[0].headers


@pytest.mark.parametrize(
    ("reply", "text", "thought", "truncated"),
    [
        (completion("12", reasoning_content="5 and 7"), "12", "5 and 7", False),
        (completion("12", reasoning="5 and 7"), "12", "5 and 7", False),
        (completion("<think>\n5 and 7</think>\n12"), "12", "5 and 7", False),
        (completion("5 and 7</think>12"), "12", "5 and 7", False),
        (completion("<think>5 and", finish="length"), "", "5 and", True),
        (completion(None, finish="length", reasoning_content="5 and"), "", "5 and", True),
        (completion("12", finish="length"), "12", None, True),
        (completion("12", finish="content_filter"), "12", None, True),
        (completion(""), "", None, False),
    ],
)
def test_thoughts_and_cut_answers(reply, text, thought, truncated):
    with serving(lambda _: reply) as server:
        chat = ask(server, ["?"])[0]
    assert (chat.text, chat.thought, chat.truncated) == (text, thought, truncated)


GARBAGE = {
    "HTML": html,
    "nothing": lambda _: send(200, b""),
    "cut": cut,
    "no choices": lambda _: send_json(200, {"choices": [], "usage": {"completion_tokens": 1}}),
    "an error as success": lambda _: send_json(200, {"error": {"message": "overloaded"}}),
    "a list": lambda _: send_json(200, [1]),
    "text is a number": lambda _: completion(12),
    "no text": lambda _: completion(None),
    "tokens in words": lambda _: completion("12", num_tokens="seven"),
    "negative tokens": lambda _: completion("12", num_tokens=-1),
    "no end": lambda _: completion("12", finish=None),
    "not UTF-8": lambda _: send(200, b'{"choices": "\xff"}'),
    "a lying encoding": lambda _: send(200, b"{}", Content_Encoding="gzip"),
}
STATUS = {str(code): partial(lambda code, _: error(code, "busy"), code) for code in (408, 409, 429, 500, 502, 503, 504)}
PASSING = GARBAGE | STATUS


def test_what_may_pass_is_tried_again():
    def behave(asked):
        return PASSING[asked.question](asked) if asked.attempt <= 2 else echo(asked)

    with serving(behave) as server:
        got = ask(server, list(PASSING), tries=3)
    assert {i: chat.text for i, chat in got.items()} == {i: f"answer to {bad}" for i, bad in enumerate(PASSING)}
    assert Counter(asked.question for asked in server.log) == dict.fromkeys(PASSING, 3)


@pytest.mark.parametrize("bad", [stall, trickle])
def test_a_request_takes_no_longer_than_allowed(bad):
    started = time.monotonic()
    with serving(lambda asked: bad(asked) if asked.attempt == 1 else echo(asked)) as server:
        assert ask(server, ["one"], timeout_s=0.4, tries=2)[0].text == "answer to one"
        told = r"no whole answer in 0\.4 s \(PBRLSVR_SERVER_TIMEOUT_S\) \(tries: 2; answered, and kept: 0\)"
        with serving(bad) as other, pytest.raises(ServerError, match=told):
            ask(other, ["one"], timeout_s=0.4, tries=2)
    assert time.monotonic() - started < 4


class Frozen(datetime):
    """The clock, stopped."""

    @classmethod
    def now(cls, tz=None):
        return cls(2026, 1, 2, 3, 4, 5, 900_000, tzinfo=tz)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1", 1), ("0", 0), ("Fri, 02 Jan 2026 03:04:08 GMT", 2.1), ("Fri, 02 Jan 2026 04:04:08 +0100", 2.1),
        ("Fri, 02 Jan 2026 03:04:05 GMT", 0), ("86400", _MAX_RETRY_AFTER_S),
        ("Tue, 24 Nov 2099 17:00:00 GMT", _MAX_RETRY_AFTER_S), ("Tue, 24 Nov 2099 17:00:00", 0), ("soon", 0), ("", 0),
        ("-5", 0), ("Tue, 99 Foo", 0), ("1e9999", 0),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date_and_nothing_where_it_means_nothing(value, seconds, monkeypatch):
    monkeypatch.setattr("components.server.client.datetime", Frozen)
    assert _retry_after_s(value) == pytest.approx(seconds)


def test_retry_after_is_heeded(monkeypatch):
    monkeypatch.setattr("components.server.client._retry_after_s", lambda value: float(value or 0))
    times = []

    def busy_once(asked):
        times.append(time.monotonic())
        return error(429, "slow down", Retry_After="0.3") if asked.attempt == 1 else echo(asked)

    with serving(busy_once) as server:
        ask(server, ["one"])
    first, again = times
    assert again - first >= 0.3


def test_waits_grow():
    waits = []

    def busy(_):
        waits.append(time.monotonic())
        return error(503, "busy")

    with serving(busy) as server, pytest.raises(ServerError):
        ask(server, ["one"], tries=5, first_wait_s=0.05, max_wait_s=10)
    gaps = [later - earlier for earlier, later in pairwise(waits)]
    assert all(gap >= 0.05 * 2**i for i, gap in enumerate(gaps))


@pytest.mark.parametrize("code", [400, 401, 403, 404, 422])
def test_other_statuses_end_at_once_and_say_why(code):
    def behave(asked):
        return error(code, "the model\n`pivot` does not exist") if asked.question == "third" else echo(asked)

    with serving(behave) as server, pytest.raises(ServerError) as caught:
        ask(server, ["first", "second", "third"], concurrency=1)
    assert str(caught.value).startswith(f"{server.url}: question 3 of 3 (third): {code} ")
    assert str(caught.value).endswith("the model `pivot` does not exist (tries: 1; answered, and kept: 2)")
    assert [asked.question for asked in server.log] == ["first", "second", "third"]


def test_a_question_that_always_fails_ends_the_work_with_all_answers_handed_over():
    got = {}

    def behave(asked):
        return error(500, "out of memory") if asked.question == "q3" else echo(asked)

    prompts = [prompt(f"q{i}") for i in range(12)]
    with serving(behave) as server, pytest.raises(ServerError) as caught:
        client(server, tries=3, concurrency=4, first_wait_s=0.1).ask_all(
            prompts, lambda i, chat: got.__setitem__(i, chat.text)
        )
    message = str(caught.value)
    assert "question 4 of 12 (q3): 500 Internal Server Error: out of memory (tries: 3; answered, and kept: " in message
    assert message.endswith(f"answered, and kept: {len(got)}); run again")
    assert got.items() <= {i: f"answer to q{i}" for i in range(12) if i != 3}.items()
    assert {0, 1, 2} <= got.keys(), "asked before it, and answered while it was tried again"
    assert "\n" not in message


REFUSED = [partial(error, 400, "context length"), partial(error, 413, "too large"), partial(error, 422, "filtered")]


@pytest.mark.parametrize(
    ("bad", "limit_s"),
    [
        *((lambda _, reply=reply: reply(), 20) for reply in REFUSED),
        pytest.param(stall, 1.5, marks=pytest.mark.slow),  # it must be long for all others
    ],
)
def test_a_question_that_cannot_be_answered_is_given_up_alone(bad, limit_s):
    got, given_up = {}, {}

    def behave(asked):
        return bad(asked) if asked.question == "q3" else echo(asked)

    with serving(behave) as server:
        client(server, tries=2, timeout_s=limit_s, concurrency=4).ask_all(
            [prompt(f"q{i}") for i in range(12)],
            lambda i, chat: got.__setitem__(i, chat.text),
            given_up.__setitem__,
        )
    assert set(got) == set(range(12)) - {3}
    assert set(given_up) == {3}
    assert given_up[3].startswith(("4", "no whole answer in 1.5 s (PBRLSVR_SERVER_TIMEOUT_S)"))


def test_where_most_are_given_up_it_is_not_the_questions():
    with (
        serving(lambda _: error(400, "max_tokens is too large")) as server,
        pytest.raises(ServerError, match="400 Bad"),
    ):
        client(server).ask_all([prompt(f"q{i}") for i in range(40)], lambda *_: None, lambda *_: None)
    assert len(server.log) < 24


def test_an_error_survives_the_way_between_processes():
    told, _ = pickled(ServerError("away", may_pass=True))
    assert (str(told), told.may_pass) == ("away", True)


def test_no_server_at_all():
    with serving(echo) as server:
        url = server.url
    with pytest.raises(
        ServerError, match=r"question 1 of 1 \(one\): ConnectError: .*\(tries: 2; answered, and kept: 0\)"
    ):
        ChatServer(url, "pivot", tries=2, first_wait_s=0.01).ask_all([prompt("one")], lambda *_: None)


def test_no_questions_ask_nobody():
    ChatServer("http://127.0.0.1:9/v1", "pivot").ask_all([], lambda *_: None)


def test_so_many_are_under_way_and_never_more():
    together = threading.Barrier(6)

    def behave(asked):
        together.wait(timeout=5)  # breaks, and the test with it, unless six come together
        return echo(asked)

    with serving(behave) as server:
        assert len(ask(server, [str(i) for i in range(24)], concurrency=6, tries=1)) == 24
    assert server.peak == 6


def test_answers_find_their_questions_in_any_order_and_come_one_at_a_time():
    order = [3, 0, 4, 1, 2]
    turns = [threading.Event() for _ in order]
    turns[0].set()

    def behave(asked):
        turns[order.index(int(asked.question))].wait(5)
        return echo(asked)

    arrived, busy = [], threading.Lock()

    def on_answer(index, chat):
        assert busy.acquire(blocking=False), "called while another answer was being handed over"
        arrived.append((index, chat.text))
        place = order.index(index)
        if place + 1 < len(order):
            turns[place + 1].set()
        time.sleep(0.02)
        busy.release()

    with serving(behave) as server:
        client(server, concurrency=5).ask_all([prompt(str(i)) for i in range(5)], on_answer)
    assert arrived == [(i, f"answer to {i}") for i in order]


def test_an_error_of_the_receiver_is_its_own():
    def full(*_):
        raise PipelineError("disk full")

    with serving(echo) as server, pytest.raises(PipelineError, match=r"^disk full$"):
        client(server).ask_all([prompt("one"), prompt("two")], full)


def test_the_key_is_sent_and_never_shown(capfd, caplog):
    caplog.set_level("DEBUG")
    with serving(lambda _: error(401, f"Incorrect key: {KEY}")) as server:
        asking = client(server, api_key=KEY)
        with pytest.raises(ServerError) as caught:
            asking.ask_all([prompt("one")], lambda *_: None)
    assert server.log[0].headers["Authorization"] == f"Bearer {KEY}"
    shown = [str(caught.value), repr(caught.value), repr(asking), caplog.text, *capfd.readouterr()]
    assert "Incorrect key: ***" in shown[0]
    assert not [text for text in shown if KEY in text]
    assert caught.value.__cause__ is None
