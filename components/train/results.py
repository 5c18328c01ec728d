"""What a training leaves: adapter, curve, the responses it learned from, metrics."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from components.stage import StageRun
from components.train.callbacks import write_curve
from components.train.validation import Validation


@dataclass(frozen=True)
class Outputs:
    """Where a training leaves what it made."""

    warmup: Path = Path("adapters/warmup")
    trained: Path = Path("adapters/trained")
    completions: Path = Path("data/train/completions.parquet")
    curve: Path = Path("plots/train.csv")


def write_outputs(
    run: StageRun,
    history: list[dict[str, Any]],
    validation: Validation,
    work: Path,
    outputs: Outputs,
    raft: Mapping[str, float | None],
) -> None:
    """Choose the checkpoint on validation; write adapter, curve and what was learned from, and fill the metrics.

    Args:
        raft: Metrics of RAFT's rollouts and lessons, which the trainer's log does not know of.
    """
    best, epochs = validation.best_step(), run.params.train.epochs
    shutil.copytree(work / "candidates" / f"step-{best}", outputs.trained, dirs_exist_ok=True)
    write_curve(outputs.curve, history, validation.history, epochs)
    outputs.completions.parent.mkdir(parents=True, exist_ok=True)
    _learned_from(work, epochs).to_parquet(outputs.completions, index=False)
    run.log_artifact(outputs.completions)
    updates = [entry for entry in history if "loss" in entry]
    steps = [entry for entry in history if "reward" in entry]  # of RL: each one's first pass over its rollouts
    tail = steps[-max(1, len(steps) // 5) :]
    run.metrics = {
        "method": run.params.train.method,
        "steps": max(int(entry["step"]) for entry in updates) // epochs,
        "chosen_step": best,
        "validation": {str(step): scores["macro"] for step, scores in sorted(validation.history.items())},
        "reward_first_fifth": _mean(steps[: max(1, len(steps) // 5)], "reward"),
        "reward_last_fifth": _mean(tail, "reward"),
        "zero_signal_share": _mean(steps, "frac_reward_zero_std"),
        "truncated_share": _mean(steps, "completions/clipped_ratio"),
        "logp_difference_mean": _mean(steps, "sampling/logp_difference_mean"),
        "skipped_steps": max(entry.get("faults/skipped_steps", 0.0) for entry in updates),  # since the last resumption
        # any: not bit-for-bit repeatable
        "out_of_memory_retries": max(entry.get("faults/retries", 0.0) for entry in updates),
        "tokens_sampled": sum(value for entry in steps for key, value in entry.items() if key.startswith("tokens/")),
        "tokens_learned": sum(entry.get("tokens_learned", 0) for entry in updates),
        "step_seconds_mean": _mean(steps or updates, "step_time"),
    } | dict(raft)
    run.say(f"step {best} chosen on validation: {validation.history[best]['macro']:.3f} "
            f"(warm-up {validation.history[0]['macro']:.3f})")  # fmt: skip


def _learned_from(work: Path, epochs: int) -> pd.DataFrame:
    """RL's completions, or the lessons of supervised steps."""
    if (work / "lessons.parquet").is_file():
        return pd.read_parquet(work / "lessons.parquet")
    tables = sorted((work / "rl" / "completions").glob("*.parquet"))
    first_passes = [table for table in tables if int(table.stem.rpartition("_")[2]) % epochs == 1 % epochs]
    return pd.concat([pd.read_parquet(table) for table in first_passes], ignore_index=True)


def _mean(entries: list[dict[str, Any]], key: str) -> float | None:
    """Over the steps that have it: one that nothing could score has no reward, one without signal no distance."""
    known = [entry[key] for entry in entries if entry.get(key) is not None]
    return float(sum(known) / len(known)) if known else None
