"""Evaluate the three systems on `test`, every sample kept.

Same worked examples, same decoding, same questions for all systems; only the adapter differs. Nothing is chosen here.
Writes data/evaluate/predictions.parquet. Run: `python -m components.evaluate`.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from components.contracts import Prediction, Question, write_table
from components.contracts.records import System
from components.stage import StageRun, run_stage

PROBLEMS = Path("data/problems")
PREDICTIONS = Path("data/evaluate/predictions.parquet")
ADAPTERS: dict[System, Path | None] = {
    "base": None,
    "warmup": Path("adapters/warmup"),
    "trained": Path("adapters/trained"),
}


def work(run: StageRun) -> None:
    """A batch at a time, each kept as soon as it is done; languages come in turn, several of them in a batch."""
    from components.evaluate.predict import predict
    from components.generation.manifest import read_manifest
    from components.generation.responder import Responder
    from components.generation.sampler import Decoding
    from components.journal import Journal
    from components.progress import Progress
    from components.questions import read_questions

    params, manifest = run.params, read_manifest()
    shots, questions = read_questions(PROBLEMS / "shots.jsonl"), read_questions(PROBLEMS / "test.jsonl")
    decoding = Decoding(params.evaluate.max_new_tokens)
    journal = Journal(run.name, run.fingerprint())
    run.when_done(journal.close)
    size, trained = params.evaluate.batch_size, params.base.trained_languages
    by_lang = sorted(questions, key=lambda question: params.base.languages.index(question.lang))
    rows: list[Prediction] = []
    with Progress("evaluate", len(questions) * len(ADAPTERS)) as progress:
        for system, adapter in ADAPTERS.items():
            responder = Responder.load(manifest.policy, params.models.dtype, shots, size, adapter)
            for start in range(0, len(by_lang), size):
                asked = by_lang[start : start + size]
                answer = partial(predict, system, responder, asked, decoding, trained)
                rows += journal.piece(f"{system}-{start:06d}", Prediction, answer)
                progress.advance(len(asked), note=f"{system} {asked[-1].lang}")
    write_table(PREDICTIONS, rows, Prediction)
    run.metrics = summarise(rows, questions)
    num_ungraded = len({row.problem_id for row in rows if row.correct is None})
    if num_ungraded:
        num_problems = run.metrics["num_problems"]
        run.say(f"{num_ungraded} of {num_problems} test problems have no gold answer; they count in no accuracy")


def summarise(rows: Sequence[Prediction], questions: Sequence[Question]) -> dict[str, Any]:
    """Accuracy, truncated and in-language shares by system and language. Intervals are the report's.

    Accuracy is that of the rows with a gold answer (None where there are none); `num_ungraded` counts the others.
    """
    metrics: dict[str, Any] = {"num_problems": len({q.problem_id for q in questions})}
    for system in ADAPTERS:
        metrics[system] = {}
        for lang in dict.fromkeys(row.lang for row in rows):
            own = [row for row in rows if row.system == system and row.lang == lang]
            graded = [row.correct for row in own if row.correct is not None]
            metrics[system][lang] = {
                "accuracy": sum(graded) / len(graded) if graded else None,
                "num_ungraded": len(own) - len(graded),
                "truncated_share": sum(row.truncated for row in own) / len(own),
                "language_share": sum(row.language_share for row in own) / len(own),
            }
    return metrics


if __name__ == "__main__":
    run_stage("evaluate", work)
