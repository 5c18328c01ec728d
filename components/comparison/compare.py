"""The comparison: every reward on the same responses, the hybrid's fit, and what each is worth against each label."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from components.calibration.advantages import compare, shifted, z_scored
from components.comparison.fit import TERMS, FitSettings, HybridFit, fit_hybrid
from components.comparison.measure import Bootstrap, baseline, measure_rewards
from components.comparison.scored import Costs, FloatArray, ScoredRow, column, timed_terms
from components.encoding import Encoder
from components.params import Params, RewardName
from components.reward.bank import ReferenceBank
from components.reward.build import make_terms
from components.reward.calibrated import CalibratedReward
from components.reward.hybrid import HybridReward
from components.reward.setup import NONE, RewardSetup
from components.reward.terms import Terms

LabelSource = Literal["half B vote", "gold", "correct column"]
Labels = Mapping[LabelSource, Sequence[bool | None]]
"""Whether each row is right, by who says so; None where that source does not know."""

MEASURED: tuple[RewardName, ...] = (
    "answer", "format", "numbers", "language", "repetition", "embedding", "margin", "steps", "hybrid_paper",
)  # fmt: skip
OTHERS = ("embedding", "margin", "hybrid_paper")
"""What no hybrid of ours is made of: rewards that embed the whole response."""
HYBRID_PARTS = ("answer", "numbers", "language", "repetition", "steps")
HIDDEN, CALIBRATED, CALIBRATED_HIDDEN = "hybrid_hidden", "calibrated", "calibrated_hidden"
"""The hybrid without a look at any answer, with fitted weights and map, and both."""

GIVEN = "given"
"""Status of weights that were fitted before, on other responses."""


@dataclass(frozen=True)
class Compared:
    """What came out."""

    rows: list[ScoredRow]
    """With the scores of every reward, of the fixed hybrids too."""
    probabilities: dict[str, FloatArray]
    """Of the calibrated hybrids (N,), by fits on other responses; NaN where there is none."""
    fit: HybridFit | None
    """Of the hybrid as the setup has it (answers hidden or not); None where none was made here."""
    metrics: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """How it is fitted and measured."""

    fit: FitSettings = field(default_factory=FitSettings)
    bootstrap: Bootstrap = field(default_factory=Bootstrap)
    advantage_std_floor: float = 0.1
    with_others: bool = True
    """Whether `OTHERS` are measured beside the hybrid and its terms."""

    @classmethod
    def from_params(cls, params: Params) -> "Settings":
        """As in params.yaml."""
        seed = params.base.seed
        return cls(
            FitSettings.from_params(params.calibrate, seed), Bootstrap(seed=seed), params.reward.advantage_std_floor
        )


def compare_rewards(
    columns: Mapping[str, Sequence[Any]],
    problem_ids: Sequence[str],
    labels: Labels,
    fit_on: LabelSource | None,
    setup: RewardSetup,
    bank: ReferenceBank,
    settings: Settings,
) -> Compared:
    """Score, fit the hybrid, and measure.

    Args:
        columns: Of TRL, with `completions`, `lang`, `reference_text`, `reference_answer`, N rows each.
        fit_on: The labels that the hybrid is fitted on; None where there are none that its terms have not seen.

    Raises:
        PipelineError: A reward's model does not load.
    """
    rows, costs = _score(columns, problem_ids, setup, bank, with_others=settings.with_others)
    fits, why_not = _fits(rows, labels[fit_on] if fit_on else None, settings.fit)
    chosen = fits.get(calibrated_name(setup))
    fit = chosen[0] if chosen else None
    probabilities = {name: own for name, (_, own) in fits.items()}
    metrics = {"weights": _told_weights(fit, why_not, fit_on), **_measure(rows, costs, labels, probabilities, settings)}
    return Compared(rows, probabilities, fit, metrics)


def compare_again(
    columns: Mapping[str, Sequence[Any]],
    problem_ids: Sequence[str],
    labels: Labels,
    calibrated: CalibratedReward | HybridReward,
    setup: RewardSetup,
    bank: ReferenceBank,
    settings: Settings,
) -> Compared:
    """The same on other responses, with the calibration that was made before; nothing is fitted to their labels but
    the maps of the other rewards, cross-fitted."""
    rows, costs = _score(columns, problem_ids, setup, bank, with_others=settings.with_others)
    probabilities: dict[str, FloatArray] = {}
    if isinstance(calibrated, CalibratedReward):
        given = calibrated.probability([row.terms for row in rows], [row.lang for row in rows])
        probabilities[calibrated_name(setup)] = np.array(given, dtype=float)
    metrics = {"weights": {"status": GIVEN}, **_measure(rows, costs, labels, probabilities, settings)}
    return Compared(rows, probabilities, None, metrics)


def _score(
    columns: Mapping[str, Sequence[Any]],
    problem_ids: Sequence[str],
    setup: RewardSetup,
    bank: ReferenceBank,
    *,
    with_others: bool,
) -> tuple[list[ScoredRow], Costs]:
    names = [name for name in MEASURED if with_others or name not in OTHERS]
    if setup.translator != NONE:
        names.append("translation")
    if setup.comet != NONE:
        names.append("comet")
    shown = setup.model_copy(update={"answers_hidden": False})  # hiding them is measured beside, from the same terms
    terms, costs = timed_terms(make_terms(shown, Encoder(setup.encoder), bank, names), columns)
    rows = [
        ScoredRow(problem, lang, {**row, **fixed_hybrids(setup, row)}, setup.is_in_language(row))
        for problem, lang, row in zip(problem_ids, columns["lang"], terms, strict=True)
    ]
    return rows, costs


def _measure(
    rows: Sequence[ScoredRow],
    costs: Costs,
    labels: Labels,
    probabilities: Mapping[str, FloatArray],
    settings: Settings,
) -> dict[str, Any]:
    """Figures against every kind of label that knows right and wrong responses."""
    scores = {name: column(rows, name) for name in rows[0].terms} | dict(probabilities)
    usable = {source: own for source, own in labels.items() if len(set(own) - {None}) == 2}
    return {
        "num_responses": len(rows),
        "labels": {
            source: {
                "rewards": measure_rewards(rows, own, scores, probabilities, settings.fit, settings.bootstrap),
                "answer_only": baseline(rows, own, scores["answer"], settings.fit),
            }
            for source, own in usable.items()
        },
        "cost_s_per_1000": _costs(costs, scores),
        "advantages": _advantages(rows, scores, settings.advantage_std_floor),
    }


def calibrated_name(setup: RewardSetup) -> str:
    """Which of the two calibrated hybrids is kept."""
    return CALIBRATED_HIDDEN if setup.answers_hidden else CALIBRATED


def fixed_hybrids(setup: RewardSetup, terms: Terms) -> dict[str, float | None]:
    """The fixed hybrid of scores that are there, with answers and without."""
    return {"hybrid": setup.combine(terms), HIDDEN: setup.combine({**terms, "answer": None})}


def _fits(
    rows: Sequence[ScoredRow], labels: Sequence[bool | None] | None, settings: FitSettings
) -> tuple[dict[str, tuple[HybridFit, FloatArray]], str | None]:
    """Both calibrated hybrids with their P(correct) (N,), NaN where a row has no label; or why there are none."""
    if labels is None:
        return {}, "not identifiable: one reference a problem, and no label that is independent of it"
    known = [i for i, label in enumerate(labels) if label is not None]
    if not known:
        return {}, "not identifiable: no response has a label"
    own, truth = [rows[i] for i in known], np.array([bool(labels[i]) for i in known])
    names = [name for name in TERMS if any(row.terms.get(name) is not None for row in own)]
    fits: dict[str, tuple[HybridFit, FloatArray]] = {}
    for kind, used in ((CALIBRATED, names), (CALIBRATED_HIDDEN, [name for name in names if name != "answer"])):
        try:
            fit = fit_hybrid(own, truth, used, settings)
        except ValueError as error:
            return {}, f"not identifiable: {error}"
        probability = np.full(len(rows), np.nan)
        probability[known] = fit.probability
        fits[kind] = fit, probability
    return fits, None


def _told_weights(fit: HybridFit | None, why_not: str | None, fit_on: LabelSource | None) -> dict[str, Any]:
    if fit is None:
        return {"status": why_not}
    weights = dict(zip(fit.weights.names, fit.weights.weights, strict=True))
    return {"status": "fitted", "on": fit_on, "by_term": weights, "num_questions": fit.weights.num_questions}


def _costs(costs: Costs, scores: Mapping[str, FloatArray]) -> dict[str, float]:
    """Seconds for 1,000 responses; of rewards that stand on others, with these."""
    calibrated = [name for name in TERMS if name in costs.seconds]
    made_of: dict[str, Sequence[str]] = {
        "format": ("answer", "format"),
        "margin": ("embedding", "margin"),
        "hybrid_paper": ("translation" if "translation" in costs.seconds else "embedding", "hybrid_paper"),
        "hybrid": HYBRID_PARTS,
        HIDDEN: HYBRID_PARTS,
        CALIBRATED: (*calibrated, "language"),
        CALIBRATED_HIDDEN: (*calibrated, "language"),
    }
    return {name: costs.per_1000(made_of.get(name, (name,))) for name in scores}


def _advantages(rows: Sequence[ScoredRow], scores: Mapping[str, FloatArray], floor: float) -> dict[str, Any]:
    """What shifting, z-scoring and calibrating change in each group's advantages, of embedding and hybrid.

    Nothing where no prompt has two responses: there are no groups.
    """
    langs = [row.lang for row in rows]
    groups = [f"{row.problem_id}/{row.lang}" for row in rows]
    if len(set(groups)) == len(groups):
        return {}
    told: dict[str, Any] = {}
    for name in [name for name in ("embedding", "hybrid") if name in scores]:
        raw = scores[name]
        others = {"shifted": shifted(raw, langs), "z_scored": z_scored(raw, langs)}
        if name == "hybrid" and CALIBRATED in scores:
            others[CALIBRATED] = scores[CALIBRATED]
        known = {key: own for key, own in others.items() if not np.isnan(raw + own).all()}
        changes = compare(raw, groups, known, floor=floor)
        told[name] = {key: {**change.model_dump(), "is_no_op": change.is_no_op} for key, change in changes.items()}
    return told
