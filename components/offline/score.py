"""`pb-rlsvr score`: one reward on anybody's rollouts."""

import json
import sys
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO

from components.comparison.parallel import Columns, in_order, in_pieces
from components.encoding import Encoder
from components.offline.rows import Chosen, RolloutRow, choose, columns_of, read_references, read_rollouts, with_choices
from components.params import RewardName
from components.reward.bank import ReferenceBank
from components.reward.build import make_reward
from components.reward.calibrated import CalibratedReward, load_reward
from components.reward.hybrid import HybridReward
from components.reward.setup import RewardSetup
from components.reward.terms import Reward, Terms
from components.reward.translation import TranslationReward

Explained = tuple[float | None, Terms, str | None]
"""A score, of a hybrid its terms, and why there is no score, where the reward itself says it."""


def score_file(
    name: RewardName, references: Path, rollouts: Path, setup: RewardSetup, calibration: Path | None, out: BinaryIO
) -> None:
    """Score every rollout, in order, and write `id`, `score`, and of a hybrid the terms that it is made of.

    A rollout that cannot be scored has `score` null and a `reason`; how many there are is told at the end.
    `encoder_declares` is false where the encoder does not know the rollout's language: what it says is not trusted.

    Args:
        calibration: Folder of a calibration: `hybrid` is then P(correct), and `margin` takes its bank.

    Raises:
        ContractError: A file or a row is not as `components.offline.rows` says.
        PipelineError: The setup lacks what the reward needs.
    """
    encoder = Encoder(setup.encoder)
    reward = named_reward(name, setup, encoder, calibration)
    rows = read_rollouts(rollouts)
    chosen = {problem: choose(own) for problem, own in with_choices(read_references(references), rows).items()}
    reasons: Counter[str] = Counter()
    scored = in_order(in_pieces(partial(explain, reward), columns_of(rows, chosen)))
    for row, (score, terms, why) in zip(rows, scored, strict=True):
        told = {"id": row.id, "score": score, **terms, "encoder_declares": encoder.declares(row.lang)}
        if score is None:
            reason = why or _reason(row, chosen, name)
            told["reason"] = reason
            reasons[reason] += 1
        out.write(json.dumps(told, ensure_ascii=False).encode() + b"\n")
    out.flush()
    for reason, count in reasons.most_common():
        print(f"pb-rlsvr: {rollouts}: {count} of {len(rows)} rollouts have no score: {reason}", file=sys.stderr)


def explain(reward: Reward, columns: Columns) -> list[Explained]:
    """Scores, of a hybrid with the terms that they are made of; of the calibrated one P(correct), without the gate."""
    if isinstance(reward, CalibratedReward):
        terms = reward.terms(**columns)
        return [
            (score, own, None) for score, own in zip(reward.probability(terms, columns["lang"]), terms, strict=True)
        ]
    if isinstance(reward, HybridReward):
        return [(score, own, None) for score, own in reward.explain(**columns)]
    if isinstance(reward, TranslationReward):
        asked = (columns[name] for name in ("completions", "lang", "reference_text"))
        return [(score, {}, why) for score, why in reward.explain(*asked)]
    return [(score, {}, None) for score in reward(**columns)]


def named_reward(name: RewardName, setup: RewardSetup, encoder: Encoder, calibration: Path | None) -> Reward:
    """The reward `name`, with what a calibration's folder has for it.

    Raises:
        PipelineError: The setup lacks what the reward needs, or the folder is broken.
    """
    if name == "hybrid" and calibration is not None:
        return load_reward(calibration)
    return make_reward(name, setup, encoder, ReferenceBank.read(calibration) if calibration is not None else None)


def _reason(row: RolloutRow, chosen: Mapping[str | int, Chosen], name: RewardName) -> str:
    if name == "gold":
        return "no gold answer that can be checked"
    if row.problem_id not in chosen:
        return "no reference has its problem_id"
    return f"the reference has nothing that `{name}` compares with"
