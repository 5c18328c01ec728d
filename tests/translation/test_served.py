"""Translation through a real HTTP server on this machine."""

import pytest

from components.contracts import PipelineError
from components.server import ServerError
from components.translation import Translation, load_translator
from components.translation.served import MAX_CHARACTERS
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


def test_a_server_of_its_own_is_asked_with_its_own_key(monkeypatch):
    with serving(lambda _: completion("no")) as pivot, serving(lambda _: completion("habari")) as server:
        for kind, url in (("SERVER", pivot.url), ("TRANSLATOR", server.url)):
            monkeypatch.setenv(f"PBRLSVR_{kind}_URL", url)
            monkeypatch.setenv(f"PBRLSVR_{kind}_API_KEY", f"key-of-{kind}")
        assert load_translator("server:big").translate(["Hi"], "sw") == [Translation(text="habari")]
    assert not pivot.log
    assert [asked.headers["Authorization"] for asked in server.log] == ["Bearer key-of-TRANSLATOR"]


def test_a_refusing_server_and_a_missing_address_are_told(monkeypatch):
    with serving(lambda _: error(404, "no such model")) as server:
        monkeypatch.setenv("PBRLSVR_SERVER_URL", server.url)
        with pytest.raises(ServerError, match="no such model"):
            load_translator("server:big").translate(["Hi"], "es")
    monkeypatch.delenv("PBRLSVR_SERVER_URL")
    with pytest.raises(PipelineError, match="PBRLSVR_SERVER_URL is not set"):
        load_translator("server:big")


def test_both_languages_are_named_and_a_long_text_is_asked_in_pieces(monkeypatch):
    def answer(asked):
        text = asked.question.rsplit("write the translation alone.\n\n", 1)[1]
        assert len(text) <= MAX_CHARACTERS
        return completion("" if "bad" in text else text.upper())

    sentence = "Eine Zeile ohne Ende, die immer weiter geht.\n"
    with serving(answer) as server:
        monkeypatch.setenv("PBRLSVR_SERVER_URL", server.url)
        short, long, bad = load_translator("server:m").translate(
            ["Hallo.\n\nDu!", sentence * 200, sentence * 200 + "bad"], "en", "de"
        )
    assert short.text == "HALLO.\n\nDU!"
    assert long.text.split() == (sentence.upper() * 200).split()
    assert bad == Translation(text=None, reason="empty")
    assert all("from German to English" in asked.question for asked in server.log)
    assert len(server.log) == 4  # the short text; of the long ones the piece of whole lines, once, and their ends
