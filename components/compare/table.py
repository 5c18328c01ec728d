"""The comparison's table: each arm against the base, the warm-up and the controls."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from components.compare import PREDICTIONS
from components.compare.breakdown import as_table, breakdown
from components.compare.intervals import BASE, SeededBootstrap
from components.compare.pools import as_lines, points, pooled_gains
from components.contracts import PipelineError, Prediction, read_table, write_text
from components.params import Params
from components.progress import print_wide
from components.stage import METRICS, StageRun
from components.statistics import Outcome
from components.tracking.receipt import read_receipt

WARMUP, MEANING, CONTROLS = "warmup", "hybrid", ("shuffled", "form")
SHARES = ("language_share", "truncated_share")
MARKDOWN = Path("report/compare.md")
HEADER = ("arm", "accuracy", "over the base", "over the warm-up", "each seed", "hybrid over it", "never trained",
          "English", "in language", "cut off", "rate", "tokens sampled", "learned", "minutes")  # fmt: skip
PRINTED = ("arm", "accuracy", "over the base", "over the warm-up", "never trained", "English", "minutes")
"""In a terminal, which has no room for all."""


def compare_arms(run: StageRun, root: Path) -> None:
    """Write metrics/compare.json and report/compare.md, send a run an arm to MLflow.

    Raises:
        PipelineError: No test problem has a gold answer.
    """
    params = run.params
    names = [WARMUP, *params.compare.run]
    rows = {(arm, seed): _rows(root / f"{arm}-{seed}") for arm in names for seed in params.compare.seeds}
    arms = {arm: {seed: _outcomes(rows[arm, seed]) for seed in params.compare.seeds} for arm in names}
    base_rows = _rows(root / BASE)
    base = _outcomes(base_rows)
    if not base:
        raise PipelineError("no test problem has a gold answer: the arms cannot be compared")
    report = params.report
    bootstrap = SeededBootstrap(base, arms, report.bootstrap_resamples, report.confidence, params.base.seed)
    told = {arm: _figures(bootstrap, arm, params) | _costs(arm, params) for arm in names}
    parts = {BASE: [base_rows]} | {arm: [rows[arm, seed] for seed in params.compare.seeds] for arm in names}
    run.metrics = {
        "base": {"accuracy": asdict(bootstrap.accuracy(BASE, params.base.trained_languages)), **_shares([BASE])},
        "arms": told,
        "parts": breakdown(parts),
        "pools": pooled_gains(bootstrap, params.compare.pools, names, WARMUP, _groups(params, bootstrap)),
        "seeds": list(bootstrap.seeds),
        "verdict": verdict(bootstrap, names, params),
    }
    write_text(MARKDOWN, as_markdown(run.metrics))
    run.log_artifact(MARKDOWN)
    run.log_arms(told)


def verdict(bootstrap: SeededBootstrap, names: Sequence[str], params: Params) -> str:
    """Whether the pivot's semantics help, in one sentence: only where hybrid beats both controls, intervals above 0."""
    missing = [name for name in (MEANING, *CONTROLS) if name not in names]
    if missing:
        return f"Whether the pivot's semantics help was not asked: no arm {', '.join(missing)}."
    trained = params.base.trained_languages
    gains = {control: bootstrap.gain(MEANING, control, trained) for control in CONTROLS}
    figures = "; ".join(f"over {control} {points(gain)}" for control, gain in gains.items())
    if all(gain.direction > 0 for gain in gains.values()):
        return f"The pivot's semantics help ({figures})."
    return f"It is not shown that the pivot's semantics help ({figures})."


def as_markdown(metrics: Mapping[str, Any]) -> str:
    """The table, what it says, and how to read it."""
    lines = ["# Comparison by training", "", f"| {' | '.join(HEADER)} |", f"|{' --- |' * len(HEADER)}"]
    lines += [f"| {' | '.join(cells)} |" for cells in _every_row(metrics)]
    pools = [*as_lines(metrics["pools"]), "", _how_to_read_pools(metrics), ""] if metrics["pools"] else []
    lines += ["", metrics["verdict"], "", f"{_how_to_read(metrics)} {_DETAILS}", "", *pools]
    return "\n".join([*lines, *as_table(metrics["parts"]), "", _PARTS, ""])


def print_arms(metrics: Mapping[str, Any]) -> None:
    """What matters most of it in a terminal."""
    table = Table(box=SIMPLE_HEAD, title="Comparison by training", title_justify="left")
    for name in PRINTED:
        table.add_column(name, no_wrap=name == "arm", min_width=max(map(len, name.split())))
    for cells in _every_row(metrics):
        table.add_row(*(cells[HEADER.index(name)] for name in PRINTED))
    told = [metrics["verdict"], _how_to_read(metrics), *as_lines(metrics["pools"], ["trained"])]
    table.caption = "\n".join([*told, f"The whole table: {MARKDOWN}"])
    table.caption_justify = "left"
    print_wide(table)


_DETAILS = (
    f"{MEANING.capitalize()} over it: what that arm gains over this one, paired. "
    "Rate: of learning, as validation chose it, a seed each where they differ. Tokens: a seed."
)

_PARTS = "Accuracy by language, and of families seen and unseen in training over all languages but English, per cent."


