"""The verdict on a calibration that was made before training, from figures measured after it."""

from collections.abc import Mapping
from typing import Any

from components.params import AuditParams, RewardParams


def verdict(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    num_problems: int,
    params: RewardParams,
    limits: AuditParams,
) -> dict[str, Any]:
    """`passed`, `failed` or `unverified`, with the reasons.

    Against gold alone a calibration can pass: on the pivot's labels the policy may have learnt the pivot's mistakes,
    and agrees with it all the better. AUC is the training reward's, pooled; ECE that of the calibrated hybrid.

    Args:
        before, after: `metrics` of the two comparisons.
        num_problems: Those that `after` is about: responses to one problem are right or wrong together.
    """
    if num_problems < limits.min_problems:
        return _unverified(f"{num_problems} problems have a reference, {limits.min_problems} are needed to judge")
    gold = after["labels"].get("gold")
    if gold is None:
        return _unverified("no response has a gold answer, or all are right, or all wrong")
    hidden = "_hidden" if params.answers_hidden else ""
    if f"calibrated{hidden}" not in gold["rewards"]:
        return _unverified("the hybrid was not calibrated: no weights were identifiable")
    ece = gold["rewards"][f"calibrated{hidden}"]["pooled"]["ece"]
    reward = (
        params.function if params.function != "hybrid" else ("calibrated" if params.calibrated else "hybrid") + hidden
    )
    old, new = (_auc(metrics, reward) for metrics in (before, after))
    if ece is None or old is None or new is None:
        return _unverified(f"calibration error or AUC of {reward} cannot be measured before or after training")
    reasons = []
    if ece > limits.max_ece:
        reasons.append(f"calibration error {ece:.3f} is over {limits.max_ece:g}")
    if old - new > limits.max_auc_drop:
        reasons.append(f"AUC of {reward} fell from {old:.3f} to {new:.3f}, by more than {limits.max_auc_drop:g}")
    return {"verdict": "failed" if reasons else "passed", "reasons": reasons}


def _unverified(reason: str) -> dict[str, Any]:
    return {"verdict": "unverified", "reasons": [reason]}


def _auc(metrics: Mapping[str, Any], reward: str) -> float | None:
    gold = metrics["labels"].get("gold")
    found: float | None = (
        None if gold is None or reward not in gold["rewards"] else gold["rewards"][reward]["pooled"]["auc"]
    )
    return found
