"""Evaluate the three systems on `test`, every sample kept.

Same worked examples, same decoding, same questions for all systems; only the adapter differs. Nothing is chosen here.
Writes data/evaluate/predictions.parquet. Run: `python -m components.evaluate`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.contracts import Prediction, Question, write_table
from components.contracts.records import System
from components.evaluate.figures import accuracies, shares
from components.stage import StageRun, run_stage

PREDICTIONS = Path("data/evaluate/predictions.parquet")
ADAPTERS: dict[System, Path | None] = {
    "base": None,
    "warmup": Path("adapters/warmup"),
    "trained": Path("adapters/trained"),
}
MAX_CUT_OFF = 0.1
"""Share of a system's responses, above which its accuracy says more about the limit than about the model."""


def work(run: StageRun) -> None:
    """One system after the other."""
    from components.evaluate.predict import PROBLEMS, answers
    from components.journal import Journal
    from components.progress import Progress
    from components.questions import read_questions

    journal = Journal(run.name, run.fingerprint())
    run.when_done(journal.close)
    questions = read_questions(PROBLEMS / "test.jsonl")
    rows: list[Prediction] = []
    with Progress("evaluate", len(questions) * len(ADAPTERS)) as progress:
        for system, adapter in ADAPTERS.items():
            rows += answers(run.params, journal, system, adapter, questions, progress)
    write_table(PREDICTIONS, rows, Prediction)
    run.metrics = summarise(rows, questions)
    for system in ADAPTERS:
        cut = sum(row.truncated for row in rows if row.system == system) / (len(rows) / len(ADAPTERS))
        if cut > MAX_CUT_OFF:
            run.say(f"warning: {cut:.0%} of the responses of `{system}` were cut off: raise `evaluate.max_new_tokens`")
    num_ungraded = len({row.problem_id for row in rows if row.correct is None})
    if num_ungraded:
        num_problems = run.metrics["num_problems"]
        run.say(f"{num_ungraded} of {num_problems} test problems have no gold answer; they count in no accuracy")


def summarise(rows: Sequence[Prediction], questions: Sequence[Question]) -> dict[str, Any]:
    """Accuracies and shares by system and language, 0 to 1. Intervals are the report's.

    Accuracies are of the rows with a gold answer (None where there are none); `num_ungraded` counts the others.
    """
    metrics: dict[str, Any] = {"num_problems": len({q.problem_id for q in questions})}
    for system in ADAPTERS:
        metrics[system] = {}
        for lang in dict.fromkeys(row.lang for row in rows):
            own = [row for row in rows if row.system == system and row.lang == lang]
            metrics[system][lang] = {
                **accuracies(own),
                "num_ungraded": sum(row.correct is None for row in own),
                **shares(own),
            }
    return metrics


if __name__ == "__main__":
    run_stage("evaluate", work)
