"""Measure the answer reader: rows a second through `pb-rlsvr verify`'s own function, and cost against length.

Run by `make bench`, or alone: python -m bench.verifier. Times are of the process, on one core; files are read and
written as the command does it. The rows are the golden ones, and GSM8K's example solutions where ../shared/data is.
"""

import gzip
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from components.answers import read_answer, verify
from components.verify import verify_file

GOLDEN = Path(__file__).parents[1] / "tests" / "answers" / "golden"
SOLUTIONS = Path(__file__).resolve().parents[2] / "shared" / "data" / "gsm8k" / "example_model_solutions.jsonl.gz"
PIECES = [  # texts that are one of these over and over
    "1 234,5 - ", "answer is ", "answer is not 5 ", "\\boxed{", "\\boxed{2x} ", "12 = ", "- ", "1,", "{", "答案是一",
    "五百万", "one two ", "คำตอบคือหนึ่ง", "1/2/", "2万", "5 thousand ", "12 apples + ", "\\frac{1}{2}", "หนึ่ง", "\n1",
    "½", "x", "She has 12 + 5 = 17 apples. The answer is 17. ", "一共有十二个苹果。答案是12。",
]  # fmt: skip
LEAST_ROWS = 10_000
NUM_RUNS = 3


def golden_rows() -> list[dict[str, Any]]:
    """All golden rows that ask for a number."""
    rows = [row for path in sorted(GOLDEN.glob("*.json")) for row in json.loads(path.read_text(encoding="utf-8"))]
    return [{key: row[key] for key in ("lang", "text", "gold")} for row in rows if not row["gold"].isalpha()]


def gsm8k_rows() -> list[dict[str, Any]]:
    """Every example solution of four models to GSM8K's test questions; none where the data is not there."""
    if not SOLUTIONS.exists():
        return []
    with gzip.open(SOLUTIONS, "rt", encoding="utf-8") as lines:
        asked = [json.loads(line) for line in lines]
    return [
        {
            "lang": "en",
            "text": model["solution"],
            "gold": row["ground_truth"].rpartition("A:")[2].strip(),
            "is_correct": model["is_correct"],
        }
        for row in asked
        for model in row.values()
        if isinstance(model, dict)
    ]


def best_seconds(work: Callable[[], object]) -> float:
    """Shortest of `NUM_RUNS` runs, in seconds of this process."""
    seconds = []
    for _ in range(NUM_RUNS):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds)


def rows_a_second(rows: list[dict[str, Any]], with_language: bool) -> float:
    """Through files, repeated to at least `LEAST_ROWS` rows; tables and workers are loaded before."""
    rows = rows * (LEAST_ROWS // len(rows) + 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.jsonl")
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        for row in rows[: len(rows) // 2]:
            verify(row["text"], row["gold"], row["lang"])

        def run() -> None:
            with Path(folder, "out.jsonl").open("wb") as out:
                verify_file(path, out, with_language=with_language)

        return len(rows) / best_seconds(run)


def cost_ratios() -> dict[str, float]:
    """By piece: how much longer 100,000 characters take than 10,000, over some languages at most."""
    ratios = {}
    for piece in PIECES:
        long = (piece * 100_000)[:100_000]
        for lang in ("en", "zh", "th"):
            whole, part = (best_seconds(partial(read_answer, text, lang)) for text in (long, long[:10_000]))
            ratios[piece] = max(ratios.get(piece, 0), whole / part)
    return ratios


def main() -> None:
    """Print the figures."""
    for name, rows in (("golden number rows", golden_rows()), ("GSM8K example solutions", gsm8k_rows())):
        if rows:
            plain, whole = rows_a_second(rows, with_language=False), rows_a_second(rows, with_language=True)
            print(f"{name} ({len(rows)}): {plain:,.0f} rows a second with --no-language, {whole:,.0f} with language")
    ratios = cost_ratios()
    worst = max(ratios, key=ratios.__getitem__)
    middle = sorted(ratios.values())[len(ratios) // 2]
    told = f"{middle:.1f} times as much as 10,000, at most {ratios[worst]:.1f} times ({worst!r})"
    print(f"100,000 characters cost {told}, over {len(ratios)} kinds of text")


if __name__ == "__main__":
    main()
