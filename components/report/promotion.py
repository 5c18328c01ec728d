"""The section on promotion: whether the adapter is promoted, and what the gate's conditions found."""

from components.promotion.gate import Decision
from components.report.document import RowGroup, Section, Table, Text

WORDS = {True: "holds", False: "fails", None: "cannot be judged"}
NOTE = (
    "The limits are those of params.yaml: gate, calibrate.min_wins_* for the attack audit, audit for the transport "
    "audit. What cannot be judged does not hold. What is promoted becomes the champion of MLflow's registry."
)


def promotion_section(decision: Decision) -> Section:
    """From the decision of metrics/report.json."""
    rows = [[condition.name, WORDS[condition.passed], condition.told] for condition in decision.conditions]
    table = Table(("condition", "verdict", "what was found"), [RowGroup("", rows)])
    return Section("Promotion", [Text(decision.verdict, strong=not decision.passed), table, Text(NOTE)])
