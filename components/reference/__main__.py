"""Sample the English pivot k times a question, vote, and write references and labels; in rounds, where asked for.

Reads questions of train, calibration and validation, never of test, and the worked examples to choose from. Writes
data/reference/samples.jsonl (every response), data/reference/references.jsonl and the quality report
metrics/reference.json. Run: `python -m components.reference`.
"""

from collections.abc import Sequence
from pathlib import Path

from components.contracts import ContractError, ModelEntry, PipelineError, Question, Sample, write_records
from components.stage import StageRun, run_stage

SPLITS = ("train", "calibration", "validation")
PROBLEMS = Path("data/problems")
SHOTS = PROBLEMS / "pivot_shots.jsonl"
SAMPLES = Path("data/reference/samples.jsonl")
REFERENCES = Path("data/reference/references.jsonl")


def work(run: StageRun) -> None:
    """Ask, with every answer kept as soon as it is there; then vote."""
    from components.contracts import read_manifest
    from components.journal import Journal
    from components.questions import read_questions
    from components.reference.nearest import nearest_shots
    from components.reference.quality import quality
    from components.reference.rounds import Asks, ask_in_rounds
    from components.reference.served import ServedPivot
    from components.reference.vote import Pivot

    params, manifest = run.params, read_manifest()
    questions = [q for split in SPLITS for q in read_questions(PROBLEMS / f"{split}.jsonl") if q.lang == "en"]
    _check_problems(questions)
    shots = [q for q in read_questions(SHOTS) if q.lang == "en" and q.solution]
    examples = nearest_shots([q.asked for q in questions], shots, params.reference.num_shots)
    asked = list(zip(questions, examples, strict=True))
    asks: Asks
    if isinstance(manifest.pivot, ModelEntry):
        from components.reference.local import LocalPivot

        journal = Journal(run.name, run.fingerprint())
        run.when_done(journal.close)
        asks = LocalPivot(manifest.pivot, params, journal)
    else:
        asks = ServedPivot(manifest.pivot, params)
        run.when_done(asks.release)
    pivot = Pivot(manifest.pivot.name, manifest.self_pivot)
    samples, references, made = ask_in_rounds(asks, asked, params.reference, pivot)
    write_records(SAMPLES, samples)
    write_records(REFERENCES, references)
    if not any(reference.kept for reference in references):
        raise PipelineError(
            f"{SAMPLES}: none of {len(samples)} samples made a reference ({_why(samples)}); change `reference` in "
            "params.yaml: max_new_tokens, min_agreement or use_every_number"
        )
    run.metrics = quality(questions, references, samples, params.reference)
    run.metrics["kept_by_round"] = {str(number): kept for number, kept in enumerate(made, 1)}
    run.say(_told(run, "self-pivot" if pivot.is_policy else "pivot"))


def _check_problems(questions: Sequence[Question]) -> None:
    first: dict[str, str] = {}
    for question in questions:
        split = first.setdefault(question.problem_id, question.split)
        if split != question.split:
            problem = f"problem `{question.problem_id}` is in the splits {split} and {question.split}"
            raise ContractError(f"{PROBLEMS}: {problem}; a problem belongs to one split")


def _why(samples: Sequence[Sample]) -> str:
    cut, unread = sum(s.truncated for s in samples), sum(s.answer is None for s in samples)
    return f"{cut} were cut off, {unread} have no readable answer"


def _told(run: StageRun, who: str) -> str:
    numbers = run.metrics
    kept = f"{who}: kept {numbers['num_kept']} of {numbers['num_references']} references"
    if numbers["kept_correct_share"] is None:
        return f"{kept}; none of them has a known gold answer"
    right = f"{numbers['kept_correct_share']:.0%} of {numbers['num_kept_with_gold']}"
    return f"{kept}; of those with a known gold {right} have it"


if __name__ == "__main__":
    run_stage("reference", work)
