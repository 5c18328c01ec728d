"""The stage's steps in order, from references to adapters. Every long one resumes from `.checkpoints/train/`."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import logging as transformers_logging

from components.contracts import ModelManifest, PipelineError, Question, Reference, fingerprint, read_records
from components.generation.journal import Journal
from components.generation.models import load_model, load_tokenizer, read_manifest
from components.generation.prompts import PromptFormat
from components.generation.responder import Responder
from components.generation.sampler import Decoding
from components.params import Params
from components.progress import Progress
from components.questions import read_questions
from components.reward.encoders import Encoder
from components.reward.functions import HybridReward
from components.stage import StageRun
from components.train.callbacks import Candidates, LiveMetrics, save_adapter, write_curve
from components.train.folding import SamplingCopy
from components.train.grpo import run_grpo
from components.train.validation import Validation
from components.train.warmup import warm_up

PROBLEMS = Path("data/problems")
REFERENCES = Path("data/reference/references.jsonl")
WARMUP, TRAINED = Path("adapters/warmup"), Path("adapters/trained")
COMPLETIONS = Path("data/train/completions.parquet")
CURVE = Path("plots/train.csv")

Pairs = list[tuple[Question, Reference]]


def train(run: StageRun) -> None:
    """Warm up, run GRPO, choose the checkpoint, write the outputs."""
    transformers_logging.set_verbosity_error()
    params, manifest = run.params, read_manifest()
    inputs = [PROBLEMS / f"{split}.jsonl" for split in ("shots", "train", "validation")] + [REFERENCES]
    work = Journal("train", _fingerprint(params, manifest, inputs)).folder
    shots = read_questions(PROBLEMS / "shots.jsonl")
    references = {r.problem_id: r for r in read_records(REFERENCES, Reference) if r.kept}
    prompt_format = PromptFormat(load_tokenizer(manifest.policy), shots)
    seen = _with_reference(read_questions(PROBLEMS / "train.jsonl"), references, "train")
    trained = set(params.base.trained_languages)

    _warm_up(run, manifest, prompt_format, [(q, r) for q, r in seen if q.lang == "en"], work)

    torch.manual_seed(params.base.seed)
    policy: Any = PeftModel.from_pretrained(load_model(manifest.policy, params.models.dtype), WARMUP, is_trainable=True)
    policy.active_peft_config.base_model_name_or_path = manifest.policy.path  # peft looks there when it saves
    sampling_copy = SamplingCopy(policy, load_model(manifest.policy, params.models.dtype))  # type: ignore[arg-type] # no adapter
    validation = _validation(params, references, work)
    responder = Responder(sampling_copy.model, prompt_format, params.sampling.batch_size)
    if 0 not in validation.history:
        scores = validation.measure(0, responder)
        run.log_metrics({f"validation/{lang}": score for lang, score in scores.items()}, 0)

    def measure(step: int) -> dict[str, float]:
        sampling_copy.refresh()
        return validation.measure(step, responder)

    reward = HybridReward(
        Encoder(params.reward.encoder),
        params.reward.answer_weight,
        params.reward.semantic_weight,
        params.reward.min_language_share,
    )
    with Progress("train: GRPO steps", params.train.steps) as progress:
        callbacks = [
            LiveMetrics(progress, "grpo", run.log_metrics),
            Candidates(
                lambda folder: save_adapter(policy, folder, manifest.policy.name),
                work / "candidates",
                params.train.validate_every,
                measure,
                run.log_metrics,
            ),
        ]
        pairs = [(q, r) for q, r in seen if q.lang in trained]
        history = run_grpo(
            policy, sampling_copy, prompt_format, pairs, reward, params, work / "grpo", callbacks
        )  # fmt: skip
    _write_outputs(run, history, validation, work)
    shutil.rmtree(work)


def _fingerprint(params: Params, manifest: ModelManifest, inputs: list[Path]) -> str:
    settings = params.model_dump(include={"base", "models", "sampling", "reward", "train"})
    # dtype and threads change the last digits of every product, so a checkpoint belongs to them
    machine = [str(torch.get_num_threads()), torch.cuda.is_available()]
    return fingerprint([settings, manifest.policy.fingerprint, machine], inputs)


def _with_reference(questions: list[Question], references: dict[str, Reference], split: str) -> Pairs:
    pairs = [(q, references[q.problem_id]) for q in questions if q.problem_id in references]
    if not pairs:
        advice = "lower `reference.min_agreement` or take a stronger pivot"
        raise PipelineError(f"{REFERENCES}: no kept reference for split `{split}`; {advice}")
    return pairs


def _warm_up(run: StageRun, manifest: ModelManifest, prompt_format: PromptFormat, pairs: Pairs, work: Path) -> None:
    """adapters/warmup, made now or copied from an interrupted run of the same fingerprint."""
    train, done = run.params.train, work / "warmup-done"
    if not done.is_dir():
        torch.manual_seed(run.params.base.seed)
        config = LoraConfig(
            r=train.lora_rank, lora_alpha=train.lora_alpha, target_modules="all-linear", task_type="CAUSAL_LM"
        )
        policy: Any = get_peft_model(load_model(manifest.policy, run.params.models.dtype), config)
        with Progress("train: warm-up steps", train.warmup_steps) as progress:
            if train.warmup_steps > 0:
                callback = LiveMetrics(progress, "warmup", run.log_metrics)
                warm_up(policy, prompt_format, pairs, train, run.params.base.seed, work / "warmup", callback)
        save_adapter(policy, work / "warmup-saving", manifest.policy.name)
        (work / "warmup-saving").rename(done)
    shutil.copytree(done, WARMUP, dirs_exist_ok=True)


def _validation(params: Params, references: dict[str, Reference], work: Path) -> Validation:
    pairs = _with_reference(read_questions(PROBLEMS / "validation.jsonl"), references, "validation")
    asked = [q for q, _ in pairs if q.lang in params.base.trained_languages]
    return Validation(asked, references, Decoding(params.sampling.max_new_tokens), work / "validation.json")


def _write_outputs(run: StageRun, history: list[dict[str, Any]], validation: Validation, work: Path) -> None:
    best = validation.best_step()
    shutil.copytree(work / "candidates" / f"step-{best}", TRAINED, dirs_exist_ok=True)
    write_curve(CURVE, history, validation.history)
    COMPLETIONS.parent.mkdir(parents=True, exist_ok=True)
    tables = sorted((work / "grpo" / "completions").glob("*.parquet"))
    pd.concat([pd.read_parquet(table) for table in tables], ignore_index=True).to_parquet(COMPLETIONS, index=False)
    run.log_artifact(COMPLETIONS)
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
        "step_seconds_mean": _mean(steps, "step_time"),
    }
    run.say(f"step {best} chosen on validation: {validation.history[best]['macro']:.3f} "
            f"(warm-up {validation.history[0]['macro']:.3f})")  # fmt: skip


def _mean(entries: list[dict[str, Any]], key: str) -> float:
    return float(sum(entry[key] for entry in entries) / len(entries))