def _how_to_read(metrics: Mapping[str, Any]) -> str:
    """With one seed no interval holds what another seed would have given, which the reader must know."""
    seeds, drawn = "mean over seeds", "problems and seeds"
    if len(metrics["seeds"]) == 1:
        seeds, drawn = "one seed", "problems alone (another seed may give something else)"
    return (
        f"Accuracy: macro over the trained languages, per cent, {seeds}. Gains in points with intervals over {drawn}. "
        "Never trained, English: gain over the base. Minutes, of training and test: a seed."
    )


def _how_to_read_pools(metrics: Mapping[str, Any]) -> str:
    drawn = "problems and arms, of one seed" if len(metrics["seeds"]) == 1 else "problems, seeds and arms"
    return f"Arms together (`compare.pools`): gains in points, with intervals over {drawn}."


def _figures(bootstrap: SeededBootstrap, arm: str, params: Params) -> dict[str, Any]:
    trained = params.base.trained_languages
    over_base = {"trained": "gain_over_base", "never_trained": "gain_never_trained", "english": "gain_english"}
    groups = _groups(params, bootstrap)
    told = {
        "accuracy": asdict(bootstrap.accuracy(arm, trained)),
        **{over_base[group]: asdict(bootstrap.gain(arm, BASE, langs)) for group, langs in groups.items()},
        "gain_over_warmup": asdict(bootstrap.gain(arm, WARMUP, trained)),
        **{
            f"gain_over_{before}_by_seed": dict(
                zip(map(str, bootstrap.seeds), bootstrap.by_seed(arm, before, trained), strict=True)
            )
            for before in (BASE, WARMUP)
        },
    }
    if MEANING in params.compare.run and arm != MEANING:
        told["gain_of_hybrid"] = asdict(bootstrap.gain(MEANING, arm, trained))
    return told


def _groups(params: Params, bootstrap: SeededBootstrap) -> dict[str, list[str]]:
    """Languages by group; a group that the test does not ask in is left out."""
    trained = params.base.trained_languages
    never = [lang for lang in params.base.languages if lang not in trained and lang != "en"]
    groups = {"trained": trained, "never_trained": never, "english": ["en"]}
    return {name: langs for name, langs in groups.items() if langs and set(langs) <= set(bootstrap.languages)}


def _costs(arm: str, params: Params) -> dict[str, Any]:
    """Means over seeds, from each part's own metrics."""
    parts = [f"{arm}-{seed}" for seed in params.compare.seeds]
    metrics = [_metrics(part) for part in parts]
    by_seed = zip(params.compare.seeds, metrics, strict=True)
    return {
        **_shares(parts),
        **{name: _mean([own.get(name, 0.0) for own in metrics]) for name in ("tokens_sampled", "tokens_learned")},
        "learning_rates": {str(seed): own["learning_rate"] for seed, own in by_seed if "learning_rate" in own},
        "minutes": _minutes(parts),
    }


def _shares(parts: Sequence[str]) -> dict[str, float]:
    return {name: _mean([_metrics(part)["test"][name] for part in parts]) for name in SHARES}


def _metrics(part: str) -> dict[str, Any]:
    own: dict[str, Any] = json.loads((METRICS / "compare" / f"{part}.json").read_text(encoding="utf-8"))
    return own


def _minutes(parts: Sequence[str]) -> float | None:
    """Mean of the runs that made them, from where a stopped one went on; None where a receipt is missing."""
    receipts = [read_receipt(f"compare/{part}") for part in parts]
    known = [receipt["seconds"] / 60 for receipt in receipts if receipt]
    return _mean(known) if len(known) == len(parts) else None


def _every_row(metrics: Mapping[str, Any]) -> list[list[str]]:
    base = metrics["base"]
    first = [BASE, _accuracy(base), *["–"] * 6, *_in_per_cent(base), *["–"] * 4]
    names = [WARMUP, *(name for name in metrics["arms"] if name != WARMUP)]  # a JSON file has them by the alphabet
    return [first, *(_cells(name, metrics["arms"][name]) for name in names)]


def _accuracy(own: Mapping[str, Any]) -> str:
    accuracy = own["accuracy"]
    return f"{100 * accuracy['mean']:.1f} [{100 * accuracy['low']:.1f}, {100 * accuracy['high']:.1f}]"


def _in_per_cent(own: Mapping[str, Any]) -> list[str]:
    return [f"{100 * own[name]:.1f}" for name in SHARES]


def _cells(arm: str, own: Mapping[str, Any]) -> list[str]:
    by_seed = ", ".join(f"{100 * gain:+.1f}" for gain in own["gain_over_warmup_by_seed"].values())
    is_warmup = arm == WARMUP
    return [
        arm,
        _accuracy(own),
        points(own["gain_over_base"]),
        "–" if is_warmup else points(own["gain_over_warmup"]),
        "–" if is_warmup else by_seed,
        *(points(own[key]) if key in own else "–" for key in ("gain_of_hybrid", "gain_never_trained", "gain_english")),
        *_in_per_cent(own),
        "–" if is_warmup else ", ".join(f"{rate:g}" for rate in dict.fromkeys(own["learning_rates"].values())),
        *("–" if is_warmup else f"{own[key]:.0f}" for key in ("tokens_sampled", "tokens_learned")),
        "–" if own["minutes"] is None else f"{own['minutes']:.1f}",
    ]


def _rows(folder: Path) -> list[Prediction]:
    return read_table(folder / PREDICTIONS, Prediction)


def _outcomes(rows: Sequence[Prediction]) -> list[Outcome]:
    return [Outcome(row.system, row.problem_id, row.lang, row.correct) for row in rows if row.correct is not None]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
