"""Translation through a real HTTP server on this machine."""

import pytest

from components.contracts import PipelineError
from components.server import ServerError
from components.translation import Translation, load_translator
from tests.server.local import completion, error, serving


def test_answers_come_back_in_order_without_the_thought(monkeypatch):
    def answer(asked):
        text = asked.question.rsplit("\n\n", 1)[1]
        finish = "length" if text == "long" else "stop"
        return completion("" if text == "empty" else f"<think>hm</think>[{text}]", finish)

    with serving(answer) as server:
        monkeypatch.setenv("PBRLSVR_SERVER_URL", server.url)
        texts = [*map(str, range(20)), "long", "empty"]
        translations = load_translator("server:big").translate(texts, "sw")
    assert [t.text for t in translations[:20]] == [f"[{i}]" for i in range(20)]
    assert translations[20:] == [Translation(text=None, reason="cut off"), Translation(text=None, reason="empty")]
    body = server.log[0].body
    assert (body["model"], body["temperature"]) == ("big", 0.0)
    assert "from English to Swahili" in body["messages"][0]["content"]


def test_a_refusing_server_and_a_missing_address_are_told(monkeypatch):
    with serving(lambda _: error(404, "no such model")) as server:
        monkeypatch.setenv("PBRLSVR_SERVER_URL", server.url)
        with pytest.raises(ServerError, match="no such model"):
            load_translator("server:big").translate(["Hi"], "es")
    monkeypatch.delenv("PBRLSVR_SERVER_URL")
    with pytest.raises(PipelineError, match="PBRLSVR_SERVER_URL is not set"):
        load_translator("server:big")
