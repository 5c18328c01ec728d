"""Search settings of RL: each goes on from one warm-up and is judged on development problems with gold answers.

These are built-in problems that no split of the pipeline holds: the last of each seen family's, where splits take the
first. Needs the pipeline's stages up to `calibrate` (`dvc repro calibrate`). Run: `python -m bench.learning [NAME ...]
[--seed N] [--fixed]`, one process a setting; what is done stays done. With `--fixed`, GRPO, RLOO and PPO learn from the
same rollouts in every setting: those of the warmed-up policy, drawn once (`bench/fixed_rollouts.py`). RAFT samples from
that policy alone whatever is asked. Rows are added to benchmarks/learning.jsonl; `--table` prints them.

A setting is values in place of those of params.yaml. Its last step is what is measured: a choice among steps on the
same problems would favour settings that waver.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from components.contracts import PipelineError, Question
from components.contracts.files import read_table, write_table, write_text
from components.params import Params
from components.stage import StageRun, Variant, run_stage

RESULTS = Path("benchmarks/learning.jsonl")
SCRATCH = Path(".checkpoints/learning")
NUM_OF_A_FAMILY = 12
"""Development problems; 8 families of one step, 5 languages: 480 questions. And 96 in English, measured apart."""
GOLD = {"reward.function": "gold"}
NARROW = {"train.prompts_per_step": 12, "train.group_size": 8}
WIDE = {"train.prompts_per_step": 16, "train.group_size": 8}
BROAD = {"train.prompts_per_step": 48, "train.group_size": 2}
"""As many rollouts as with 12 and 8, of four times as many questions."""
LONG = {"train.prompts_per_step": 24, "train.group_size": 2}
"""With `--steps 16` as many rollouts and questions as `BROAD` with 8, and twice the updates."""
ROUNDS = {**LONG, "train.raft_rounds": 2, "train.raft_hints": False}
"""With `--steps 16`; what has no good rollout is asked again,"""
HINTS = {**ROUNDS, "train.raft_hints": True}
"""and shown the English reference."""
MANY = {**HINTS, "train.prompts_per_step": 32}
"""A third more prompts."""
GRPO = {"train.method": "grpo", **NARROW}
RLOO = {"train.method": "rloo", **NARROW}
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "gold-raft-1e-4": {**GOLD, **NARROW, "train.learning_rate": 1e-4},
    "gold-raft-2e-4": {**GOLD, **NARROW, "train.learning_rate": 2e-4},
    "gold-raft-4e-4": {**GOLD, **NARROW, "train.learning_rate": 4e-4},
    "gold-grpo-2e-5": {**GOLD, **GRPO, "train.learning_rate": 2e-5},
    "gold-grpo-4e-5": {**GOLD, **GRPO, "train.learning_rate": 4e-5},
    "gold-grpo-1e-4": {**GOLD, **GRPO, "train.learning_rate": 1e-4},
    "gold-grpo-two-epochs-4e-5": {**GOLD, **GRPO, "train.learning_rate": 4e-5, "train.epochs": 2},
    "gold-grpo-wide-4e-5": {**GOLD, **GRPO, **WIDE, "train.learning_rate": 4e-5},
    "gold-grpo-wide-1e-4": {**GOLD, **GRPO, **WIDE, "train.learning_rate": 1e-4},
    "gold-rloo-4e-5": {**GOLD, **RLOO, "train.learning_rate": 4e-5},
    "hybrid-raft-1e-4": {**NARROW, "train.learning_rate": 1e-4},
    "hybrid-raft-2e-4": {**NARROW, "train.learning_rate": 2e-4},
    "hybrid-raft-alone-2e-4": {**NARROW, "train.learning_rate": 2e-4, "train.raft_english": False},
    "hybrid-raft-broad-1e-4": {**BROAD, "train.learning_rate": 1e-4},
    "hybrid-raft-broad-2e-4": {**BROAD, "train.learning_rate": 2e-4},
    "hybrid-raft-long-2e-4": {**LONG, "train.learning_rate": 2e-4},
    "hybrid-raft-rounds-2e-4": {**ROUNDS, "train.learning_rate": 2e-4},
    "hybrid-raft-hints-1e-4": {**HINTS, "train.learning_rate": 1e-4},
    "hybrid-raft-hints-2e-4": {**HINTS, "train.learning_rate": 2e-4},
    "hybrid-raft-hints-many-2e-4": {**MANY, "train.learning_rate": 2e-4},
    "hybrid-grpo-4e-5": {**GRPO, "train.learning_rate": 4e-5},
    "hybrid-grpo-wide-1e-4": {**GRPO, **WIDE, "train.learning_rate": 1e-4},
    "sft-2e-4": {"train.method": "sft", "train.learning_rate": 2e-4},
    "form-raft-broad-2e-4": {**BROAD, "reward.function": "form", "train.learning_rate": 2e-4},
    "shuffled-raft-broad-2e-4": {
        **BROAD,
        "train.shuffled_references": 1.0,
        "train.raft_min_reward": None,
        "train.learning_rate": 2e-4,
    },
}
COLUMNS = (
    "setting",
    "seed",
    "problems",
    "to the warm-up",
    "its steps",
    "of RL",
    "rollouts",
    "development",
    "over the warm-up",
    "English",
    "reward",
    "seconds a step",
)


def main() -> None:
    """Run what is asked for, a process each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SETTINGS)}; all without")
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--steps", type=int, default=8, help="of RL, for every setting")
    parser.add_argument("--fixed", action="store_true", help="the start's rollouts in every step of every setting")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)  # in this process
    parser.add_argument("--table", action="store_true", help="print what has been measured")
    asked = parser.parse_args()
    if unknown := [name for name in asked.names if name not in (*SETTINGS, "start")]:
        parser.error(f"no setting `{unknown[0]}`")
    if asked.table:
        print_table()
    elif asked.here:
        _run(asked.names[0], asked.seed, asked.steps, asked.fixed)
    else:
        for name in ["start", *(asked.names or SETTINGS)]:
            own = [sys.executable, "-m", "bench.learning", name, "--here"]
            fixed = ["--fixed"] if asked.fixed else []
            subprocess.run([*own, f"--seed={asked.seed}", f"--steps={asked.steps}", *fixed], check=True)
        print_table()


