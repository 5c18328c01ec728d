"""Measure training: steps of GRPO, ours against plain TRL, in turns in one run; writes bench/results/training.json.

Run by `make bench`, or alone: python -m bench.training. Each side is a process of its own (`bench.training_worker`), so
that each has its own peak of memory; while one takes a step the other waits. Options: `--sweep` adds ours alone against
group size, prompt and response length; `--stock-prompts` and `--stock-micro-batch` give stock fewer rollouts a step, or
more of them that learn together, than its defaults.
"""

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, Self

from bench.training_worker import PACKAGED, SIDES, read_arguments
from components.contracts import write_json
from components.environment import num_cores
from components.models.packaged import PACKAGED_MODEL
from components.models.resolve import resolve

RESULTS = Path("bench/results/training.json")
SWEEP = (
    {"group_size": 4}, {"group_size": 16}, {"prompt_tokens": 60}, {"prompt_tokens": 400}, {"new_tokens": 18},
    {"new_tokens": 88}, {"num_processes": 2},
)  # fmt: skip

Step = dict[str, float]


class Worker:
    """One side, a step at a time."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - of bench.training_worker
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.training_worker", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def step(self) -> Step:
        """Have it take a step.

        Raises:
            RuntimeError: It ended; what it said is on standard error.
        """
        into, out = self._process.stdin, self._process.stdout
        if into is None or out is None:  # never: both were asked for
            raise RuntimeError("the worker has no pipes")
        into.write("\n")
        into.flush()
        for line in out:
            if line.startswith("{"):
                told: Step = json.loads(line)
                return told
        raise RuntimeError(f"the worker ended with status {self._process.wait()}")


def main() -> None:
    """Print tables and write the results."""
    own, rest = _parser().parse_known_args()
    base = read_arguments(rest)
    resolve("policy", PACKAGED_MODEL, PACKAGED)  # made now where it is missing, not by both workers at once
    options = {key: value for key, value in vars(base).items() if key != "side"}
    stock = options | {"prompts": own.stock_prompts or base.prompts, "micro_batch": own.stock_micro_batch}
    stock["num_processes"] = 1
    steps = compare(options, stock)
    results = {"machine": _machine(), "ours": options, "stock": stock, "steps": steps}
    results["medians"] = {side: _medians(steps[side]) for side in SIDES}
    print(_table(results["medians"]))
    if own.sweep:
        results["sweep"] = [{"changed": change, **alone(options | change)} for change in SWEEP]
        print(_sweep_table(results["medians"]["ours"], results["sweep"]))
    write_json(RESULTS, results)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Other options (see bench.training_worker): --prompts, --group-size, --new-tokens, --steps, --dtype",
    )  # fmt: skip
    parser.add_argument("--sweep", action="store_true")
    parser.add_argument("--stock-prompts", type=int, help="prompts a step of stock's (default: as ours)")
    parser.add_argument("--stock-micro-batch", type=int, default=32, help="responses that learn together in stock")
    return parser


def compare(ours: dict[str, Any], stock: dict[str, Any]) -> dict[str, list[Step]]:
    """Steps of both sides in turns, each side's warm-up left out."""
    with Worker(side="ours", **ours) as one, Worker(side="stock", **stock) as other:
        turns = list(_told(ours["steps"], {"ours": one, "stock": other}))
    return {side: [turn[side] for turn in turns[1:]] for side in SIDES}


def alone(options: dict[str, Any]) -> Step:
    """Medians of our side by itself, over 2 steps after the warm-up."""
    with Worker(**(options | {"side": "ours", "steps": 2})) as worker:
        return _medians([turn["ours"] for turn in list(_told(2, {"ours": worker}))[1:]])


def _told(num_steps: int, workers: dict[str, Worker]) -> Iterator[dict[str, Step]]:
    for number in range(num_steps + 1):
        turn = {side: worker.step() for side, worker in workers.items()}
        print(f"step {number}:", *(f"{side} {t['step_s']:.1f} s" for side, t in turn.items()), file=sys.stderr)
        yield turn


def _medians(steps: list[Step]) -> Step:
    found = {key: median(step[key] for step in steps) for key in steps[0]}
    return found | {"rollouts_per_s": found["num_rollouts"] / found["step_s"]}


def _machine() -> dict[str, Any]:
    model = next((line for line in _lines("/proc/cpuinfo") if line.startswith("model name")), platform.processor())
    versions = {name: version(name) for name in ("torch", "transformers", "trl", "peft")}
    return {"date": datetime.now(UTC).date().isoformat(), "processor": model.split(":")[-1].strip(),
            "cores": num_cores(), **versions}  # fmt: skip


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines() if Path(path).is_file() else []


def _table(medians: dict[str, Step]) -> str:
    ours, stock = medians["ours"], medians["stock"]
    sampled = [side["num_rollouts"] / side["sampling_s"] for side in (ours, stock)]
    learned = [side["num_rollouts"] / side["learning_s"] for side in (ours, stock)]
    rows = [
        ("seconds a step", *(f"{side['step_s']:.1f}" for side in (ours, stock)), ""),
        ("rollouts a step", *(f"{side['num_rollouts']:.0f}" for side in (ours, stock)), ""),
        ("rollouts a second", *_pair(ours["rollouts_per_s"], stock["rollouts_per_s"])),
        ("sampled a second", *_pair(*sampled)),
        ("learned a second", *_pair(*learned)),
        ("peak memory, GB", *_pair(ours["peak_bytes"] / 1e9, stock["peak_bytes"] / 1e9)),
    ]
    body = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"| | ours | stock | ours / stock |\n| --- | --- | --- | --- |\n{body}"


def _pair(ours: float, stock: float) -> tuple[str, str, str]:
    return f"{ours:.2f}", f"{stock:.2f}", f"{ours / stock:.2f}"


def _sweep_table(base: Step, sweep: list[dict[str, Any]]) -> str:
    rows = [("as above", base), *((", ".join(f"{k} {v}" for k, v in s["changed"].items()), s) for s in sweep)]
    body = "\n".join(
        f"| {name} | {row['num_rollouts']:.0f} | {row['sampling_s']:.1f} | {row['learning_s']:.1f} | "
        f"{row['peak_bytes'] / 1e9:.1f} |"
        for name, row in rows
    )
    return (
        f"\n| ours | rollouts | sampling, s | learning, s | peak memory, GB |\n| --- | --- | --- | --- | --- |\n{body}"
    )


if __name__ == "__main__":
    main()
