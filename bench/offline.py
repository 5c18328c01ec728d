"""Measure `pb-rlsvr score` and `calibrate` on long rollouts in nine languages, such as a strong model writes.

Run alone: python -m bench.offline. Needs ../shared/data (NTREX-128). A reference is some sentences of English news and
an answer, 500 to 8,000 characters; its rollouts are the same sentences in each language, every third one with another
answer, every fifth with other sentences. `score` with fixed weights goes over all, `calibrate` over one half of the
problems, `score` with what it found over the other half; each is a command of its own, and the times include its start.
News are no mathematics: what is measured is time, not how good the reward is.
"""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.languages import DATA, NTREX
from components.lang import language

LANGUAGES = ("es", "fr", "de", "ru", "zh", "ja", "th", "sw", "bn")
NUM_PROBLEMS = 250
SHORTEST, LONGEST = 500, 8_000  # characters of a reference
Row = Mapping[str, Any]


def main() -> None:
    """Print a line a command."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        references, rollouts = made_up(random.Random(0))  # noqa: S311 - no secret
        halves = [[row for row in rollouts if row["problem_id"] % 2 == half] for half in (0, 1)]
        files = {"references": references, "all": rollouts, "first": halves[0], "second": halves[1]}
        for stem, rows in files.items():
            lines = [json.dumps(row, ensure_ascii=False) for row in rows]
            (folder / f"{stem}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"{len(rollouts)} rollouts, {sum(len(row['text']) for row in rollouts)} characters")
        calibration = str(folder / "calibration")
        total_s = _timed(folder, "score", "all")
        total_s += _timed(folder, "calibrate", "first", "--out", calibration)
        total_s += _timed(folder, "score", "second", "--calibration", calibration)
        print(f"together {total_s:.0f} s")


def made_up(rng: random.Random) -> tuple[list[Row], list[Row]]:
    """References and rollouts."""
    lines = {
        code: (DATA / "ntrex-128" / f"newstest2019-{NTREX[code]}.txt").read_text(encoding="utf-8").splitlines()
        for code in ("en", *LANGUAGES)
    }
    drawn = list(_drawn(lines["en"], rng))
    references = [
        {"problem_id": i, "text": _text(lines["en"], own, "en", i), "answer": str(i)} for i, own in enumerate(drawn)
    ]
    rollouts = []
    for i, own in enumerate(drawn):
        for place, lang in enumerate(LANGUAGES):
            right = (i + place) % 3 > 0
            told = drawn[i - 1] if (i + place) % 5 == 0 else own
            text = _text(lines[lang], told, lang, i if right else i + 1)
            rollouts.append(
                {"id": len(rollouts), "problem_id": i, "lang": lang, "text": text, "question": "", "correct": right}
            )
    return references, rollouts


def _drawn(english: Sequence[str], rng: random.Random) -> Iterator[Sequence[int]]:
    """Numbers of consecutive sentences, of a length in the wanted range that is drawn on a logarithmic scale."""
    for _ in range(NUM_PROBLEMS):
        wanted = SHORTEST * (LONGEST / SHORTEST) ** rng.random()
        first = last = rng.randrange(len(english) - 100)
        while sum(len(english[i]) for i in range(first, last)) < wanted:
            last += 1
        yield range(first, last)


def _text(lines: Sequence[str], chosen: Sequence[int], lang: str, answer: int) -> str:
    sentences = [lines[i].strip() for i in chosen]
    return "\n".join([*sentences, language(lang).answer_sentence.format(answer=answer)])


def _timed(folder: Path, command: str, rows: str, *options: str) -> float:
    started = time.perf_counter()
    subprocess.run(
        [Path(sys.executable).with_name("pb-rlsvr"), command, "--references", folder / "references.jsonl", *options,
         folder / f"{rows}.jsonl"],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    print(f"{command} on {rows}: {seconds:.0f} s", flush=True)
    return seconds


if __name__ == "__main__":
    main()
