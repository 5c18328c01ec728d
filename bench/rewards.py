"""What each reward tells apart on published English solutions of GSM8K: no translation is in the way, labels are gold.

Run alone: python -m bench.rewards. Needs ../shared/data (GSM8K). One model's solutions are the references (right in
56 %), three other models' are judged (right in 32 %). Beside the AUC over all: that among the responses whose answer
equals the reference's, and among the others. There the answer tells nothing: the rest is what the reward adds to it.
"""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from components.encoding import PACKAGED_ENCODER, Encoder
from components.reward.bank import make_bank
from components.reward.build import make_terms
from components.reward.setup import RewardSetup, semantic

SOLUTIONS = Path("../shared/data/gsm8k/example_model_solutions.jsonl.gz")
PIVOT = "175b_verification"
POLICIES = ("6b_finetuning", "6b_verification", "175b_finetuning")
REWARDS = ("answer", "numbers", "steps", "embedding", "margin", "repetition", "language")


def read_solutions() -> tuple[list[str], list[str], list[bool]]:
    """Responses, their references, and whether they are right."""
    with gzip.open(SOLUTIONS, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    pairs = [(row[policy], row[PIVOT]) for row in rows for policy in POLICIES]
    own, wanted = ([_text(pair[side]["solution"]) for pair in pairs] for side in (0, 1))
    return own, wanted, [bool(policy["is_correct"]) for policy, _ in pairs]


def _text(solution: str) -> str:
    """Without the calculator's marks, with an answer phrase."""
    return re.sub(r"<<.*?>>", "", solution).replace("\nA:", "\nThe answer is")


def main() -> None:
    """Print a table."""
    responses, references, correct = read_solutions()
    encoder = Encoder(PACKAGED_ENCODER)
    scorer = make_terms(RewardSetup(), encoder, make_bank(encoder, references), REWARDS)
    terms = scorer(completions=responses, lang=["en"] * len(responses), reference_text=references)
    right, answer = np.array(correct), np.array([row["answer"] == 1 for row in terms])
    scores: dict[str, list[Any]] = {name: [row[name] for row in terms] for name in REWARDS}
    scores["mean(steps, numbers), the hybrid's"] = [semantic(row) for row in terms]
    scores["mean(embedding, numbers)"] = [semantic({**row, "steps": row["embedding"]}) for row in terms]
    scores["hybrid"] = [RewardSetup().combine(row) for row in terms]
    print(f"{len(right)} responses, {right.mean():.0%} right; answer equals the reference's in {answer.mean():.0%}\n")
    print("| reward | AUC | answer equal | answer other |\n| --- | --- | --- | --- |")
    for name, values in scores.items():
        own = np.array([np.nan if value is None else value for value in values], dtype=float)
        cells = [_auc(own, right, rows) for rows in (np.ones(len(own), bool), answer, ~answer)]
        print(f"| {name} | {' | '.join(cells)} |")


def _auc(scores: Any, right: Any, rows: Any) -> str:  # noqa: ANN401
    known = rows & ~np.isnan(scores)
    return f"{roc_auc_score(right[known], scores[known]):.3f}"


if __name__ == "__main__":
    main()
