"""Sample the English pivot k times a question, vote, and write references.

Reads questions of train, calibration and validation; never of test. Writes data/reference/references.jsonl.
Run: `python -m components.reference`.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from components.contracts import Question, Reference, write_records
from components.stage import StageRun, run_stage

SPLITS = ("train", "calibration", "validation")
PROBLEMS = Path("data/problems")
REFERENCES = Path("data/reference/references.jsonl")
PIECE = 64  # questions whose references are written together; a killed stage loses at most these


def work(run: StageRun) -> None:
    """Generate in pieces, each kept as soon as it is done."""
    from components.generation.journal import Journal
    from components.generation.models import read_manifest
    from components.generation.responder import Responder, seed_piece
    from components.generation.sampler import Decoding
    from components.progress import Progress
    from components.questions import read_questions
    from components.reference.vote import vote

    params, manifest = run.params, read_manifest()
    shots = read_questions(PROBLEMS / "shots.jsonl")
    paths = [PROBLEMS / f"{split}.jsonl" for split in SPLITS]
    questions = [q for path in paths for q in read_questions(path) if q.lang == "en"]
    responder = Responder.load(manifest.pivot, params.models.dtype, shots, params.sampling.batch_size)
    decoding = Decoding(params.sampling.max_new_tokens, params.reference.temperature, params.sampling.top_k)
    journal = Journal(run.name, run.fingerprint())
    run.when_done(journal.close)
    references: list[Reference] = []
    with Progress("reference", len(questions)) as progress:

        def answer(piece: Sequence[Question], key: str) -> list[Reference]:
            seed_piece(params.base.seed, f"reference/{key}")
            asked = [(q.question, "en") for q in piece]
            samples = responder.respond(asked, decoding, params.reference.num_samples, progress.advance)
            return [
                vote(q, rs, params.reference.min_agreement, manifest.pivot.name, manifest.self_pivot)
                for q, rs in zip(piece, samples, strict=True)
            ]

        for start in range(0, len(questions), PIECE):
            piece = questions[start : start + PIECE]
            key = f"{start:06d}"
            references += journal.piece(key, Reference, lambda piece=piece, key=key: answer(piece, key))  # type: ignore[misc]
            progress.advance(start + len(piece) - progress.count)  # those found in the journal
    write_records(REFERENCES, references)
    run.metrics = summarise(references)
    kept = run.metrics["kept_share"]
    right = run.metrics["kept_correct_share"]
    who = "self-pivot" if manifest.self_pivot else "pivot"
    run.say(
        f"{who}: kept {kept:.0%} of {len(references)} references; of these {right:.0%} have the English gold answer"
    )


def summarise(references: Sequence[Reference]) -> dict[str, float | dict[str, int]]:
    """Shares over all references, and why some were dropped."""
    kept = [r for r in references if r.kept]
    reasons = Counter("no readable answer" if r.answer is None else "low agreement" for r in references if not r.kept)
    return {
        "num_references": len(references),
        "kept_share": len(kept) / len(references),
        "correct_share": sum(bool(r.gold_correct) for r in references) / len(references),
        "kept_correct_share": sum(bool(r.gold_correct) for r in kept) / max(1, len(kept)),
        "agreement_mean": sum(r.agreement for r in references) / len(references),
        "num_tokens": sum(r.num_tokens for r in references),
        "dropped": dict(reasons),
    }


if __name__ == "__main__":
    run_stage("reference", work)
