"""The stage's steps in order, from references to adapters. Every long one resumes from `.checkpoints/train/`."""

import os
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import logging as transformers_logging

from components.contracts import ModelManifest
from components.encoding import Encoder
from components.generation.manifest import read_manifest
from components.generation.models import choose_device, choose_dtype, load_model, load_tokenizer
from components.generation.prompts import PromptFormat
from components.generation.responder import Responder
from components.generation.sampler import Decoding
from components.journal import Journal
from components.params import Params
from components.progress import Progress
from components.reward.calibrated import training_reward
from components.stage import StageRun
from components.train.callbacks import Candidates, Completions, LiveMetrics, StepsAlone, save_adapter, write_curve
from components.train.data import TrainingData, read_training_data
from components.train.folding import SamplingCopy
from components.train.grpo import run_grpo
from components.train.validation import Validation
from components.train.warmup import warm_up

CALIBRATION = Path("data/calibrate/calibration")


@dataclass(frozen=True)
class Outputs:
    """Where a training leaves what it made."""

    warmup: Path = Path("adapters/warmup")
    trained: Path = Path("adapters/trained")
    completions: Path = Path("data/train/completions.parquet")
    curve: Path = Path("plots/train.csv")


@dataclass(frozen=True)
class _Begun:
    """What is there before anything is trained."""

    manifest: ModelManifest
    data: TrainingData
    prompt_format: PromptFormat
    work: Path
    """Of unfinished work."""


def train(run: StageRun, outputs: Outputs = Outputs(), warmed_up: Path | None = None) -> None:
    """Warm up, run GRPO, choose the checkpoint, write the outputs.

    Args:
        warmed_up: An adapter to go on from in place of a warm-up; parameters without warm-up steps want none.
    """
    begun = _begin(run)
    _warm_up(run, begun, outputs.warmup, warmed_up if run.params.train.warmup_steps else None)
    policy, sampling_copy = _load_policy(run.params, begun.manifest, outputs.warmup)
    params, work = run.params, begun.work
    validation = Validation(begun.data.validation, Decoding(params.sampling.max_new_tokens), work / "validation.json")
    responder = Responder(sampling_copy.model, begun.prompt_format, params.sampling.batch_size)

    def measure(step: int) -> None:
        sampling_copy.refresh()
        scores = validation.measure(step, responder)
        run.log_metrics({f"validation/{lang}": score for lang, score in scores.items()}, step)

    if 0 not in validation.history:
        measure(0)
    save = partial(save_adapter, policy, base_name=begun.manifest.policy.name)
    candidates = Candidates(save, work / "candidates", params.train.validate_every, measure, params.train.epochs)
    encoder = Encoder(params.reward.encoder)
    with Progress("train: RL updates", params.train.steps * params.train.epochs) as progress:
        callbacks = [
            StepsAlone(encoder.forget),
            LiveMetrics(progress, "grpo", run.log_metrics),
            candidates,
            Completions(work / "grpo" / "completions", run.log_artifact),
        ]
        history = run_grpo(
            policy,
            sampling_copy,
            begun.prompt_format,
            begun.data.rollouts,
            training_reward(params.reward, encoder, CALIBRATION),
            params,
            work / "grpo",
            callbacks,
        )
    _write_outputs(run, history, validation, work, outputs)


def warm_up_alone(run: StageRun, folder: Path) -> None:
    """The warm-up's adapter and nothing else, into `folder`."""
    _warm_up(run, _begin(run), folder, None)


def _begin(run: StageRun) -> _Begun:
    transformers_logging.set_verbosity_error()
    params, manifest = run.params, read_manifest()
    data = read_training_data(params)
    # dtype, threads and device change the last digits of every product, so a checkpoint belongs to them
    device, dtype = choose_device().type, str(choose_dtype(params.models.dtype)).removeprefix("torch.")
    run.say(f"{device}, {dtype}, {torch.get_num_threads()} threads, OMP_WAIT_POLICY={os.environ['OMP_WAIT_POLICY']}")
    journal = Journal(run.name, f"{run.fingerprint()}-{torch.get_num_threads()}-{device}-{dtype}")
    run.when_done(journal.close)
    return _Begun(manifest, data, PromptFormat(load_tokenizer(manifest.policy), data.shots), journal.folder)


