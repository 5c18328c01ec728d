"""Sample the policy on calibration questions in every language and score the responses with every reward.

Weights of the hybrid are fixed for now (params.yaml, `reward`): this stage measures, it fits nothing. Writes
data/calibrate/scores.parquet and AUCs to metrics/calibrate.json and MLflow. Run: `python -m components.calibrate`.
"""

from pathlib import Path

from components.contracts import PipelineError, Question, Reference, ScoredResponse, read_records, write_table
from components.stage import StageRun, run_stage

PROBLEMS = Path("data/problems")
REFERENCES = Path("data/reference/references.jsonl")
SCORES = Path("data/calibrate/scores.parquet")


def work(run: StageRun) -> None:
    """One language at a time, each kept as soon as it is done."""
    from components.calibrate.audit import audit
    from components.calibrate.score import score_language
    from components.generation.manifest import read_manifest
    from components.generation.responder import Responder
    from components.generation.sampler import Decoding
    from components.journal import Journal
    from components.progress import track
    from components.questions import read_questions
    from components.reward.functions import HybridReward

    params, manifest = run.params, read_manifest()
    shots, questions = (
        read_questions(PROBLEMS / "shots.jsonl"),
        read_questions(PROBLEMS / "calibration.jsonl"),
    )
    references = {r.problem_id: r for r in read_records(REFERENCES, Reference) if r.kept}
    chosen = _problems_with_reference(questions, references, params.calibrate.num_problems, run)
    reward = HybridReward.from_params(params.reward)
    responder = Responder.load(manifest.policy, params.models.dtype, shots, params.sampling.batch_size)
    decoding = Decoding(params.sampling.max_new_tokens, params.sampling.temperature, params.sampling.top_k)
    journal = Journal(run.name, run.fingerprint())
    run.when_done(journal.close)
    rows: list[ScoredResponse] = []
    for lang in track(params.base.languages, "calibrate"):
        asked = [q for q in chosen if q.lang == lang]
        rows += journal.piece(
            lang,
            ScoredResponse,
            lambda asked=asked, lang=lang: score_language(  # type: ignore[misc]
                asked,
                references,
                responder,
                reward,
                decoding,
                params.calibrate.num_samples,
                params.base.seed,
                lang,
            ),
        )
    write_table(SCORES, rows, ScoredResponse)
    run.metrics = audit(rows, reward.embedding.encoder.languages)
    unknown = [lang for lang, entry in run.metrics["languages"].items() if not entry["encoder_declares"]]
    if unknown:
        run.say(f"warning: the encoder does not declare {', '.join(unknown)}; its scores there are marked, not trusted")
    num_without_gold = sum(row.correct is None for row in rows)
    if num_without_gold:
        run.say(f"{num_without_gold} of {len(rows)} responses have no gold answer; they count in no AUC or accuracy")
    macro = {name: value for name, value in run.metrics["auc_macro"].items() if value is not None}
    told = ", ".join(f"{name} {value:.3f}" for name, value in macro.items())
    run.say(f"macro AUC against the English gold: {told or 'none, because no language has right and wrong responses'}")


def _problems_with_reference(
    questions: list[Question], references: dict[str, Reference], num_problems: int, run: StageRun
) -> list[Question]:
    """Questions of the first `num_problems` problems that have a kept reference.

    Raises:
        PipelineError: None has one.
    """
    ids = [i for i in dict.fromkeys(q.problem_id for q in questions) if i in references]
    if not ids:
        raise PipelineError(
            f"{REFERENCES}: no calibration problem has a kept reference; lower `reference.min_agreement`, raise "
            "`reference.num_samples` or `problems.num_calibration`, or name a stronger pivot"
        )
    if len(ids) < num_problems:
        run.say(f"only {len(ids)} of {num_problems} calibration problems have a kept reference; these are used")
    chosen = set(ids[:num_problems])
    return [q for q in questions if q.problem_id in chosen]


if __name__ == "__main__":
    run_stage("calibrate", work)
