"""The section on the references: what the pivot knew, and what keeping some of its answers did."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.report.document import Block, RowGroup, Table, Text
from components.report.words import MISSING, percent

HEADER = ("problems", "count", "kept", "kept, %", "right before, %", "right after, %", "agreement, %")


def reference_blocks(reference: Mapping[str, Any], models: Mapping[str, Any]) -> list[Block]:
    """Text and table from metrics/reference.json and metrics/models.json."""
    groups = [
        RowGroup("by split", [_row(name, group) for name, group in reference["by_split"].items()]),
        RowGroup("by family", [_row(name, group) for name, group in reference["by_family"].items()]),
        RowGroup("by number of steps", [_row(name, group) for name, group in _by_steps(reference)]),
        RowGroup("in all", [_row("all", reference)]),
    ]
    note = (
        "Before: the answers that won the votes of all problems; after: those of the kept references. Right: equal to "
        f"the English gold, which training never sees; {MISSING} where no gold is known or nothing is kept. A wrong "
        "reference is rewarded as if it were right."
    )
    return [Text(_who(reference, models)), Table(HEADER, groups), Text(note), Text(_difficulty(reference))]


def _row(name: str, group: Mapping[str, Any]) -> list[str]:
    shares = ("kept_share", "correct_share", "kept_correct_share", "agreement_mean")
    return [name, str(group["num_references"]), str(group["num_kept"]), *(percent(group[share]) for share in shares)]


def _by_steps(reference: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Fewest steps first, unknown ones last."""
    steps: Mapping[str, Mapping[str, Any]] = reference["by_num_steps"]
    for name in sorted(steps, key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0)):
        yield name, steps[name]


def _who(reference: Mapping[str, Any], models: Mapping[str, Any]) -> str:
    size = models["pivot_num_parameters"]
    if models["self_pivot"]:
        who = "self-pivot (the policy itself, asked in English)"
    else:
        who = f"pivot ({f'{size / 1e6:,.0f} million parameters' if size else 'behind a server, its size unknown'})"
    dropped = ", ".join(f"{count} for {reason}" for reason, count in sorted(reference["dropped"].items()))
    label = reference["label"]
    samples = reference["samples"]
    return (
        f"The {who} answered {reference['num_references']} questions, with {samples['num']} samples in all, "
        f"{percent(samples['correct_share'])} % of them right. A sample votes if it is complete, has a readable answer "
        f"and passes the checks (no false equation, and by `reference.use_every_number` all numbers of the question): "
        f"{samples['num_voters']} do, {percent(samples['voters_correct_share'])} % of them right. Cut off: "
        f"{samples['num_truncated']}; without a readable answer: {samples['num_unreadable']}; with a false equation: "
        f"{samples['num_false_equations']}. Kept: {percent(reference['kept_share'])} % of the references"
        f"{f' (dropped: {dropped})' if dropped else ''}. The other half of the samples votes for labels of its own: "
        f"{percent(label['same_as_reference_share'])} % of them agree with the reference, "
        f"{percent(label['correct_share'])} % are right."
    )


def _difficulty(reference: Mapping[str, Any]) -> str:
    mean = reference["num_steps_mean"]
    if mean["before"] is None or mean["after"] is None:
        return "How keeping some references shifts the difficulty cannot be told: their numbers of steps are not known."
    shifts = ", ".join(
        f"{percent(group['share_before'], 0)} → {percent(group['share_after'], 0)} % with {name} "
        f"step{'' if name == '1' else 's'}"
        for name, group in _by_steps(reference)
    )
    return (
        f"Keeping some shifts the difficulty: {mean['before']:.2f} steps a problem before, {mean['after']:.2f} after "
        f"({shifts})."
    )
