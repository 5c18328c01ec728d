"""Scores of the rewards against the English gold: AUC by language and reward."""

from collections.abc import Sequence
from typing import Any

from sklearn.metrics import roc_auc_score

from components.contracts import ScoredResponse

REWARDS = ("answer", "embedding", "language", "hybrid")


def auc(scores: Sequence[float | None], correct: Sequence[bool | None]) -> float | None:
    """Probability that a right response outscores a wrong one (ties count half), 0 to 1.

    Rows without a score or without gold are left out. None where one of the two kinds is missing: there is nothing to
    tell apart.
    """
    rows = zip(scores, correct, strict=True)
    pairs = [(score, label) for score, label in rows if score is not None and label is not None]
    if len({label for _, label in pairs}) < 2:
        return None
    return float(roc_auc_score([label for _, label in pairs], [score for score, _ in pairs]))


def audit(rows: Sequence[ScoredResponse], declared: frozenset[str] | None) -> dict[str, Any]:
    """By language: AUC and mean of every reward, accuracy, counts; and the macro AUC over languages that have one.

    AUC and accuracy are those of the responses with gold; `num_without_gold` counts the others.

    Args:
        declared: Languages the encoder declares; others are marked `encoder_declares: false`.
    """
    languages: dict[str, Any] = {}
    for lang in dict.fromkeys(row.lang for row in rows):
        own = [row for row in rows if row.lang == lang]
        correct = [row.correct for row in own]
        languages[lang] = {
            "num_responses": len(own),
            "num_without_gold": correct.count(None),
            "accuracy": _mean(correct),
            "truncated_share": sum(row.truncated for row in own) / len(own),
            "unscored": sum(row.hybrid is None for row in own),
            "encoder_declares": declared is None or lang in declared,
            "auc": {name: auc([getattr(row, name) for row in own], correct) for name in REWARDS},
            "mean": {name: _mean([getattr(row, name) for row in own]) for name in REWARDS},
        }
    macro = {name: _mean([entry["auc"][name] for entry in languages.values()]) for name in REWARDS}
    return {"auc_macro": macro, "languages": languages}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
