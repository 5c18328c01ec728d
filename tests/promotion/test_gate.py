"""The gate against golden cases."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.params import GateParams, load_params
from components.promotion.gate import Decision, decide

CASES = json.loads(Path(__file__).with_name("gate.json").read_text(encoding="utf-8"))
LIMITS = GateParams(min_macro_gain=0.0, max_language_loss=0.1, max_language_share_loss=0.02, strict=False)
USUAL = {
    "gain": [0.073, 0.02, 0.13],
    "languages": {"es": 0.1},
    "untrained": {},
    "language_share": [0.95, 0.95],
    "attacks": {"empty": ["wrong", {"es": [1.0, 20, 0]}]},
    "audit": ["passed", []],
}


def decided(case: dict[str, Any]) -> Decision:
    """`decide` on metrics of the stages' own shape."""
    given = USUAL | case
    gain = given["gain"] and {"gain": dict(zip(("mean", "low", "high"), given["gain"], strict=True))}
    languages = {
        lang: {"gain": {"mean": mean}, "trained_lang": trained}
        for trained, own in ((True, given["languages"]), (False, given["untrained"]))
        for lang, mean in own.items()
    }
    summary = {
        "macro": {"trained_languages": gain} if gain else {},
        "languages": languages,
        "language_share": dict(zip(("base", "trained"), given["language_share"], strict=True)),
    }
    calibrate: dict[str, Any] = {"languages": {lang: {"encoder_declares": lang != "sw"} for lang in ("es", "sw")}}
    if given["attacks"] is not None:
        calibrate["attacks"] = {
            attack: {"kind": kind, "languages": {lang: cell(*values) for lang, values in own.items()}}
            for attack, (kind, own) in given["attacks"].items()
        }
    verdict, reasons = given["audit"]
    wins = load_params().calibrate.model_copy(update={"min_wins_wrong": 0.99, "min_wins_hollow": 0.9})
    return decide(summary, calibrate, {"verdict": verdict, "reasons": reasons}, LIMITS, wins)


def cell(share: float | None, num_pairs: int, num_unscored: int) -> dict[str, Any]:
    return {"share": share, "num_pairs": num_pairs, "num_unscored": num_unscored}


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_golden_case(case):
    decision = decided(case)
    assert [condition.passed for condition in decision.conditions] == case["verdicts"]
    assert decision.number == case["number"]
    assert decision.passed is (case["number"] == 1)
    told = {condition.name: condition.told for condition in decision.conditions}
    for name, words in case.get("told", {}).items():
        assert words in told[name]


def test_what_does_not_hold_is_named_with_its_figures():
    decision = decided({"gain": None, "languages": {"es": -0.2}})
    assert decision.verdict == "Not promoted: gain over the base, losses by language."
    judged, failed = decision.failures()
    assert judged.startswith("gain over the base cannot be judged: no trained language")
    assert failed == "losses by language fails: too much lost: es −20.0 points; 10.0 may be lost"
    assert decided({}).verdict == "Promoted: every condition holds."
    assert decided({}).failures() == []


def test_a_decision_survives_its_file():
    decision = decided({"gain": None, "language_share": [0.9, 0.1]})
    assert Decision.from_dict(json.loads(json.dumps(decision.to_dict()))) == decision
