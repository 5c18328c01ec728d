"""The verdict against golden cases."""

import json
from pathlib import Path

import pytest

from components.audit.verdict import verdict
from components.params import AuditParams, load_params

LIMITS = AuditParams(num_problems=2, num_samples=2, min_problems=10, max_ece=0.1, max_auc_drop=0.05)
CASES = json.loads(Path(__file__).with_name("verdicts.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_golden_case(case):
    params = load_params().reward.model_copy(
        update={"function": case.get("reward", "hybrid"), **case.get("params", {})}
    )
    found = verdict(case["before"], case["after"], case.get("num_problems", 10), params, LIMITS)
    assert found["verdict"] == case["verdict"]
    assert [any(part in reason for reason in found["reasons"]) for part in case["reasons"]] == [True] * len(
        case["reasons"]
    )
    assert len(found["reasons"]) == len(case["reasons"])
