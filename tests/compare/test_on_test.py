"""The test of an arm: what is kept of a killed one, and for which adapter."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from components.compare import on_test
from components.contracts import write_records, write_text
from components.contracts.records import Prediction

PIECES = ("first", "second")


def prediction(name):
    return Prediction(
        system="trained", problem_id=name, lang="es", family="f", unseen_family=False, trained_lang=True,
        response="5", num_tokens=3, truncated=False, answer_read="5", answer_path="phrase", correct=True,
        language_share=0.9,
    )  # fmt: skip


@pytest.fixture
def answered(tmp_path, monkeypatch):
    """Answer the test with an adapter of these weights, or be killed before the second piece; what was asked."""
    monkeypatch.chdir(tmp_path)
    write_records(on_test.PROBLEMS / "test.jsonl", [])

    def test_with(weights, killed=False):
        asked, asked_with = [], []

        def answer(name):
            if killed and name == "second":
                raise KeyboardInterrupt
            asked.append(name)
            return [prediction(name)]

        def answers(_params, journal, system, adapter, *_):
            asked_with.append((system, adapter))
            return [row for name in PIECES for row in journal.piece(name, Prediction, partial(answer, name))]

        monkeypatch.setattr(on_test, "answers", answers)
        write_text(Path("adapter/adapter_model.safetensors"), weights)
        ends = []
        run = SimpleNamespace(
            name="compare/hybrid-17", params=None, metrics={}, fingerprint=lambda: "same", when_done=ends.append
        )
        try:
            on_test.answer_test(run, "trained", Path("adapter"), Path("out"))
        except KeyboardInterrupt:
            ends[0].__self__.release()  # as the end of its process does
        assert asked_with == [("trained", Path("adapter"))]
        return asked

    return test_with


def test_a_killed_test_goes_on_with_the_same_adapter(answered):
    assert answered("one", killed=True) == ["first"]
    assert answered("one") == ["second"]


def test_another_adapter_inherits_no_answers(answered):
    """As where another of the arm's learning rates turns out best."""
    assert answered("one", killed=True) == ["first"]
    assert answered("other") == ["first", "second"]
