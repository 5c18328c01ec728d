"""The gate: conditions on what the stages have measured, all of which the trained adapter must hold to be promoted."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from components.attacks.verdict import limits, where_it_pays
from components.params import CalibrateParams, GateParams

ROUNDING = 1e-9
"""3 of 30 problems are a loss of 0.1, which floating point may make a little more."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, and what was found."""

    name: str
    passed: bool | None
    """None where nobody can judge it; it does not pass then."""
    told: str
    """The figures, in one sentence without its full stop."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Promoted where every condition has passed."""

    conditions: tuple[Condition, ...]

    @property
    def passed(self) -> bool:
        """Whether the adapter is promoted."""
        return all(condition.passed for condition in self.conditions)

    @property
    def number(self) -> int | None:
        """For comparing runs: 1 promoted, 0 a condition fails, None where none fails and some cannot be judged."""
        verdicts = {condition.passed for condition in self.conditions}
        return 0 if False in verdicts else None if None in verdicts else 1

    @property
    def verdict(self) -> str:
        """`Promoted: ...`, or `Not promoted: ...` with the names of the conditions that do not hold."""
        if self.passed:
            return "Promoted: every condition holds."
        names = (condition.name for condition in self.conditions if not condition.passed)
        return f"Not promoted: {', '.join(names)}."

    def failures(self) -> list[str]:
        """Conditions that do not hold, a line each; empty where it is promoted."""
        words = {False: "fails", None: "cannot be judged"}
        return [f"{one.name} {words[one.passed]}: {one.told}" for one in self.conditions if not one.passed]

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"passed": self.passed, "conditions": [asdict(condition) for condition in self.conditions]}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> "Decision":
        """What `to_dict` gave."""
        return cls(tuple(Condition(**condition) for condition in told["conditions"]))


def decide(
    summary: Mapping[str, Any],
    calibrate: Mapping[str, Any],
    audit: Mapping[str, Any],
    gate: GateParams,
    wins: CalibrateParams,
) -> Decision:
    """Judge every condition.

    Args:
        summary: What `components.report.summary` has made of the evaluation.
        calibrate, audit: Metrics of these stages.
        wins: Share of pairs that an honest response must win against attacks.
    """
    return Decision(
        (
            _gain(summary["macro"], gate.min_macro_gain),
            _losses(summary["languages"], gate.max_language_loss),
            _fidelity(summary["language_share"], gate.max_language_share_loss),
            _attacks(calibrate, wins),
            _transport(audit),
        )
    )


def _gain(macro: Mapping[str, Any], least: float) -> Condition:
    name = "gain over the base"
    if "trained_languages" not in macro:
        return Condition(name, None, "no trained language besides English has a problem whose answer is known")
    gain = macro["trained_languages"]["gain"]
    mean, low, high = (_points(gain[key]) for key in ("mean", "low", "high"))
    told = f"{mean} points in the trained languages, interval {low} to {high}; it must lie above {_points(least)}"
    return Condition(name, gain["low"] > least, told)


def _losses(languages: Mapping[str, Any], most: float) -> Condition:
    name = "losses by language"
    gains = {lang: own["gain"]["mean"] for lang, own in languages.items() if own["trained_lang"]}
    if not gains:
        return Condition(name, None, "no trained language has a problem whose answer is known")
    lost = {lang: gain for lang, gain in gains.items() if -gain > most + ROUNDING}
    worst = min(gains, key=gains.__getitem__)
    shown = lost or {worst: gains[worst]}
    told = ", ".join(f"{lang} {_points(gain)}" for lang, gain in shown.items())
    which = "too much lost" if lost else "the least gain of a trained language"
    return Condition(name, not lost, f"{which}: {told} points; {_share(most)} may be lost")


def _fidelity(shares: Mapping[str, float], most: float) -> Condition:
    before, after = shares["base"], shares["trained"]
    told = (
        f"{_share(before)} % of the responses' words were in the question's language, {_share(after)} % are after "
        f"training; {_share(most)} points may be lost"
    )
    return Condition("language fidelity", before - after <= most + ROUNDING, told)


def _attacks(calibrate: Mapping[str, Any], wins: CalibrateParams) -> Condition:
    """As the stage `calibrate` judges them: in the languages that the encoder declares."""
    name = "attack audit"
    least = limits(wins.min_wins_wrong, wins.min_wins_hollow)
    declared = [lang for lang, own in calibrate["languages"].items() if own["encoder_declares"]]
    paying, num_pairs = [], 0
    for attack, told in calibrate.get("attacks", {}).items():
        cells = {lang: cell for lang, cell in told["languages"].items() if lang in declared}
        num_pairs += sum(cell["num_pairs"] for cell in cells.values())
        if where := where_it_pays(told["kind"], cells, least[told["kind"]]):
            paying.append(f"{attack} in {', '.join(where)}")
    if paying:
        return Condition(name, False, f"these attacks pay: {'; '.join(paying)}")
    if not num_pairs:
        return Condition(name, None, "the reward could not be attacked: there was no honest response to start from")
    return Condition(name, True, f"no attack pays in {', '.join(declared)} ({num_pairs} pairs)")


def _transport(audit: Mapping[str, Any]) -> Condition:
    passed = {"passed": True, "failed": False, "unverified": None}[audit["verdict"]]
    told = "; ".join(audit["reasons"]) or "the reward still holds on the trained policy's own responses"
    return Condition("transport audit", passed, told)


def _points(difference: float) -> str:
    """`+6.7` for .067, with a real minus sign; no sign where it rounds to zero."""
    text = f"{100 * difference:+.1f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def _share(share: float) -> str:
    return f"{100 * share:.1f}"
