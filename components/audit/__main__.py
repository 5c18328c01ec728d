"""Sample the trained policy on validation problems, and measure again what `calibrate` measured before training.

Writes data/audit/scores.parquet and metrics/audit.json with a verdict: `passed` or `failed` against the English gold,
`unverified` without. It ends well whatever the verdict; the report says what follows from it.
Run: `python -m components.audit`.
"""

import json
from pathlib import Path

from components.contracts import Reference, ScoredResponse, read_records, write_table
from components.stage import StageRun, run_stage

PROBLEMS = Path("data/problems")
REFERENCES = Path("data/reference/references.jsonl")
CALIBRATION = Path("data/calibrate/calibration")
BEFORE = Path("metrics/calibrate.json")
ADAPTER = Path("adapters/trained")
SCORES = Path("data/audit/scores.parquet")


def work(run: StageRun) -> None:
    """Sample, compare, judge."""
    from components.audit.verdict import verdict
    from components.comparison.compare import Settings, compare_again
    from components.comparison.responses import columns_and_labels, pick, sample_policy, scored_responses
    from components.comparison.shown import print_comparison
    from components.questions import read_questions
    from components.reward.bank import ReferenceBank
    from components.reward.calibrated import load_reward
    from components.reward.setup import RewardSetup

    params = run.params
    references = {r.problem_id: r for r in read_records(REFERENCES, Reference)}
    asked = pick(read_questions(PROBLEMS / "validation.jsonl"), references, params.audit.num_problems, "validation")
    sampled = sample_policy(run, asked, params.audit.num_samples, ADAPTER)
    columns, labels = columns_and_labels(asked, sampled)
    setup, bank = RewardSetup.from_params(params.reward), ReferenceBank.read(CALIBRATION)
    problems = [row.problem_id for row in sampled]
    compared = compare_again(
        columns, problems, labels, load_reward(CALIBRATION), setup, bank, Settings.from_params(params)
    )
    write_table(SCORES, scored_responses(asked, sampled, compared, labels), ScoredResponse)
    print_comparison(compared.metrics)
    before = json.loads(BEFORE.read_text(encoding="utf-8"))
    found = verdict(before, compared.metrics, len(set(problems)), params.reward, params.audit)
    run.metrics = {**compared.metrics, **found}
    run.say(f"calibration {found['verdict']}" + "".join(f"; {reason}" for reason in found["reasons"]))


if __name__ == "__main__":
    run_stage("audit", work)
