"""Write the questions of each split to data/problems/{split}.jsonl: built ones, or a user's own.

Reads `base` and `problems` of params.yaml. Run: `python -m components.problems`.
"""

from collections import Counter
from pathlib import Path

from components.contracts import write_records
from components.lang import language
from components.problems.build import SPLITS, build_questions
from components.problems.own import read_own
from components.questions import read_questions
from components.stage import StageRun, run_stage

FOLDER = Path("data/problems")


def work(run: StageRun) -> None:
    """Build, write, and check what was written."""
    params = run.params
    for lang in params.base.languages:
        language(lang)  # answers cannot be read in a language outside the table: told now, not after an hour
    if params.problems.source == "built-in":
        questions = build_questions(params.problems, params.base)
    else:
        questions = read_own(Path(params.problems.source), params.base)
    for split in SPLITS:
        path = FOLDER / f"{split}.jsonl"
        write_records(path, (question for question in questions if question.split == split))
        read_questions(path)
    problems = {question.problem_id: question for question in questions}.values()
    run.metrics = {
        "num_problems": dict(Counter(problem.split for problem in problems)),
        "num_questions": len(questions),
        "families": dict(Counter(problem.family for problem in problems)),
        "num_unseen_test_problems": sum(problem.unseen_family for problem in problems),
        "max_solution_chars": max((len(question.solution or "") for question in questions), default=0),
    }


if __name__ == "__main__":
    run_stage("problems", work)
