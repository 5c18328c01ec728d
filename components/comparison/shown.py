"""The comparison in a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from components.comparison.compare import GIVEN
from components.progress import console, print_wide

_MISSING = "–"


def print_comparison(metrics: Mapping[str, Any]) -> None:
    """Print one table a kind of label, then the fitted weights and what calibrating changes in training."""
    costs = metrics["cost_s_per_1000"]
    for source, told in metrics["labels"].items():
        for table in (
            _table(source, told["rewards"], told["answer_only"], costs),
            _by_language(source, told["rewards"]),
        ):
            print_wide(table)
    if not metrics["labels"]:
        console.print("No labels that the rewards have not seen: nothing can be measured.")
    weights = metrics["weights"]
    if weights["status"] == GIVEN:
        return
    if weights["status"] != "fitted":
        console.print(f"Weights of the hybrid: {weights['status']}; it keeps its fixed ones.", markup=False)
        return
    by_term = ", ".join(f"{name} {weight:.2f}" for name, weight in weights["by_term"].items())
    console.print(f"Weights of the hybrid, log-odds a standard deviation, on {weights['on']}: {by_term}", markup=False)
    for name, changes in metrics["advantages"].items():
        for kind, change in changes.items():
            console.print(f"Advantages of {name}, {kind}: {told_change(change)}", markup=False)


def told_change(change: Mapping[str, Any]) -> str:
    """What another form of a reward changes in training, in words."""
    if change["is_no_op"]:
        return "warning: a no-op, training would not notice it"
    own = change["configured"]
    return (
        f"mean |ΔA| {own['mean_change']:.3f}, {change['reversed_pairs']:.1%} of pairs reversed, "
        f"{own['sign_changes']:.1%} signs changed, groups without signal {own['silent_groups_raw']:.1%} → "
        f"{own['silent_groups']:.1%}"
    )


def _table(
    source: str, rewards: Mapping[str, Any], answer_only: Mapping[str, Any], costs: Mapping[str, float]
) -> Table:
    table = _empty(f'Against the label "{source}", on questions that no fit used')
    for title in ("macro AUC", "AUC", "ECE", "Brier", "log-loss", "n", "s/1,000"):
        table.add_column(title, justify="right", no_wrap=True)
    for name, told in rewards.items():
        pooled = told["pooled"]
        cells = [told["auc_macro"], *(pooled[key] for key in ("auc", "ece", "brier", "log_loss"))]
        table.add_row(name, *map(_number, cells), str(pooled["n"]), f"{costs[name]:.1f}")
    two = (answer_only["ece"], answer_only["brier"], answer_only["log_loss"])
    table.add_row("two levels", _MISSING, _MISSING, *map(_number, two), _MISSING, _MISSING)
    table.caption = "two levels: by language and the answer's equality alone. n: responses with score and label."
    return table


def _by_language(source: str, rewards: Mapping[str, Any]) -> Table:
    table = _empty(f'AUC by language against the label "{source}"')
    languages = list(next(iter(rewards.values()))["languages"])
    for lang in languages:
        table.add_column(lang, justify="right", no_wrap=True)
    for name, told in rewards.items():
        table.add_row(name, *(_short(told["languages"][lang]["auc"]) for lang in languages))
    return table


def _empty(title: str) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("reward", no_wrap=True)
    return table


def _number(value: float | None) -> str:
    return _MISSING if value is None else f"{value:.3f}"


def _short(value: float | None) -> str:
    """Without the leading zero."""
    return _number(value).removeprefix("0")
