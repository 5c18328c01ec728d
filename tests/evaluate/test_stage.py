"""The stage as a whole: each system answers with its own adapter."""

from pathlib import Path
from types import SimpleNamespace

from components.contracts import Prediction, read_table, write_records
from components.evaluate.__main__ import PREDICTIONS, work
from components.evaluate.predict import PROBLEMS
from components.params import load_params
from tests.architecture.imports import ROOT
from tests.evaluate.test_evaluate import question
from tests.responders import CUT_OFF, answer_by_adapter

ADAPTERS = {"base": None, "warmup": Path("adapters/warmup"), "trained": Path("adapters/trained")}
SAID = {None: "Son 1.", ADAPTERS["warmup"]: "Son 2.", ADAPTERS["trained"]: "Son 3."}


def stage_run():
    said = []
    return SimpleNamespace(
        name="evaluate", params=load_params(ROOT / "params.yaml"), metrics={}, say=said.append, said=said,
        fingerprint=lambda: "same", when_done=lambda _: None,
    )  # fmt: skip


def test_each_system_answers_with_its_own_adapter(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loaded = answer_by_adapter(monkeypatch, lambda adapter, *_: SAID[adapter])
    write_records(PROBLEMS / "test.jsonl", [question(n, "3") for n in range(2)])
    run = stage_run()
    work(run)
    assert run.said == []
    assert loaded == [*ADAPTERS.values()]
    assert [(row.system, row.response) for row in read_table(PREDICTIONS, Prediction)] == [
        (system, SAID[adapter]) for system, adapter in ADAPTERS.items() for _ in range(2)
    ]
    assert [run.metrics[system]["es"]["accuracy"] for system in ADAPTERS] == [0, 0, 1]


def test_a_system_whose_answers_are_cut_off_is_warned_about(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer_by_adapter(
        monkeypatch, lambda adapter, asked, _: SAID[adapter] + CUT_OFF * (adapter is None and asked.endswith("0?"))
    )
    questions = [question(n, "3").model_copy(update={"question": f"{n}?"}) for n in range(5)]
    write_records(PROBLEMS / "test.jsonl", questions)
    run = stage_run()
    work(run)
    assert run.said == ["warning: 20% of the responses of `base` were cut off: raise `evaluate.max_new_tokens`"]