def _load_policy(params: Params, manifest: ModelManifest, warmup: Path) -> tuple[Any, SamplingCopy]:
    """The trainable policy, starting from the warm-up's adapter, and the copy that rollouts come from."""
    torch.manual_seed(params.base.seed)
    policy: Any = PeftModel.from_pretrained(load_model(manifest.policy, params.models.dtype), warmup, is_trainable=True)
    policy.active_peft_config.base_model_name_or_path = manifest.policy.path  # peft looks there when it saves
    copy: Any = load_model(manifest.policy, params.models.dtype)
    return policy, SamplingCopy(policy, copy)


def _warm_up(run: StageRun, begun: _Begun, folder: Path, warmed_up: Path | None) -> None:
    """The warm-up's adapter into `folder`: `warmed_up`, one made now, or that of an interrupted run."""
    done = begun.work / "warmup-done"
    if warmed_up is not None:
        shutil.copytree(warmed_up, folder, dirs_exist_ok=True)
        return
    if not done.is_dir():
        _make_warmup(run, begun, done)
    shutil.copytree(done, folder, dirs_exist_ok=True)


def _make_warmup(run: StageRun, begun: _Begun, done: Path) -> None:
    train, manifest, work = run.params.train, begun.manifest, begun.work
    torch.manual_seed(run.params.base.seed)
    config = LoraConfig(
        r=train.lora_rank, lora_alpha=train.lora_alpha, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    policy: Any = get_peft_model(load_model(manifest.policy, run.params.models.dtype), config)
    with Progress("train: warm-up steps", train.warmup_steps) as progress:
        if train.warmup_steps > 0:
            live, seed = LiveMetrics(progress, "warmup", run.log_metrics), run.params.base.seed
            warm_up(policy, begun.prompt_format, begun.data.english, train, seed, work / "warmup", live)
    save_adapter(policy, work / "warmup-saving", manifest.policy.name)
    (work / "warmup-saving").rename(done)


def _write_outputs(
    run: StageRun, history: list[dict[str, Any]], validation: Validation, work: Path, outputs: Outputs
) -> None:
    best, epochs = validation.best_step(), run.params.train.epochs
    shutil.copytree(work / "candidates" / f"step-{best}", outputs.trained, dirs_exist_ok=True)
    write_curve(outputs.curve, history, validation.history, epochs)
    outputs.completions.parent.mkdir(parents=True, exist_ok=True)
    tables = sorted((work / "grpo" / "completions").glob("*.parquet"))
    tables = [table for table in tables if int(table.stem.rpartition("_")[2]) % epochs == 1 % epochs]  # first passes
    pd.concat([pd.read_parquet(table) for table in tables], ignore_index=True).to_parquet(
        outputs.completions, index=False
    )
    run.log_artifact(outputs.completions)
    steps = [entry for entry in history if "reward" in entry]
    tail = steps[-max(1, len(steps) // 5) :]
    run.metrics = {
        "steps": len(steps),
        "chosen_step": best,
        "validation": {str(step): scores["macro"] for step, scores in sorted(validation.history.items())},
        "reward_first_fifth": _mean(steps[: max(1, len(steps) // 5)], "reward"),
        "reward_last_fifth": _mean(tail, "reward"),
        "zero_signal_share": _mean(steps, "frac_reward_zero_std"),
        "truncated_share": _mean(steps, "completions/clipped_ratio"),
        "logp_difference_mean": _mean(steps, "sampling/logp_difference_mean"),
        "skipped_steps": max(entry["faults/skipped_steps"] for entry in steps),  # since the last resumption
        "out_of_memory_retries": max(entry["faults/retries"] for entry in steps),  # any: not bit-for-bit repeatable
        "tokens_sampled": sum(value for entry in steps for key, value in entry.items() if key.startswith("tokens/")),
        "tokens_learned": sum(entry.get("tokens_learned", 0) for entry in history),
        "step_seconds_mean": _mean(steps, "step_time"),
    }
    run.say(f"step {best} chosen on validation: {validation.history[best]['macro']:.3f} "
            f"(warm-up {validation.history[0]['macro']:.3f})")  # fmt: skip


def _mean(entries: list[dict[str, Any]], key: str) -> float | None:
    """Over the steps that have it: one that nothing could score has no reward, one without signal no distance."""
    known = [entry[key] for entry in entries if entry.get(key) is not None]
    return float(sum(known) / len(known)) if known else None
