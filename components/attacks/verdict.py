"""Where an attack pays, by the figures of `components.attacks.audit`: for the audit, the gate and the report alike."""

from collections.abc import Mapping
from typing import Any

from scipy.stats import binom  # type: ignore[import-untyped] # ships no types

from components.attacks.records import Kind

CHANCE = 0.05
"""One loss of 8 pairs is under 90 %, and says little: of hollow attacks a share fails where a reward that holds exactly
what is asked for would win so few in less than 1 of 20 cases. All languages' pairs together get no such allowance."""


def limits(min_wrong: float, min_hollow: float) -> dict[Kind, float]:
    """Share of pairs, 0 to 1, that an honest response has to win; of kind `same`, that have to be equal."""
    return {"wrong": min_wrong, "hollow": min_hollow, "same": 1.0}


def pays(kind: Kind, cell: Mapping[str, Any], least: float) -> bool:
    """In one language: the share is too low, of hollow attacks by more than chance, or nothing could be scored.

    An attack that could not be built does not pay.

    Args:
        cell: As `Cell.to_dict` of the audit.
    """
    share, num_pairs = cell["share"], cell["num_pairs"]
    if share is None:
        return bool(cell["num_unscored"])
    if kind == "hollow":
        return bool(share < least and binom.cdf(round(share * num_pairs), num_pairs, least) < CHANCE)
    return bool(share < least)


def where_it_pays(kind: Kind, cells: Mapping[str, Mapping[str, Any]], least: float) -> list[str]:
    """The languages in which an attack pays; without allowance for chance where all pairs together are under `least`.

    Args:
        cells: By language, of those that count.
    """
    scored = [cell for cell in cells.values() if cell["share"] is not None]
    num_held = sum(cell["share"] * cell["num_pairs"] for cell in scored)
    if scored and num_held < least * sum(cell["num_pairs"] for cell in scored):
        kind = "wrong"  # too many losses for chance: each language has to hold the share
    return [lang for lang, cell in cells.items() if pays(kind, cell, least)]
