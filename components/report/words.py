"""Numbers as a person reads them (shares in per cent, differences in points), and what the intervals allow to say."""

from collections.abc import Mapping
from typing import Any

from babel import Locale

from components.lang import language
from components.lang.table import nearest_language
from components.params import TrainParams
from components.report.summary import ENGLISH
from components.statistics import Interval, PairedBootstrap

MISSING = "–"
LABEL_WORDS = {
    "gold": "the English gold, which training never sees",
    "half B vote": "the vote of the pivot's half B, which no reward sees",
}


def percent(share: float | None, digits: int = 1) -> str:
    """`47.9` for .479; a dash where there is no number."""
    return MISSING if share is None else f"{100 * share:.{digits}f}"


def decimal(value: float | None, digits: int = 2) -> str:
    """`0.81`; a dash where there is no number."""
    return MISSING if value is None else f"{value:.{digits}f}"


def auc_cell(figures: Mapping[str, Any]) -> str:
    """`0.81 [0.75, 0.86]`; a dash where there were not both right and wrong responses."""
    if figures["auc"] is None:
        return MISSING
    return f"{figures['auc']:.2f} [{figures['auc_low']:.2f}, {figures['auc_high']:.2f}]"


def points(difference: float, digits: int = 1) -> str:
    """`+6.7` for .067, with a real minus sign; what rounds to zero is `0.0`, without a sign."""
    text = f"{100 * difference:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def accuracy_cell(entry: Mapping[str, float]) -> str:
    """`47.9 [41, 55]` of an accuracy with its interval."""
    return f"{percent(entry['accuracy'])} [{percent(entry['low'], 0)}, {percent(entry['high'], 0)}]"


def gain_cell(gain: Mapping[str, float]) -> str:
    """`+6.7 [+3.1, +10.4] ▲`; the mark only where the interval lies wholly on one side of zero."""
    interval = Interval(**gain)
    return f"{_bounds(interval)} {'▼ ▲'[interval.direction + 1]}".rstrip()


def language_name(code: str) -> str:
    """`Swahili (sw)`; a language that our table lacks by its name in CLDR, or by its code alone."""
    row = nearest_language(code)
    name = row.name if row else Locale("en").languages.get(code)
    return f"{name} ({code})" if name else code


def headline(bootstrap: PairedBootstrap, others: list[str], confidence: float) -> str:
    """What the run shows over `others` (English where it is alone), in one sentence that claims no more than it may."""
    languages = others or [ENGLISH]
    gain = bootstrap.gain("trained", "base", languages)
    before, after = (percent(bootstrap.accuracy(system, languages).mean) for system in ("base", "trained"))
    way = f"from {before} % to {after} %"
    where = _where(others)
    change = f"{points(gain.mean)} points, paired {_level(confidence)} interval {_range(gain)}"
    if gain.direction > 0:
        return f"Training raised accuracy {where} {way}: {change}."
    if gain.direction < 0:
        return f"Training lowered accuracy {where} {way}: {change}."
    return f"No gain shown: accuracy {where} went {way} ({change}); the interval includes zero."


def method_words(train: TrainParams) -> str:
    """What comes after the warm-up."""
    return "supervised training" if train.method == "sft" else "RL"


def parts(bootstrap: PairedBootstrap, others: list[str], train: TrainParams) -> str:
    """What the warm-up gave and what the method added, told apart."""
    method = method_words(train)
    if not train.warmup_steps:
        return f"All of that change is of {method}: there was no warm-up, and `after warm-up` is the untrained adapter."
    languages = others or [ENGLISH]
    warmup = bootstrap.gain("warmup", "base", languages)
    added = bootstrap.gain("trained", "warmup", languages)
    return (
        f"Of that change, the supervised warm-up on English references gave {_part(warmup)}; "
        f"{method} after it added {_part(added)}."
    )


def _part(gain: Interval) -> str:
    verdict = "" if gain.direction else "; no effect shown"
    return f"{points(gain.mean)} points ({_range(gain)}{verdict})"


def without_gold(num_without_gold: int, num_problems: int) -> str:
    """What is not told, and why, where some problems (at least one) have no gold answer."""
    if num_without_gold == num_problems:
        return (
            f"No accuracy is told: nobody knows the right answers of the {num_problems} test problems. Language and "
            "length of the responses, the references and the training are told all the same."
        )
    return (
        f"{num_without_gold} of the {num_problems} test problems have no known answer. They count in no accuracy, "
        "neither as right nor as wrong."
    )


def trusted_label(*comparisons: Mapping[str, Any]) -> str | None:
    """The label that all comparisons of rewards have, gold before the pivot's vote; None where they share none."""
    return next((name for name in LABEL_WORDS if all(name in told["labels"] for told in comparisons)), None)


def verdict_sentence(audit: Mapping[str, Any]) -> str:
    """What the audit on the trained policy's own responses found, from metrics/audit.json."""
    told = {
        "passed": "The audit passed: the reward still holds on the trained policy's own responses",
        "failed": "The audit failed: the reward does not hold on the trained policy's own responses",
        "unverified": "Unverified: whether the reward still holds on the trained policy's own responses could not be "
        "checked",
    }[audit["verdict"]]
    return ": ".join([told, *(["; ".join(audit["reasons"])] if audit["reasons"] else [])]) + "."


def gap_sentence(gaps: Mapping[str, Any], confidence: float, train: TrainParams) -> str:
    """How far English is ahead, before and after."""
    change = Interval(**gaps["change"])
    warmed_up = f"{_plain(gaps['warmup'])} after the warm-up, " if train.warmup_steps else ""
    verdict = {1: "it narrowed", -1: "it widened", 0: "no change shown"}[change.direction]
    return (
        f"English accuracy minus the mean of the other languages: {_plain(gaps['base'])} points before, "
        f"{warmed_up}{_plain(gaps['trained'])} after training. Before minus "
        f"after: {points(change.mean)} points, paired {_level(confidence)} interval {_range(change)}: {verdict}. "
        "A gap also narrows when English gets worse; the table by language tells which it was."
    )


def _plain(difference: float) -> str:
    return points(difference).removeprefix("+")


def _where(others: list[str]) -> str:
    if not others:
        return "in English, the only language evaluated,"
    if len(others) == 1:
        return f"in {language(others[0]).name}, the only language besides English,"
    return f"over the {len(others)} languages other than English"


def _level(confidence: float) -> str:
    return f"{100 * confidence:g} %"


def _range(interval: Interval) -> str:
    return f"{points(interval.low)} to {points(interval.high)}"


def _bounds(interval: Interval) -> str:
    return f"{points(interval.mean)} [{points(interval.low)}, {points(interval.high)}]"
