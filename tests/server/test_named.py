"""Servers that the environment names."""

import pytest

from components.contracts import PipelineError
from components.server import ChatServer, pivot_server, translator_server

KEY = "sk-very-secret-0123456789"
KINDS = {"PBRLSVR_SERVER_": pivot_server, "PBRLSVR_TRANSLATOR_": translator_server}
VARIABLES = ("URL", "API_KEY", "CONCURRENCY", "TIMEOUT_S", "TRIES")


@pytest.fixture
def environment(monkeypatch):
    for kind in KINDS:
        for name in VARIABLES:
            monkeypatch.delenv(f"{kind}{name}", raising=False)
    monkeypatch.setenv("PBRLSVR_SERVER_URL", "http://127.0.0.1:8000/v1/")
    return monkeypatch.setenv


def test_defaults_of_the_environment(environment):
    assert pivot_server("m") == ChatServer("http://127.0.0.1:8000/v1", "m", None, 8, 300, 6, "PBRLSVR_SERVER_TIMEOUT_S")
    for name, value in (("API_KEY", KEY), ("CONCURRENCY", "3"), ("TIMEOUT_S", "1.5"), ("TRIES", "1")):
        environment(f"PBRLSVR_SERVER_{name}", value)
    told = ChatServer("http://127.0.0.1:8000/v1", "m", KEY, 3, 1.5, 1, "PBRLSVR_SERVER_TIMEOUT_S")
    assert pivot_server("m") == translator_server("m") == told


def test_translators_have_the_pivots_server_or_all_of_their_own(environment):
    environment("PBRLSVR_SERVER_API_KEY", KEY)
    environment("PBRLSVR_SERVER_TRIES", "3")
    environment("PBRLSVR_TRANSLATOR_TRIES", "2")
    assert translator_server("m") == pivot_server("m")
    environment("PBRLSVR_TRANSLATOR_URL", "http://127.0.0.1:9000/v1")
    told = ChatServer("http://127.0.0.1:9000/v1", "m", None, 8, 300, 2, "PBRLSVR_TRANSLATOR_TIMEOUT_S")
    assert translator_server("m") == told  # the pivot's key stays with the pivot
    assert pivot_server("m").url == "http://127.0.0.1:8000/v1"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("URL", "127.0.0.1:8000", "must be an address"),
        ("URL", "ftp://host/v1", "must be an address"),
        ("URL", "http://", "must be an address"),
        ("URL", "http://[::1/v1", "must be an address"),
        ("URL", f"http://me:{KEY}@host/v1", "must be an address"),
        ("URL", f"http://host/v1?key={KEY}", "must be an address"),
        ("API_KEY", f"{KEY} {KEY}", "has characters that a key cannot have"),
        ("API_KEY", f"{KEY}é", "has characters that a key cannot have"),
        ("CONCURRENCY", "0", "'0' is no whole number from 1 to 1024"),
        ("CONCURRENCY", "2.5", "'2.5' is no whole number from 1 to 1024"),
        ("TIMEOUT_S", "nan", "'nan' is no number from 1 to 86400"),
        ("TIMEOUT_S", "soon", "'soon' is no number from 1 to 86400"),
        ("TRIES", "1000", "'1000' is no whole number from 1 to 100"),
    ],
)
def test_wrong_variables_are_named(environment, kind, name, value, told):
    environment(f"{kind}URL", "http://127.0.0.1:9000/v1")
    environment(f"{kind}{name}", value)
    with pytest.raises(PipelineError) as caught:
        KINDS[kind]("m")
    said = str(caught.value)
    assert said.startswith(f"{kind}{name}")
    assert told in said
    assert KEY not in said


@pytest.mark.parametrize("server", [pivot_server, translator_server])
def test_no_address_is_told(environment, server):
    environment("PBRLSVR_SERVER_URL", "")
    with pytest.raises(PipelineError, match=r"^PBRLSVR_SERVER_URL is not set; give the server's address, such as http"):
        server("m")
