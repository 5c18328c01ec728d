"""Measure evaluation: questions a second, ours against lm-evaluation-harness's `hf` backend, in turns in one run.

Run by `make bench`, which makes the harness's environment in .cache/harness, or alone: python -m bench.evaluation.
MGSM's first questions in both languages (needs ../shared/data), which each side is given at once: the same prompts with
eight worked examples, stops, batch size and limit of new tokens; float32, greedy, after a warm-up of two questions a
language. What is timed is from prompts to texts, loading left out. Writes bench/results/evaluation.json.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.benchmarks.answer import Answerer
from components.benchmarks.items import Item, make_items
from components.benchmarks.rows import read_rows
from components.benchmarks.setup import Setup, load_setup
from components.contracts import write_json
from components.environment import prepare_process
from components.generation.models import load_model, load_tokenizer
from components.generation.sampler import Decoding
from components.models.packaged import PACKAGED_MODEL
from components.models.resolve import resolve

HARNESS = Path(".cache/harness/bin/python")
MGSM = Path(__file__).resolve().parents[2] / "shared" / "data" / "mgsm"
PACKAGED = Path(".cache/packaged")
RESULTS = Path("bench/results/evaluation.json")
LANGUAGES = ("es", "th")
NUM_QUESTIONS, BATCH_SIZE, MAX_NEW_TOKENS, NUM_WARM_UP, NUM_TURNS = 16, 32, 96, 2, 2


class Harness:
    """The other side, a process."""

    def __init__(self, checkpoint: str) -> None:
        worker = Path(__file__).with_name("evaluation_harness.py")
        self._process = subprocess.Popen(
            [HARNESS, worker, checkpoint, str(BATCH_SIZE), str(MAX_NEW_TOKENS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._told()

    def answer(self, setup: Setup, items: Sequence[Item]) -> tuple[list[str], float]:
        """Texts and seconds."""
        until = [[stop.format_map(setup.words(item.lang)) for stop in setup.stop] for item in items]
        assert self._process.stdin is not None  # noqa: S101 - asked for above
        self._process.stdin.write(json.dumps({"prompts": [item.prompt for item in items], "until": until}) + "\n")
        self._process.stdin.flush()
        told = self._told()
        return told["texts"], told["seconds"]

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()

    def _told(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101 - asked for above
        for line in self._process.stdout:
            if line.startswith("{"):
                told: dict[str, Any] = json.loads(line)
                return told
        raise RuntimeError(f"the harness ended with status {self._process.wait()}; what it said is above")


def main() -> None:
    """Print the table and write the results."""
    if not HARNESS.is_file() or not MGSM.is_dir():
        print(f"bench.evaluation needs {HARNESS} (make bench) and {MGSM}", file=sys.stderr)
        raise SystemExit(1)
    prepare_process(offline=True)
    PACKAGED.parent.mkdir(exist_ok=True)
    entry = resolve("policy", PACKAGED_MODEL, PACKAGED)
    ours = Answerer("base", load_model(entry, "float32"), load_tokenizer(entry), BATCH_SIZE)
    setup = load_setup("mgsm_native_cot")
    harness = Harness(entry.path)
    items = [_items(setup, lang) for lang in LANGUAGES]
    warm_up = [item for own in items for item in own[:NUM_WARM_UP]]
    asked = [item for own in items for item in own[NUM_WARM_UP:]]
    _ours(ours, setup, warm_up)
    harness.answer(setup, warm_up)
    turns = []
    for _ in range(NUM_TURNS):
        texts, seconds = _ours(ours, setup, asked)
        theirs, harness_s = harness.answer(setup, asked)
        same = sum(a.strip() == b.strip() for a, b in zip(texts, theirs, strict=True))
        turns.append({"seconds": seconds, "harness_s": harness_s, "num": len(asked), "num_same": same})
    harness.close()
    print("| questions | ours, s | harness, s | times as many a second | same text |\n|" + " --- |" * 5)
    for turn in turns:
        print(
            f"| {turn['num']} | {turn['seconds']:.1f} | {turn['harness_s']:.1f} | "
            f"{turn['harness_s'] / turn['seconds']:.2f} | {turn['num_same']} |"
        )
    write_json(RESULTS, {"harness": _version(), "turns": turns})


def _items(setup: Setup, lang: str) -> list[Item]:
    rows, shots = read_rows(setup, MGSM, lang, "test").rows, read_rows(setup, MGSM, lang, "shots").rows
    return make_items(setup, lang, rows[: NUM_WARM_UP + NUM_QUESTIONS], shots, str(MGSM))


def _ours(answerer: Answerer, setup: Setup, items: Sequence[Item]) -> tuple[list[str], float]:
    started = time.perf_counter()
    samples = answerer.texts(setup, items, Decoding(MAX_NEW_TOKENS), 1)
    return [sample.response for sample in samples], time.perf_counter() - started


def _version() -> str:
    asked = [str(HARNESS), "-c", "from importlib.metadata import version; print(version('lm_eval'))"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
