"""The section on attacks: how often an honest response scores more than each, by language."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from components.attacks.records import Kind
from components.attacks.verdict import pays
from components.report.document import Block, RowGroup, Table, Text
from components.report.words import MISSING, percent

KINDS: Mapping[Kind, str] = {
    "wrong": "wrong or no answer, or the wrong language: honest wins, %",
    "hollow": "the right answer with bad reasoning: honest wins, %",
    "same": "nothing visible changed: scores are equal, %",
}
LOSES = " ✗"
"""Behind a share that is under its limit."""

Cell = Mapping[str, Any]


def attack_blocks(calibrate: Mapping[str, Any], marks: Mapping[str, str], least: Mapping[Kind, float]) -> list[Block]:
    """From metrics/calibrate.json.

    Args:
        marks: What stands behind a language that the encoder does not declare.
        least: By kind of attack the share of pairs that an honest response has to win; lower ones are marked.
    """
    told = {
        "attacks": "The reward that trains, with answers as it sees them.",
        "attacks_hidden": "The fixed hybrid with every answer hidden.",
    }
    blocks: list[Block] = [Text(_honest(calibrate))]
    for key, which in told.items():
        if key in calibrate:
            blocks += _audited(which, calibrate[key], marks, least)
    return blocks


def _honest(calibrate: Mapping[str, Any]) -> str:
    wrong = calibrate.get("num_wrong_references")
    left_out = f" Problems left out because their reference is wrong: {MISSING if wrong is None else wrong}."
    if misread := calibrate.get("num_misread"):
        left_out += f" Right responses left out because they are not read as their reference's answer: {misread}."
    if "attacks" not in calibrate:
        return (
            "The reward was not attacked: there are no honest responses (worked solutions, or right rollouts in the "
            f"language), so nothing is known about how it can be gamed.{left_out}"
        )
    return (
        f"Each attack was made from each of {calibrate['num_honest']} honest responses (worked solutions, and right "
        f"rollouts in the language) and scored beside it.{left_out}"
    )


def _audited(
    told: str, attacks: Mapping[str, Any], marks: Mapping[str, str], least: Mapping[Kind, float]
) -> list[Block]:
    asked = {lang for attack in attacks.values() for lang in attack["languages"]}
    columns = {lang: f"{lang}{mark}" for lang, mark in marks.items() if lang in asked}
    groups = []
    for kind, title in KINDS.items():
        own = {name: attack for name, attack in attacks.items() if attack["kind"] == kind}
        if own:
            groups.append(RowGroup(title, _rows(own, columns, partial(_share, kind=kind, least=least[kind]))))
    margins = RowGroup("median margin, honest minus attack", _rows(attacks, columns, _margin))
    table = Table(("attack", *columns.values()), [*groups, margins])
    return [Text(f"{told} {_counts(attacks)}"), table]


def _rows(attacks: Mapping[str, Any], columns: Mapping[str, str], show: Callable[[Cell], str]) -> list[list[str]]:
    return [
        [name, *(show(own["languages"][lang]) if lang in own["languages"] else MISSING for lang in columns)]
        for name, own in attacks.items()
    ]


def _share(cell: Cell, kind: Kind, least: float) -> str:
    share = cell["share"]
    return percent(share).removesuffix(".0") + (LOSES if share is not None and pays(kind, cell, least) else "")


def _margin(cell: Cell) -> str:
    margin = cell["median_margin"]
    return MISSING if margin is None else f"{margin:+z.2f}".replace("-", "−")


def _counts(attacks: Mapping[str, Any]) -> str:
    cells = [cell for attack in attacks.values() for cell in attack["languages"].values()]
    pairs, unscored, not_built = (
        sum(cell[key] for cell in cells) for key in ("num_pairs", "num_unscored", "num_not_built")
    )
    return (
        f"Pairs: {pairs}; not scored: {unscored}; attacks that a response does not allow: {not_built} ({MISSING}: none "
        f"was scored). {LOSES.strip()}: under the limit of `calibrate.min_wins_*` (of hollow attacks by more than "
        "chance), so the attack pays."
    )
