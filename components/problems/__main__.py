"""Write the questions of each split to data/problems/{split}.jsonl: built ones, or those of outside sources.

Reads `base` and `problems` of params.yaml, and the files that they name. Run: `python -m components.problems`.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.contracts import Question, write_records
from components.journal import Journal, kept_journal
from components.lang import language
from components.problems.assemble import assemble
from components.problems.build import SPLITS
from components.questions import read_questions
from components.stage import StageRun, run_stage
from components.translation.translator import SERVED

FOLDER = Path("data/problems")


def work(run: StageRun) -> None:
    """Assemble, write, and check what was written."""
    params = run.params
    for lang in params.base.languages:
        language(lang)  # answers cannot be read in a language outside the table: told now, not after an hour
    translator = params.problems.translator
    if translator.startswith(SERVED):
        journal = kept_journal("translations", translator.removeprefix(SERVED))
        run.when_done(journal.release)
    else:
        journal = Journal(run.name, run.fingerprint())
        run.when_done(journal.close)
    assembled = assemble(params.problems, params.base, journal)
    for note in assembled.notes:
        run.say(note)
    for split in SPLITS:
        path = FOLDER / f"{split}.jsonl"
        write_records(path, (question for question in assembled.questions if question.split == split))
        read_questions(path)
    dropped = {split: reasons.total() for split, reasons in assembled.dropped.items()}
    run.metrics = summarise(assembled.questions) | {"dropped": dropped}


def summarise(questions: Sequence[Question]) -> dict[str, Any]:
    """Counts of problems (over all languages one each) and of questions."""
    problems = {question.problem_id: question for question in questions}.values()
    steps = (problem.num_steps for problem in problems)
    return {
        "num_problems": dict(Counter(problem.split for problem in problems)),
        "num_questions": len(questions),
        "sources": dict(Counter(problem.source for problem in problems)),
        "families": dict(Counter(problem.family for problem in problems)),
        "num_steps": dict(Counter("unknown" if count is None else str(count) for count in steps)),
        "num_unseen_test_problems": sum(problem.unseen_family for problem in problems),
        "num_unknown_answers": sum(problem.answer is None for problem in problems),
        "translated": dict(Counter(question.lang for question in questions if question.translated_by)),
        "max_solution_chars": max((len(question.solution or "") for question in questions), default=0),
    }


if __name__ == "__main__":
    run_stage("problems", work)
