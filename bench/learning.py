"""Search settings of RL: each goes on from one warm-up and is judged on `validation` with gold answers, never `test`.

Needs the pipeline's stages up to `calibrate` (`dvc repro calibrate`); more validation problems than the default's
(`problems.num_validation`) tell smaller differences. Run: `python -m bench.learning [NAME ...] [--seed N]`, one process
a setting; what is done stays done. Rows are added to benchmarks/learning.jsonl; `--table` prints them.

A setting is values in place of those of params.yaml. Its last step is what is measured: a choice among steps on the
same problems would favour settings that waver.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from components.contracts.files import read_table, write_table, write_text
from components.stage import StageRun, Variant, run_stage

RESULTS = Path("benchmarks/learning.jsonl")
SCRATCH = Path(".checkpoints/learning")
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "gold": {"reward.function": "gold"},
    "gold-1e-4": {"reward.function": "gold", "train.learning_rate": 1e-4},
    "gold-2e-4": {"reward.function": "gold", "train.learning_rate": 2e-4},
    "gold-4e-4": {"reward.function": "gold", "train.learning_rate": 4e-4},
    "gold-rloo-2e-4": {"reward.function": "gold", "train.learning_rate": 2e-4, "train.method": "rloo"},
    "gold-16x4-2e-4": {
        "reward.function": "gold",
        "train.learning_rate": 2e-4,
        "train.prompts_per_step": 16,
        "train.group_size": 4,
    },
    "gold-cool-2e-4": {"reward.function": "gold", "train.learning_rate": 2e-4, "sampling.temperature": 0.8},
}
COLUMNS = ("setting", "seed", "steps", "validation", "over the warm-up", "reward", "seconds a step")


def main() -> None:
    """Run what is asked for, a process each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SETTINGS)}; all without")
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--steps", type=int, default=8, help="of RL, for every setting")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)  # in this process
    parser.add_argument("--table", action="store_true", help="print what has been measured")
    asked = parser.parse_args()
    if unknown := [name for name in asked.names if name not in (*SETTINGS, "start")]:
        parser.error(f"no setting `{unknown[0]}`")
    if asked.table:
        print_table()
    elif asked.here:
        _run(asked.names[0], asked.seed, asked.steps)
    else:
        for name in ["start", *(asked.names or SETTINGS)]:
            own = [sys.executable, "-m", "bench.learning", name, "--here"]
            subprocess.run([*own, f"--seed={asked.seed}", f"--steps={asked.steps}"], check=True)
        print_table()


def print_table() -> None:
    """One line a measurement."""
    print(f"| {' | '.join(COLUMNS)} |")
    for row in _rows():
        gain = "{mean:+.1f} [{low:+.1f}, {high:+.1f}]".format(**{k: 100 * v for k, v in row["gain"].items()})
        accuracy, reward = f"{100 * row['accuracy']:.1f}", f"{row['reward'][0]:.3f} → {row['reward'][1]:.3f}"
        cells = (row["setting"], row["seed"], row["steps"], accuracy, gain, reward, f"{row['step_seconds']:.0f}")
        print(f"| {' | '.join(map(str, cells))} |")


def _run(name: str, seed: int, steps: int) -> None:
    folder = SCRATCH / f"{name}-{seed}" if name == "start" else SCRATCH / f"{name}-{seed}-{steps}"
    if (folder / "validation.parquet").is_file():
        return
    values = {**SETTINGS.get(name, {}), "base.seed": seed, "train.steps": steps, "train.validate_every": steps}
    work = partial(_start, folder=folder) if name == "start" else partial(_setting, folder=folder, name=name)
    run_stage(f"learning/{folder.name}", work, Variant(Path("dvc.yaml"), "train", values))


def _start(run: StageRun, folder: Path) -> None:
    from components.train.recipe import warm_up_alone

    warm_up_alone(run, folder / "adapter")
    _answer_validation(run, folder)


def _setting(run: StageRun, folder: Path, name: str) -> None:
    from components.contracts import Prediction
    from components.statistics import Outcome, PairedBootstrap
    from components.train.recipe import train
    from components.train.results import Outputs

    start = SCRATCH / f"start-{run.params.base.seed}"
    outputs = Outputs(folder / "start", folder / "adapter", folder / "completions.parquet", folder / "curve.csv")
    train(run, outputs, start / "adapter")
    _answer_validation(run, folder)
    rows = [
        Outcome(system, row.problem_id, row.lang, row.correct)
        for system, own in (("start", start), ("trained", folder))
        for row in read_table(own / "validation.parquet", Prediction)
        if row.correct is not None
    ]
    bootstrap = PairedBootstrap(rows, 2000, 0.95, run.params.base.seed)
    gain = bootstrap.gain("trained", "start", bootstrap.languages)
    row = {
        "setting": name,
        "seed": run.params.base.seed,
        "steps": run.params.train.steps,
        "values": dict(SETTINGS[name]),
        "accuracy": bootstrap.accuracy("trained", bootstrap.languages).mean,
        "gain": {"mean": gain.mean, "low": gain.low, "high": gain.high},
        "reward": [run.metrics["reward_first_fifth"], run.metrics["reward_last_fifth"]],
        "step_seconds": run.metrics["step_seconds_mean"],
        "num_problems": len({row.problem_id for row in rows}),
    }
    write_text(RESULTS, "".join(json.dumps(own) + "\n" for own in (*_rows(), row)))


def _answer_validation(run: StageRun, folder: Path) -> None:
    from components.contracts import Prediction
    from components.evaluate.predict import PROBLEMS, answers
    from components.journal import Journal
    from components.progress import Progress
    from components.questions import read_questions

    trained = run.params.base.trained_languages
    questions = [q for q in read_questions(PROBLEMS / "validation.jsonl") if q.lang in trained]
    journal = Journal(f"{run.name}-validation", run.fingerprint())
    run.when_done(journal.close)
    with Progress(run.name, len(questions)) as progress:
        rows = answers(run.params, journal, "trained", folder / "adapter", questions, progress)
    write_table(folder / "validation.parquet", rows, Prediction)


def _rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.is_file() else []


if __name__ == "__main__":
    main()