def print_table() -> None:
    """One line a measurement."""
    print(f"| {' | '.join(COLUMNS)} |")
    for row in _rows():
        gain, english = (_points(row.get(which)) for which in ("gain", "english"))
        accuracy = f"{100 * row['accuracy']:.1f}"
        reward = " → ".join("–" if value is None else f"{value:.3f}" for value in row["reward"])
        cells = (
            row["setting"],
            row["seed"],
            row.get("num_train", "–"),
            row.get("warmup_share", "–"),
            row["warmup_steps"],
            row["steps"],
            "fixed" if row["fixed"] else "own",
            accuracy,
            gain,
            english,
            reward,
            f"{row['step_seconds']:.0f}",
        )
        print(f"| {' | '.join(map(str, cells))} |")


def _points(gain: Mapping[str, float] | None) -> str:
    return "{mean:+.1f} [{low:+.1f}, {high:+.1f}]".format(**{k: 100 * v for k, v in gain.items()}) if gain else "–"


def _run(name: str, seed: int, steps: int, fixed: bool) -> None:
    folder = SCRATCH / f"{name}-{seed}"
    if name != "start":
        folder = SCRATCH / f"{name}-{seed}-{steps}{'-fixed' if fixed else ''}"
    if (folder / "answers.parquet").is_file():
        return
    values = {**SETTINGS.get(name, {}), "train.seed": seed, "train.steps": steps, "train.validate_every": steps}
    work = (
        partial(_start, folder=folder) if name == "start" else partial(_setting, folder=folder, name=name, fixed=fixed)
    )
    run_stage(f"learning/{folder.name}", work, Variant(Path("dvc.yaml"), "train", values))


def _start(run: StageRun, folder: Path) -> None:
    from components.train.recipe import warm_up_alone

    warm_up_alone(run, folder / "adapter")
    _answer_development(run, folder)


