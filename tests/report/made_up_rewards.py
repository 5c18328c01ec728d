"""What metrics/calibrate.json and metrics/audit.json of a made-up run hold: figures by the stages' own code."""

import copy
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from components.attacks import audit
from components.audit.verdict import verdict
from components.comparison.compare import Settings as CompareSettings
from components.comparison.compare import _fits, _measure, _told_weights, fixed_hybrids
from components.comparison.fit import FitSettings
from components.comparison.measure import Bootstrap
from components.comparison.scored import Costs, ScoredRow
from components.params import AuditParams, load_params
from components.reward.functions import AnswerReward
from components.reward.semantic import RepetitionReward
from components.reward.setup import RewardSetup
from tests.attacks.rows import fixed

SETTINGS = CompareSettings(FitSettings(num_folds=3), Bootstrap(num_resamples=20))
REWARD = load_params().reward.model_copy(update={"function": "embedding"})
LIMITS = AuditParams(num_problems=12, num_samples=3, min_problems=2, max_ece=0.2, max_auc_drop=0.2)
UNDECLARED = "bn"
SCORED = ("answer", "numbers", "language", "repetition", "embedding", "steps")
# threadpool_limits below: between the many small fits, BLAS's threads would wait for each other most of the time.


def _rows(languages: Sequence[str], seed: int, strength: float) -> tuple[list[ScoredRow], list[bool]]:
    """12 problems, 3 responses each in every language; a right response scores `strength` more, but for noise."""
    rng, rows, right = np.random.default_rng(seed), [], []
    for problem in range(12):
        for lang in languages * 3:
            correct = bool(rng.random() < 0.5)
            terms: dict[str, float | None] = {
                name: float(np.clip(rng.normal(0.4 + strength * correct, 0.2), 0, 1)) for name in SCORED
            }
            terms |= {"answer": float(correct if rng.random() < 0.9 else not correct), "language": 0.9}
            if lang == UNDECLARED:
                terms |= {"embedding": None, "steps": None}
            rows.append(ScoredRow(f"p{problem}", lang, {**terms, **fixed_hybrids(RewardSetup(), terms)}, True))
            right.append(correct)
    return rows, right


@cache
@threadpool_limits.wrap(limits=1)
def calibrate_metrics(languages: tuple[str, ...], graded: bool = True, attacked: bool = True) -> dict[str, Any]:
    """As the stage `calibrate` writes them; without gold where not `graded`, without attacks where not `attacked`."""
    rows, right = _rows(languages, seed=5, strength=0.2)
    labels = {"half B vote": right, "gold": right if graded else [None] * len(right)}
    fits, why_not = _fits(rows, labels["half B vote"], SETTINGS.fit)
    probabilities = {name: own for name, (_, own) in fits.items()}
    costs = Costs(len(rows), dict.fromkeys(SCORED, 0.5))
    found = {
        "weights": _told_weights(fits["calibrated"][0], why_not, "half B vote"),
        **_measure(rows, costs, labels, probabilities, SETTINGS),
        "languages": {lang: _language(rows, lang, graded) for lang in languages},
        "num_honest": 0,
        "num_wrong_references": 1,
    }
    return found | _attacks(languages) if attacked else found


def _language(rows: Sequence[ScoredRow], lang: str, graded: bool) -> dict[str, Any]:
    num = sum(row.lang == lang for row in rows)
    return {
        "num_responses": num, "num_without_gold": 0 if graded else num, "accuracy": 0.5 if graded else None,
        "truncated_share": 0.1, "in_language_share": 0.9, "unscored": 0, "encoder_declares": lang != UNDECLARED,
    }  # fmt: skip


def _attacks(languages: Sequence[str]) -> dict[str, Any]:
    honest = [row for row in fixed() if row.lang in languages]
    return {
        "num_honest": len(honest),
        "attacks": audit(honest, AnswerReward()).to_dict(),
        "attacks_hidden": audit(honest, RepetitionReward()).to_dict(),
    }


def held(calibrate: dict[str, Any]) -> dict[str, Any]:
    """These metrics, had the reward held against every attack."""
    found = copy.deepcopy(calibrate)
    for attack in found["attacks"].values():
        for cell in attack["languages"].values():
            cell["share"] = 1.0
    return found


@cache
@threadpool_limits.wrap(limits=1)
def audit_metrics(languages: tuple[str, ...], graded: bool = True, strength: float = 0.2) -> dict[str, Any]:
    """As the stage `audit` writes them; at negative `strength` wrong responses score more, and the audit fails."""
    rows, right = _rows(languages, seed=6, strength=strength)
    labels = {"half B vote": right, "gold": right if graded else [None] * len(right)}
    said = np.array([row.terms["hybrid"] for row in rows], dtype=float)
    costs = Costs(len(rows), dict.fromkeys(SCORED, 0.5))
    found = _measure(rows, costs, labels, {"calibrated": said}, SETTINGS)
    return found | verdict(calibrate_metrics(languages, graded), found, LIMITS.min_problems, REWARD, LIMITS)
