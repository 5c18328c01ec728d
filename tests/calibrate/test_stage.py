"""The stage before training: what it fits on, and that it ends where the reward can be gamed."""

from functools import partial
from types import SimpleNamespace

import pytest

from components.calibrate.__main__ import CALIBRATION, PROBLEMS, REFERENCES, _attack, work
from components.calibration import Calibration
from components.comparison import compare
from components.comparison.measure import Bootstrap
from components.contracts import PipelineError, write_records
from components.params import load_params
from tests.architecture.imports import ROOT
from tests.comparison.test_responses import ASKED, question, reference
from tests.responders import answer_by_adapter, deafen_encoders


@pytest.fixture(autouse=True)
def _no_encoder(monkeypatch):
    """None of what is told here is the encoder's doing."""
    deafen_encoders(monkeypatch)


def stage_run(**values):
    said = []
    return SimpleNamespace(
        name="calibrate", params=load_params(ROOT / "params.yaml").with_values(values), metrics={}, say=said.append,
        said=said, log_rewards=lambda _: None, fingerprint=lambda: "same", when_done=lambda _: None,
    )  # fmt: skip


def asked_in(lang, solution):
    """The same problems, one of them with an honest solution."""
    return [
        (own.model_copy(update={"lang": lang, "solution": own.solution and solution}), known) for own, known in ASKED
    ]


def test_a_reward_that_can_be_gamed_ends_the_stage_with_what_was_found():
    run = stage_run(**{"reward.function": "format"})
    with pytest.raises(PipelineError, match="`format` can be gamed, so nothing is trained with it:\n") as error:
        _attack(run, ASKED, [])
    assert "final_number in es: honest wins 0.0 % of 1 pairs, 99 % are asked for" in str(error.value)
    assert run.metrics["attacks"]["final_number"]["languages"]["es"]["share"] == 0
    assert run.metrics["attacks_hidden"].keys() == run.metrics["attacks"].keys()
    assert (run.metrics["num_honest"], run.metrics["num_wrong_references"]) == (1, 2)
    assert not run.said, "it does not hold"


def test_where_the_encoder_declares_no_language_nothing_ends_and_the_attacks_are_told():
    run = stage_run(**{"reward.function": "format"})
    _attack(run, asked_in("sw", "5 na 7 ni 12. Jibu ni 12."), [])
    assert run.metrics["attacks"]["final_number"]["languages"]["sw"]["share"] == 0
    assert "no attack was judged" in run.said[-1]


def test_a_reward_that_holds_as_often_as_is_asked_for_lets_the_stage_go_on():
    limits = {"calibrate.min_wins_wrong": 0.0, "calibrate.min_wins_hollow": 0.0}
    run = stage_run(**{"reward.function": "format", **limits})
    _attack(run, ASKED, [])
    assert run.said == ["`format` holds against every attack in es"]


def test_without_honest_responses_nothing_is_attacked():
    run = stage_run(**{"reward.function": "format"})
    _attack(run, ASKED[1:], [])
    assert "attacks" not in run.metrics
    assert run.said == ["no honest responses (worked solutions, right rollouts): the reward could not be attacked"]


def test_the_hybrid_is_fitted_on_the_vote_of_half_b_and_never_on_gold(tmp_path, monkeypatch):
    """Gold says the contrary of both halves here: fitted on it the answer's weight would be 0."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(compare, "Bootstrap", partial(Bootstrap, num_resamples=20))
    loaded = answer_by_adapter(monkeypatch, lambda _, asked, sample: f"La respuesta es {int(asked[1:-1]) + sample}.")
    write_records(PROBLEMS / "calibration.jsonl", [question(n, str(n + 1)) for n in range(6)])
    write_records(REFERENCES, [reference(n, str(n), str(n)) for n in range(6)])
    run = stage_run(**{"calibrate.num_samples": 2, "calibrate.num_problems": 6})
    work(run)
    kept = Calibration.read(CALIBRATION)
    assert (kept.weights_status, kept.label_source) == ("fitted", "half B vote")
    assert (run.metrics["weights"]["status"], run.metrics["weights"]["on"]) == ("fitted", "half B vote")
    assert run.metrics["weights"]["by_term"]["answer"] > 0.1
    assert run.metrics["labels"].keys() == {"half B vote", "gold"}
    assert loaded == [None], "the base policy answers"
