"""The numbers of the report: accuracies, gains and gaps with their intervals, over the problems with a gold answer.

Groups of languages never hold English, which stands for itself; a group without languages is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from components.contracts import Prediction
from components.params import BaseParams, ReportParams
from components.report.inputs import SYSTEMS, Inputs
from components.statistics import Interval, Outcome, PairedBootstrap, accuracy_interval

ENGLISH = "en"
SHARES = ("joint_accuracy", "language_share", "truncated_share", "unparsed_share")
"""Of metrics/evaluate.json, by system and language."""


def language_groups(base: BaseParams, evaluated: frozenset[str]) -> dict[str, list[str]]:
    """Languages other than English by group, in the order of params.yaml; only groups that have any."""
    others = [lang for lang in base.languages if lang in evaluated and lang != ENGLISH]
    groups = {
        "trained_languages": [lang for lang in others if lang in base.trained_languages],
        "untrained_languages": [lang for lang in others if lang not in base.trained_languages],
        "all_but_english": others,
    }
    return {name: languages for name, languages in groups.items() if languages}


def bootstrap_of(rows: Sequence[Prediction], base: BaseParams, report: ReportParams) -> PairedBootstrap | None:
    """The bootstrap over the problems of `rows` that have a gold answer; None where none has."""
    outcomes = [Outcome(row.system, row.problem_id, row.lang, row.correct) for row in rows if row.correct is not None]
    return PairedBootstrap(outcomes, report.bootstrap_resamples, report.confidence, base.seed) if outcomes else None


def summarise(
    inputs: Inputs, bootstrap: PairedBootstrap | None, base: BaseParams, report: ReportParams
) -> dict[str, Any]:
    """What metrics/report.json holds.

    `gain` is trained - base, `rl_gain` trained - warm-up; `gap_to_english` is English minus the mean of the others,
    `change` the gap before minus the gap after. Accuracy by language has a Wilson interval, all else a paired bootstrap
    interval over problems. `SHARES` are means over the languages other than English (over English where it is alone),
    by system where it has any.
    Without a bootstrap (no gold) `languages`, `macro` and `joint_accuracy` are empty. What the gate makes of it
    (`promoted`, `promotion`) is added once it has decided.
    """
    asked = language_groups(base, inputs.languages).get("all_but_english", [ENGLISH])
    summary: dict[str, Any] = {
        "num_problems": inputs.num_problems,
        "num_without_gold": inputs.num_without_gold,
        "audit_verdict": inputs.audit["verdict"],
        "languages": {},
        "macro": {},
        **{name: mean_shares(inputs.evaluate, name, asked) for name in SHARES},
    }
    return summary if bootstrap is None else summary | _accuracies(inputs.predictions, bootstrap, base, report)


def _accuracies(
    rows: Sequence[Prediction], bootstrap: PairedBootstrap, base: BaseParams, report: ReportParams
) -> dict[str, Any]:
    groups = language_groups(base, frozenset(bootstrap.languages))
    summary: dict[str, Any] = {
        "languages": {
            lang: _language(lang, rows, bootstrap, report.confidence) | {"trained_lang": lang in base.trained_languages}
            for lang in base.languages
            if lang in bootstrap.languages
        },
        "macro": {name: _macro(bootstrap, languages) for name, languages in groups.items()},
    }
    if others := groups.get("all_but_english", []):
        summary["families"] = _families(rows, others, base, report)
        if ENGLISH in bootstrap.languages:
            summary["gap_to_english"] = {
                **{system: bootstrap.gap(system, others).mean for system in SYSTEMS},
                "change": asdict(bootstrap.gap_change("base", "trained", others)),
            }
    return summary


def mean_shares(evaluate: Mapping[str, Any], name: str, languages: Sequence[str]) -> dict[str, float]:
    """Mean over those of `languages` that have it of one of the shares that `evaluate` reports, by system with any."""
    means: dict[str, float] = {}
    for system in SYSTEMS:
        known = [evaluate[system][lang][name] for lang in languages if evaluate[system][lang][name] is not None]
        if known:
            means[system] = sum(known) / len(known)
    return means


def _language(lang: str, rows: Sequence[Prediction], bootstrap: PairedBootstrap, confidence: float) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    for system in SYSTEMS:
        own = [row for row in rows if row.system == system and row.lang == lang]
        correct = [row.correct for row in own if row.correct is not None]
        entry[system] = _accuracy(accuracy_interval(correct, confidence))
    return entry | {"gain": asdict(bootstrap.gain("trained", "base", [lang]))}


def _macro(bootstrap: PairedBootstrap, languages: Sequence[str]) -> dict[str, Any]:
    entry: dict[str, Any] = {system: _accuracy(bootstrap.accuracy(system, languages)) for system in SYSTEMS}
    return entry | {
        "gain": asdict(bootstrap.gain("trained", "base", languages)),
        "rl_gain": asdict(bootstrap.gain("trained", "warmup", languages)),
    }


def _families(
    rows: Sequence[Prediction], others: Sequence[str], base: BaseParams, report: ReportParams
) -> dict[str, Any]:
    """Macro over `others`, apart for families that training has seen and families only in `test`."""
    families: dict[str, Any] = {}
    for name, unseen in (("seen", False), ("unseen", True)):
        own = [row for row in rows if row.unseen_family == unseen and row.lang in others]
        if bootstrap := bootstrap_of(own, base, report):
            entry = _macro(bootstrap, bootstrap.languages)
            families[name] = {key: entry[key] for key in (*SYSTEMS, "gain")}
    return families


def _accuracy(interval: Interval) -> dict[str, float]:
    return {"accuracy": interval.mean, "low": interval.low, "high": interval.high}
