"""What a finished pass prints: accuracy before and after, the gap to English, the gate, seconds, where to look next."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from components.environment import tracking_uri
from components.params import Params
from components.progress import console, say
from components.promotion.gate import Decision
from components.tracking import read_receipt

SUMMARY = Path("metrics/report.json")
SYSTEMS = {"base": "before", "warmup": "warm-up", "trained": "after"}
GROUPS = {
    "trained_languages": "trained mean",
    "untrained_languages": "others mean",
    "all_but_english": "all but en",
}
COMPARISON = "compare"
"""The section of params.yaml whose receipt is of no stage of the pipeline."""


def print_closing() -> None:
    """Print the tables and the pointers from what the stages have written."""
    summary: dict[str, Any] = json.loads(SUMMARY.read_text(encoding="utf-8"))
    if summary["languages"]:
        console.print(_table(summary), soft_wrap=False)
    else:
        say("No accuracy on `test`: nobody knows the right answers of its problems")
    if receipts := _receipts():
        console.print(_timings(receipts), soft_wrap=False)
    decision = Decision.from_dict(summary["promotion"])
    say(f"Gate:    {decision.verdict}")
    for failure in decision.failures():
        say(f"         {failure}")
    say("Report:  report/report.html")
    store = tracking_uri()
    say(f"Runs:    {'make ui (Prefect and MLflow in the browser)' if store.startswith('sqlite:') else store}")
    asked = list(summary["languages"]) or ["es"]
    lang = "es" if "es" in asked else asked[-1]
    say(f'Adapter: adapters/trained; ask it: .venv/bin/pb-rlsvr ask "..." --lang {lang}')


def _receipts() -> list[Mapping[str, Any]]:
    """Of the runs that made the results, in the pipeline's order, which is that of the sections of params.yaml."""
    found = (read_receipt(section) for section in Params.model_fields if section != COMPARISON)
    return [receipt for receipt in found if receipt is not None]


def _timings(receipts: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title="Time of the runs that made these results", title_justify="left", box=SIMPLE_HEAD, padding=0)
    table.add_column("stage", no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("started, UTC", justify="right", no_wrap=True)
    for receipt in receipts:
        started = datetime.fromisoformat(receipt["started"])
        table.add_row(receipt["stage"], f"{receipt['seconds']:,.0f}", f"{started:%Y-%m-%d %H:%M}")
    table.add_section()
    table.add_row("in all", f"{sum(receipt['seconds'] for receipt in receipts):,.0f}", "")
    return table


def _table(summary: Mapping[str, Any]) -> Table:
    table = Table(title=r"Accuracy on `test`, % \[interval]", title_justify="left", box=SIMPLE_HEAD, padding=0)
    table.add_column("language", no_wrap=True)
    for label in (*SYSTEMS.values(), "gain"):
        table.add_column(label, justify="right", no_wrap=True)
    for lang, row in sorted(summary["languages"].items(), key=lambda item: (not item[1]["trained_lang"], item[0])):
        name = f"{lang} (trained)" if row["trained_lang"] else lang
        table.add_row(name, *_cells(row))
    table.add_section()
    for group, row in summary["macro"].items():
        table.add_row(GROUPS[group], *_cells(row))
    if gaps := summary.get("gap_to_english"):
        table.add_section()
        table.add_row("gap to English", *(f"{100 * gaps[system]:.1f}" for system in SYSTEMS), "")
    return table


def _cells(row: Mapping[str, Any]) -> list[str]:
    cells = [_interval(row[system]["accuracy"], row[system]) for system in SYSTEMS]
    return [*cells, _interval(row["gain"]["mean"], row["gain"], sign="+")]


def _interval(value: float, bounds: Mapping[str, float], sign: str = "") -> str:
    low, high = (format(100 * bounds[side], f"{sign}.0f") for side in ("low", "high"))
    return f"{100 * value:{sign}.1f} \\[{low}, {high}]"
