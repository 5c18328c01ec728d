"""What share of what RAFT learned is right by the gold answers: of each arm that `make compare` trained.

Run: `python -m bench.lessons`. Lessons in the trained languages, not the English references beside them. Nothing in
training knows this figure: a user has no gold answers.
"""

from pathlib import Path

from rich.table import Table

from components.answers import verify
from components.params import load_params
from components.progress import print_wide
from components.questions import read_questions

LESSONS = "*/rate-*/completions.parquet"


def main() -> None:
    """Print a line an arm, seed and learning rate that learned lessons in the trained languages."""
    import pandas as pd

    trained = load_params().base.trained_languages
    gold = {q.problem_id: q.answer for q in read_questions(Path("data/problems/train.jsonl"))}
    table = Table("arm, seed and rate", "lessons", "right, %", *trained)
    for path in sorted(Path("data/compare").glob(LESSONS)):
        rows = pd.read_parquet(path)
        if "response" not in rows:  # of RL: every rollout, not lessons
            continue
        rows = rows[rows["lang"].isin(trained)]
        judged = (
            verify(own["response"], gold[own["problem_id"]] or "", own["lang"]) for own in rows.to_dict("records")
        )
        right = [verdict.correct is True for verdict in judged]
        by_lang = rows.assign(right=right).groupby("lang")["right"].mean()
        if len(rows):
            shares = [f"{100 * by_lang[lang]:.0f}" if lang in by_lang else "–" for lang in trained]
            name = f"{path.parts[-3]} {path.parts[-2]}"
            table.add_row(name, str(len(rows)), f"{100 * sum(right) / len(right):.0f}", *shares)
    print_wide(table)


if __name__ == "__main__":
    main()
