"""The stage as a whole: it is the trained policy that is sampled."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace

from components.audit.__main__ import ADAPTER, BEFORE, CALIBRATION, PROBLEMS, REFERENCES, SCORES, work
from components.comparison import compare
from components.comparison.keep import keep
from components.comparison.measure import Bootstrap
from components.contracts import ScoredResponse, read_table, write_json, write_records
from components.encoding import Encoder
from components.params import load_params
from components.reward.bank import make_bank
from components.reward.setup import RewardSetup
from tests.architecture.imports import ROOT
from tests.comparison.test_responses import question, reference
from tests.responders import answer_by_adapter, deafen_encoders

SAID = {None: "No sé.", Path("adapters/warmup"): "Quizás.", Path("adapters/trained"): "La respuesta es 1."}


def test_the_trained_policy_is_sampled_and_judged_against_gold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(compare, "Bootstrap", partial(Bootstrap, num_resamples=20))
    deafen_encoders(monkeypatch)
    loaded = answer_by_adapter(monkeypatch, lambda adapter, *_: SAID[adapter])
    params = load_params(ROOT / "params.yaml").with_values({"audit.num_samples": 2, "audit.min_problems": 3})
    setup = RewardSetup.from_params(params.reward)
    asked = [question(n, str(n)).model_copy(update={"split": "validation"}) for n in range(3)]
    write_records(PROBLEMS / "validation.jsonl", asked)
    write_records(REFERENCES, [reference(n, str(n), str(n)) for n in range(3)])
    keep(CALIBRATION, SimpleNamespace(fit=None), None, setup, make_bank(Encoder(setup.encoder), ["It is 1."]), {})
    write_json(BEFORE, {"labels": {}})
    said = []
    run = SimpleNamespace(
        name="audit", params=params, metrics={}, say=said.append, fingerprint=lambda: "same",
        when_done=lambda _: None,
    )  # fmt: skip
    work(run)
    assert loaded == [ADAPTER] == [Path("adapters/trained")]
    rows = read_table(SCORES, ScoredResponse)
    assert [(row.problem_id, row.sample) for row in rows] == [(f"p{n}", sample) for n in range(3) for sample in (0, 1)]
    assert {row.response for row in rows} == {SAID[ADAPTER]}
    assert [row.correct for row in rows] == [False, False, True, True, False, False]
    assert run.metrics["labels"]["gold"]["rewards"]["answer"]["pooled"]["auc"] == 1
    assert run.metrics["verdict"] == "unverified"
    assert said == ["calibration unverified; the hybrid was not calibrated: no weights were identifiable"]
