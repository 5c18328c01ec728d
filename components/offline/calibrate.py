"""`pb-rlsvr calibrate`: fit and measure the rewards on anybody's rollouts, without a policy."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.comparison.compare import LabelSource, Settings, compare_rewards
from components.comparison.honest import is_right
from components.comparison.keep import keep
from components.comparison.shown import print_comparison
from components.contracts import PipelineError, fingerprint, write_json
from components.encoding import Encoder
from components.offline.rows import (
    ReferenceRow,
    RolloutRow,
    answers_of,
    choose,
    columns_of,
    read_references,
    read_rollouts,
    winning,
    with_choices,
)
from components.reward.bank import make_bank
from components.reward.setup import RewardSetup

METRICS = "metrics.json"


def calibrate_file(
    references: Path, rollouts: Path, folder: Path, setup: RewardSetup, *, every_reward: bool = False
) -> None:
    """Fit the hybrid, measure it and its terms, print the table, and write all into `folder`.

    Labels, in this order: the column `correct`; else the vote of half B, where a problem has two references or more
    (the first, third, ... are half A, which responses are compared with; the others are half B); else there are none
    that the terms have not seen, and the hybrid keeps its fixed weights.

    Args:
        every_reward: Measure also those that no hybrid is made of (`components.comparison.compare.OTHERS`).

    Raises:
        ContractError: A file or a row is not as `components.offline.rows` says.
        PipelineError: No rollout has a reference, or a reward's model does not load.
    """
    rows = read_rollouts(rollouts)
    samples = with_choices(read_references(references), rows)
    halves = {problem: (own[0::2], own[1::2]) for problem, own in samples.items()}
    known = [row for row in rows if row.problem_id in samples]
    if not known:
        raise PipelineError(f"{rollouts}: no rollout has a problem_id of {references}")
    source, labels = _labels(known, halves)
    chosen = {
        problem: choose(halves[problem][0] if source == "half B vote" else own) for problem, own in samples.items()
    }
    bank = make_bank(Encoder(setup.encoder), [reference.text for reference in chosen.values()])
    columns, problems = columns_of(known, chosen), [str(row.problem_id) for row in known]
    settings = Settings(with_others=every_reward)
    compared = compare_rewards(columns, problems, {source: labels} if source else {}, source, setup, bank, settings)
    inputs = {"references": fingerprint({}, [references]), "rollouts": fingerprint({}, [rollouts])}
    keep(folder, compared, source, setup, bank, inputs)
    write_json(folder / METRICS, {**compared.metrics, "num_without_reference": len(rows) - len(known)})
    print_comparison(compared.metrics)


def _labels(
    rows: Sequence[RolloutRow], halves: dict[Any, tuple[list[ReferenceRow], list[ReferenceRow]]]
) -> tuple[LabelSource | None, list[bool | None]]:
    if any(row.correct is not None for row in rows):
        return "correct column", [row.correct for row in rows]
    votes = {problem: winning(answers_of(half_b)) for problem, (_, half_b) in halves.items()}
    if not any(votes.values()):
        return None, []
    return "half B vote", [_agrees(row, votes[row.problem_id]) for row in rows]


def _agrees(row: RolloutRow, answer: str | None) -> bool | None:
    return None if answer is None else is_right(row.text, row.lang, answer, row.choices or ())