def _setting(run: StageRun, folder: Path, name: str, fixed: bool) -> None:
    from components.contracts import Prediction
    from components.statistics import Outcome, PairedBootstrap
    from components.train.recipe import train
    from components.train.results import Outputs

    start = SCRATCH / f"start-{run.params.train.seed}"
    outputs = Outputs(folder / "start", folder / "adapter", folder / "completions.parquet", folder / "curve.csv")
    with _rollouts_of(run.params, start) if fixed else nullcontext():
        train(run, outputs, start / "adapter")
    _answer_development(run, folder)
    rows = [
        Outcome(system, row.problem_id, row.lang, row.correct)
        for system, own in (("start", start), ("trained", folder))
        for row in read_table(own / "answers.parquet", Prediction)
        if row.correct is not None
    ]
    bootstrap = PairedBootstrap(rows, 2000, 0.95, run.params.base.seed)
    trained = run.params.base.trained_languages
    gain, english = (bootstrap.gain("trained", "start", langs) for langs in (trained, ["en"]))
    row = {
        "setting": name,
        "seed": run.params.train.seed,
        "steps": run.params.train.steps,
        "num_train": run.params.problems.num_train,
        "warmup_share": run.params.train.warmup_share,
        "warmup_steps": run.params.train.warmup_steps,
        "fixed": fixed,
        "values": dict(SETTINGS[name]),
        "accuracy": bootstrap.accuracy("trained", trained).mean,
        "gain": {"mean": gain.mean, "low": gain.low, "high": gain.high},
        "english": {"mean": english.mean, "low": english.low, "high": english.high},
        "reward": [
            run.metrics.get("rollouts_reward") or run.metrics["reward_first_fifth"],
            run.metrics["reward_last_fifth"],
        ],
        "step_seconds": run.metrics["step_seconds_mean"],
        "num_problems": len({row.problem_id for row in rows}),
    }
    write_text(RESULTS, "".join(json.dumps(own) + "\n" for own in (*_rows(), row)))


def _rollouts_of(params: Params, start: Path) -> AbstractContextManager[Any]:
    """Has training sample from `start` at every step."""
    from bench.fixed_rollouts import FixedRollouts
    from components.contracts import read_manifest
    from components.evaluate.predict import PROBLEMS
    from components.generation.responder import Responder
    from components.questions import read_questions
    from components.train.trainer import PivotGRPOTrainer

    shots = read_questions(PROBLEMS / "shots.jsonl")
    size = params.sampling.batch_size
    own = Responder.load(read_manifest().policy, params.models.dtype, shots, size, start / "adapter")

    def make(trainer: PivotGRPOTrainer, _sampler: str, batch_size: int) -> FixedRollouts:
        return FixedRollouts(own.model, trainer.prompt_format, trainer.decoding, batch_size, start / "rollouts")

    return patch.object(PivotGRPOTrainer, "_make_rollouts", make)


def _answer_development(run: StageRun, folder: Path) -> None:
    from components.contracts import Prediction
    from components.evaluate.predict import answers
    from components.journal import Journal
    from components.progress import Progress

    questions = _development_questions(run.params)
    journal = Journal(f"{run.name}-development", run.fingerprint())
    run.when_done(journal.close)
    with Progress(run.name, len(questions)) as progress:
        rows = answers(run.params, journal, "trained", folder / "adapter", questions, progress)
    write_table(folder / "answers.parquet", rows, Prediction)


def _development_questions(params: Params) -> list[Question]:
    from components.problems.build import SPLITS, ask, asked_families, draw_problems
    from components.questions import read_questions

    held = {q.problem_id for split in SPLITS for q in read_questions(Path(f"data/problems/{split}.jsonl"))}
    families = [family for family in asked_families(params.problems) if not family.unseen]
    problems = [p for f in families for p in list(draw_problems(f, params.base.seed))[-NUM_OF_A_FAMILY:]]
    langs = ["en", *params.base.trained_languages]
    questions = [ask(problem, "validation", lang) for problem in problems for lang in langs]
    if taken := [q.problem_id for q in questions if q.problem_id in held]:
        raise PipelineError(f"params.yaml: `problems`: the splits reach as far as {taken[0]}; ask for fewer")
    return questions


def _rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.is_file() else []


if __name__ == "__main__":
    main()
