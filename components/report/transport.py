"""The section on whether what was measured before training still holds on the trained policy's own responses."""

from collections.abc import Mapping
from typing import Any

from components.report.document import Block, RowGroup, Table, Text
from components.report.words import LABEL_WORDS, auc_cell, decimal, trusted_label, verdict_sentence

NOTE = (
    "Before: the base model on calibration problems; after: the trained policy on validation problems. After training, "
    "calibrated is the calibration from before, unchanged; the ECE of the others is that of maps made anew on either "
    "side."
)
NOTHING = {"pooled": {"auc": None, "ece": None}}


def transport_blocks(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Block]:
    """From metrics/calibrate.json and metrics/audit.json."""
    verdict = Text(verdict_sentence(after))
    source = trusted_label(before, after)
    if source is None:
        return [verdict, Text("No label knows both right and wrong responses before and after: nothing to compare.")]
    old, new = (metrics["labels"][source]["rewards"] for metrics in (before, after))
    rows = [_row(name, old.get(name, NOTHING), new.get(name, NOTHING)) for name in dict.fromkeys([*old, *new])]
    header = ("reward", "AUC before", "AUC after", "ECE before", "ECE after")
    table = Table(header, [RowGroup(f"against {LABEL_WORDS[source]}", rows)])
    return [verdict, table, Text(NOTE)]


def _row(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    pooled = before["pooled"], after["pooled"]
    return [name, *map(auc_cell, pooled), *(decimal(own["ece"], 3) for own in pooled)]
