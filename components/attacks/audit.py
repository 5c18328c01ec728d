"""The audit: how often an honest response scores strictly more than each attack on it, by attack and language."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from components.attacks.bank import ATTACKS, try_attacks
from components.attacks.records import Honest, Kind
from components.attacks.verdict import limits, where_it_pays
from components.contracts import PipelineError

Score = Callable[..., Sequence[float | None]]
"""A reward under TRL's contract: columns of equal length in by name, one score or None a row out."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One attack in one language."""

    attack: str
    kind: Kind
    lang: str
    margins: tuple[float, ...]
    """Score of the honest response minus that of the attack, a pair each where both were scored."""
    num_unscored: int
    """Pairs of which the reward could not score both."""
    not_built: Mapping[str, int]
    """How many attacks could not be built, by reason."""

    @property
    def num_pairs(self) -> int:
        """Pairs that were scored."""
        return len(self.margins)

    @property
    def num_not_built(self) -> int:
        """Honest responses that this attack could not be made from."""
        return sum(self.not_built.values())

    @property
    def num_held(self) -> int:
        """Pairs as they should be: the honest response scores strictly more; of kind `same`, exactly as much."""
        return sum(margin == 0 if self.kind == "same" else margin > 0 for margin in self.margins)

    @property
    def share(self) -> float | None:
        """`num_held` of `num_pairs`, 0 to 1; None without pairs."""
        return self.num_held / self.num_pairs if self.margins else None

    @property
    def median_margin(self) -> float | None:
        """In the reward's unit; None without pairs."""
        return median(self.margins) if self.margins else None

    @property
    def lowest_margin(self) -> float | None:
        """In the reward's unit; None without pairs."""
        return min(self.margins, default=None)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the single margins, as JSON has it."""
        return {
            "num_pairs": self.num_pairs,
            "share": self.share,
            "median_margin": self.median_margin,
            "lowest_margin": self.lowest_margin,
            "num_unscored": self.num_unscored,
            "num_not_built": self.num_not_built,
            "not_built": [f"{count} × {reason}" for reason, count in self.not_built.items()],
        }


@dataclass(frozen=True, slots=True)
class AuditResult:
    """All cells, by attack in the order of `ATTACKS`, then by language in the order of the honest responses."""

    cells: tuple[Cell, ...]

    @property
    def languages(self) -> list[str]:
        """The languages of the honest responses."""
        return [*dict.fromkeys(cell.lang for cell in self.cells)]

    def by_attack(self) -> dict[str, dict[str, Cell]]:
        """Cells by attack and language."""
        found: defaultdict[str, dict[str, Cell]] = defaultdict(dict)
        for cell in self.cells:
            found[cell.attack][cell.lang] = cell
        return dict(found)

    def to_dict(self) -> dict[str, Any]:
        """By attack: its kind, and `Cell.to_dict` by language; all numbers finite, None where there are no pairs."""
        return {
            attack: {
                "kind": ATTACKS[attack][0],
                "languages": {lang: cell.to_dict() for lang, cell in cells.items()},
            }
            for attack, cells in self.by_attack().items()
        }

    def failures(
        self, min_wrong: float = 0.99, min_hollow: float = 0.90, languages: Sequence[str] | None = None
    ) -> list[str]:
        """Where the reward can be gamed, a readable line each; empty where it passes.

        What pays is told in `components.attacks.verdict`.

        Args:
            min_wrong, min_hollow: Share of pairs, 0 to 1, that the honest response has to win. Of kind `same`, all
                pairs have to be equal.
            languages: Which ones count; None: all.
        """
        least = limits(min_wrong, min_hollow)
        lines = []
        for attack, cells in self.by_attack().items():
            kind = ATTACKS[attack][0]
            own = {lang: cell.to_dict() for lang, cell in cells.items() if languages is None or lang in languages}
            lines += [_failure(cells[lang], least[kind]) for lang in where_it_pays(kind, own, least[kind])]
        return lines


def audit(honest: Sequence[Honest], score: Score) -> AuditResult:
    """Build every attack on every honest response, score both, and count.

    Args:
        honest: Right responses, of all problems and languages of the run.
        score: Called once a language, with the columns completions, problem_id, lang, reference_text,
            reference_answer, question and choices.

    Raises:
        PipelineError: There is no honest response, one is not right, or the reward breaks its contract.
    """
    if not honest:
        raise PipelineError("no honest responses to attack: give right responses in at least one language")
    by_problem: defaultdict[str, list[Honest]] = defaultdict(list)
    by_lang: defaultdict[str, list[Honest]] = defaultdict(list)
    for row in honest:
        by_problem[row.problem_id].append(row)
        by_lang[row.lang].append(row)
    cells = [cell for own in by_lang.values() for cell in _audit_language(own, by_problem, score)]
    return AuditResult(tuple(sorted(cells, key=lambda cell: [*ATTACKS].index(cell.attack))))


def _audit_language(own: Sequence[Honest], by_problem: Mapping[str, Sequence[Honest]], score: Score) -> list[Cell]:
    """The cells of one language, whose honest responses are `own`."""
    asked: list[Honest] = [*own]
    texts = [row.text for row in own]
    places: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)  # of honest response and attack, by attack
    not_built: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for index, row in enumerate(own):
        built, left_out = try_attacks(row, [*by_problem[row.problem_id], *own])
        for attack in built:
            places[attack.name].append((index, len(texts)))
            asked.append(row)
            texts.append(attack.text)
        for missing in left_out:
            not_built[missing.name][missing.reason] += 1
    scores = _scored(asked, texts, score)
    cells = []
    for name, (kind, _) in ATTACKS.items():
        pairs = [(scores[of_honest], scores[of_attack]) for of_honest, of_attack in places[name]]
        margins = tuple(one - other for one, other in pairs if one is not None and other is not None)
        cells.append(Cell(name, kind, own[0].lang, margins, len(pairs) - len(margins), not_built[name]))
    return cells


def _scored(asked: Sequence[Honest], texts: list[str], score: Score) -> list[float | None]:
    """A score a text, which responds to what the row beside it was asked."""
    scores = score(
        completions=texts,
        problem_id=[row.problem_id for row in asked],
        lang=[row.lang for row in asked],
        reference_text=[row.reference_text for row in asked],
        reference_answer=[row.reference_answer for row in asked],
        question=[row.question for row in asked],
        choices=[row.choices for row in asked],
    )
    name = getattr(score, "__name__", "the reward")
    if len(scores) != len(texts):
        raise PipelineError(f"{name}: {len(scores)} scores for {len(texts)} responses; return one a response")
    for row, value in zip(asked, scores, strict=True):
        if value is not None and not math.isfinite(value):
            raise PipelineError(f"{name}: {value} on `{row.problem_id}` in `{row.lang}`; return a number or None")
    return [*scores]


def _failure(cell: Cell, least: float) -> str:
    if cell.share is None:
        return f"{cell.attack} in {cell.lang}: no pair of {cell.num_unscored} was scored"
    held = "scores are equal in" if cell.kind == "same" else "honest wins"
    return (
        f"{cell.attack} in {cell.lang}: {held} {100 * cell.share:.1f} % of {cell.num_pairs} pairs, "
        f"{100 * least:g} % are asked for"
    )
