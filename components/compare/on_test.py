"""One system's answers to the test, kept with what it is."""

from pathlib import Path

from components.compare import PREDICTIONS
from components.contracts import Prediction, fingerprint, write_table
from components.contracts.records import System
from components.evaluate.figures import shares
from components.evaluate.predict import PROBLEMS, answers
from components.journal import Journal
from components.progress import Progress
from components.questions import read_questions
from components.stage import StageRun


def answer_test(run: StageRun, system: System, adapter: Path | None, folder: Path) -> None:
    """Write `folder`/predictions.parquet and add shares to the run's metrics.

    It has a journal of its own: the training before it holds the stage's. The stage's fingerprint does not know which
    of an arm's learning rates was chosen, so the adapter's is in its key, too.
    """
    questions = read_questions(PROBLEMS / "test.jsonl")
    journal = Journal(f"{run.name}-test", fingerprint(run.fingerprint(), [adapter] if adapter else []))
    run.when_done(journal.close)
    with Progress(run.name, len(questions)) as progress:
        rows = answers(run.params, journal, system, adapter, questions, progress)
    write_table(folder / PREDICTIONS, rows, Prediction)
    run.metrics["test"] = {**shares(rows), "num_tokens": sum(row.num_tokens for row in rows)}
