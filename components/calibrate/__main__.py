"""Sample the policy on calibration questions, compare all rewards on them, fit the hybrid, attack the chosen reward.

Weights and maps are fitted on the vote of the pivot's half B, which no reward has seen; the English gold is reported
apart. Writes data/calibrate/calibration/ (for `load_reward`), data/calibrate/scores.parquet and metrics/calibrate.json,
and a run a reward to MLflow's experiment `reward-comparison`. Ends with an error, before any training, where the reward
that training would use loses to an attack. Run: `python -m components.calibrate`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.contracts import PipelineError, Reference, ScoredResponse, read_records, write_table
from components.stage import StageRun, run_stage

if TYPE_CHECKING:
    from components.comparison.responses import Asked

PROBLEMS = Path("data/problems")
REFERENCES = Path("data/reference/references.jsonl")
SCORES = Path("data/calibrate/scores.parquet")
CALIBRATION = Path("data/calibrate/calibration")


def work(run: StageRun) -> None:
    """One language at a time is sampled, each kept as soon as it is done; then everything is compared."""
    from components.comparison.compare import Settings, compare_rewards
    from components.comparison.keep import keep
    from components.comparison.responses import columns_and_labels, pick, sample_policy, scored_responses
    from components.comparison.shown import print_comparison
    from components.encoding import Encoder
    from components.questions import read_questions
    from components.reward.bank import make_bank
    from components.reward.setup import RewardSetup

    params = run.params
    references = {r.problem_id: r for r in read_records(REFERENCES, Reference)}
    questions = read_questions(PROBLEMS / "calibration.jsonl")
    asked = pick(questions, references, params.calibrate.num_problems, "calibration")
    sampled = sample_policy(run, asked, params.calibrate.num_samples)
    setup = RewardSetup.from_params(params.reward)
    texts = [reference.text or "" for reference in references.values() if reference.kept]
    bank = make_bank(Encoder(setup.encoder), texts)
    columns, labels = columns_and_labels(asked, sampled)
    compared = compare_rewards(
        columns, [row.problem_id for row in sampled], labels, "half B vote", setup, bank, Settings.from_params(params)
    )  # fmt: skip
    keep(CALIBRATION, compared, "half B vote", setup, bank, {"stage": run.fingerprint()})
    rows = scored_responses(asked, sampled, compared, labels)
    write_table(SCORES, rows, ScoredResponse)
    print_comparison(compared.metrics)
    run.metrics = {**compared.metrics, "languages": _languages(rows, Encoder(setup.encoder).declares)}
    run.log_rewards(compared.metrics)
    _attack(run, asked, rows)


def _languages(rows: list[ScoredResponse], declares: Callable[[str], bool]) -> dict[str, Any]:
    """Counts by language."""
    found = {}
    for lang in dict.fromkeys(row.lang for row in rows):
        own = [row for row in rows if row.lang == lang]
        graded = [row.correct for row in own if row.correct is not None]
        found[lang] = {
            "num_responses": len(own),
            "num_without_gold": len(own) - len(graded),
            "accuracy": sum(graded) / len(graded) if graded else None,
            "truncated_share": sum(row.truncated for row in own) / len(own),
            "in_language_share": sum(row.in_language for row in own) / len(own),
            "unscored": sum(row.hybrid is None for row in own),
            "encoder_declares": declares(lang),
        }
    return found


def _attack(run: StageRun, asked: "Asked", rows: list[ScoredResponse]) -> None:
    """Attack the reward that training would use, with answers as it sees them, and with answers hidden.

    Raises:
        PipelineError: An attack wins too often in a language that the encoder declares.
    """
    from components.attacks import audit, print_audit
    from components.comparison.honest import honest_responses
    from components.encoding import Encoder
    from components.reward.build import make_reward
    from components.reward.calibrated import training_reward
    from components.reward.setup import RewardSetup

    params = run.params
    honest = honest_responses(asked, rows)
    run.metrics["num_honest"] = len(honest.responses)
    run.metrics["num_wrong_references"] = honest.num_wrong_references
    run.metrics["num_misread"] = honest.num_misread
    if not honest.responses:
        run.say("no honest responses (worked solutions, right rollouts): the reward could not be attacked")
        return
    encoder = Encoder(params.reward.encoder)
    result = audit(honest.responses, training_reward(params.reward, encoder, CALIBRATION))
    run.metrics["attacks"] = result.to_dict()
    hidden = RewardSetup.from_params(params.reward).model_copy(update={"answers_hidden": True})
    run.metrics["attacks_hidden"] = audit(honest.responses, make_reward("hybrid", hidden, encoder)).to_dict()
    print_audit(result)
    covered = [lang for lang in result.languages if encoder.declares(lang)]
    limits = params.calibrate.min_wins_wrong, params.calibrate.min_wins_hollow
    failures = result.failures(*limits, covered)
    if failures:
        raise PipelineError(
            "\n".join([f"`{params.reward.function}` can be gamed, so nothing is trained with it:", *failures])
        )
    if covered:
        run.say(f"`{params.reward.function}` holds against every attack in {', '.join(covered)}")
    else:
        run.say("warning: the encoder declares none of these languages, so no attack was judged")


if __name__ == "__main__":
    run_stage("calibrate", work)
