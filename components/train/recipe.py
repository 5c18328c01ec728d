"""The stage's steps in order, from references to adapters. Every long one resumes from `.checkpoints/train/`."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import TrainerCallback
from transformers import logging as transformers_logging

from components.contracts import ModelManifest, read_manifest
from components.encoding import Encoder
from components.generation.models import choose_device, choose_dtype, free_models, load_model, load_tokenizer
from components.generation.prompts import PromptFormat
from components.generation.responder import Responder
from components.generation.sampler import Decoding
from components.journal import Journal
from components.params import Params
from components.progress import Progress
from components.reward.build import load_reward_translator
from components.reward.calibrated import CalibratedReward, training_reward
from components.reward.functions import Scores
from components.reward.terms import Reward
from components.stage import StageRun
from components.train.callbacks import Budget, Candidates, Completions, LiveMetrics, StepsAlone, save_adapter
from components.train.data import TrainingData, read_training_data
from components.train.folding import Sampled, sampled_from
from components.train.grpo import run_grpo
from components.train.lessons import english_lessons, translated_lessons, write_lessons
from components.train.policy import continued_policy, fresh_policy
from components.train.raft import Round, sample_round
from components.train.replica import Loaders
from components.train.replicas import Replicas, replicas
from components.train.results import Outputs, write_outputs
from components.train.rollouts import check_sampler
from components.train.supervised import Lesson, Schedule, fine_tune
from components.train.validation import Validation

CALIBRATION = Path("data/calibrate/calibration")


@dataclass(frozen=True)
class _Begun:
    """What is there before anything is trained."""

    manifest: ModelManifest
    data: TrainingData
    prompt_format: PromptFormat
    journal: Journal
    """Of pieces, and of unfinished work in its folder."""
    replicas: Replicas

    @property
    def work(self) -> Path:
        """The folder of unfinished work."""
        return self.journal.folder


def train(run: StageRun, outputs: Outputs, warmed_up: Path | None = None) -> None:
    """Warm up, train by the method that is asked for, choose the checkpoint, write the outputs.

    Args:
        warmed_up: An adapter to go on from in place of a warm-up; parameters without warm-up steps want none.
    """
    with _begun(run) as begun:
        _warm_up(run, begun, outputs.warmup, warmed_up if run.params.train.warmup_steps else None)
        _train(run, begun, outputs)


def _train(run: StageRun, begun: _Begun, outputs: Outputs) -> None:
    policy, sampled = _load_policy(run.params, begun.manifest, outputs.warmup)
    params, work = run.params, begun.work
    begun.replicas.follow(policy)
    validation = Validation(begun.data.validation, Decoding(params.sampling.max_new_tokens), work / "validation.json")
    generate = begun.replicas.generate
    responder = Responder(sampled.model, begun.prompt_format, params.sampling.batch_size, generate)

    def measure(step: int) -> None:
        sampled.refresh()
        scores = validation.measure(step, responder)
        run.log_metrics({f"validation/{lang}": score for lang, score in scores.items()}, step)

    if 0 not in validation.history:
        measure(0)
    settings = params.train
    save = partial(save_adapter, policy, base_name=begun.manifest.policy.name)
    candidates = Candidates(save, work / "candidates", settings.validate_every, measure, settings.epochs)
    raft: Mapping[str, float | None] = {}
    lessons: list[Lesson] = []
    if settings.method == "raft":
        lessons, raft = _ranked(run, begun, responder)
    elif settings.method == "sft":
        lessons = _references(run, begun)
    with Progress(f"train: {settings.method} updates", settings.steps * settings.epochs) as progress:
        watching: list[TrainerCallback] = [LiveMetrics(progress, settings.method, run.log_metrics), candidates]
        if settings.method in ("raft", "sft"):
            history = _teach(run, begun, policy, lessons, watching, int(raft.get("tokens_sampled") or 0))
        else:
            budget = Budget(settings.max_tokens, settings.epochs)
            history = _reinforce(run, begun, policy, sampled, [*watching, budget])
    last = max(int(entry["step"]) for entry in history) // settings.epochs
    if last not in validation.history:
        candidates.take(last)
    write_outputs(run, history, validation, work, outputs, raft)


def _reinforce(
    run: StageRun, begun: _Begun, policy: PeftModel, sampled: Sampled, callbacks: list[TrainerCallback]
) -> list[dict[str, Any]]:
    encoder = Encoder(run.params.reward.encoder)
    return run_grpo(
        policy,
        sampled,
        begun.prompt_format,
        begun.data.rollouts,
        _reward(run, encoder),
        run.params,
        begun.work / "rl",
        [StepsAlone(encoder.forget), *callbacks, Completions(begun.work / "rl" / "completions", run.log_artifact)],
        begun.replicas,
    )


def _ranked(run: StageRun, begun: _Begun, responder: Responder) -> tuple[list[Lesson], Mapping[str, float | None]]:
    """RAFT's lessons, and their metrics: good rollouts of the policy as it was warmed up, English beside them."""
    sampled = _sample(run, begun, responder)
    asked = {question.problem_id for question in sampled.questions} if run.params.train.raft_english else set()
    english = english_lessons([(q, reference) for q, reference in begun.data.english if q.problem_id in asked])
    metrics = sampled.metrics() | {"num_english_lessons": len(english)}
    run.say(
        f"{len(sampled.questions)} of {len(begun.data.rollouts)} questions with a reference are asked, at most "
        f"{run.params.train.steps * run.params.train.prompts_per_step} (`train.steps` × `train.prompts_per_step`)"
    )
    run.say(
        f"{len(sampled.lessons)} different good responses among {metrics['num_rollouts']} rollouts; "
        f"{len(english)} English references are learned beside them"
    )
    return [*sampled.lessons, *english], metrics


def _sample(run: StageRun, begun: _Begun, responder: Responder) -> Round:
    """RAFT's rollouts, scored."""
    encoder = Encoder(run.params.reward.encoder)
    reward = _reward(run, encoder)

    def score(**columns: Any) -> Scores:  # noqa: ANN401
        encoder.forget()  # as `StepsAlone`
        return reward(**columns)

    english = {question.problem_id: question for question, _ in begun.data.english}
    return sample_round(run.params, begun.data.rollouts, english, responder, score, begun.journal, run.log_metrics)


def _reward(run: StageRun, encoder: Encoder) -> Reward:
    reward = training_reward(run.params.reward, encoder, CALIBRATION)
    if run.params.reward.calibrated and not isinstance(reward, CalibratedReward):
        run.say("warning: `reward.calibrated`, but no weights could be fitted: the hybrid's fixed formula is used")
    return reward


def _references(run: StageRun, begun: _Begun) -> list[Lesson]:
    """The English references, or their translations."""
    if run.params.train.sft_references == "english":
        return english_lessons(begun.data.english)
    translator = load_reward_translator(run.params.reward.translator)
    return translated_lessons(begun.data, translator, begun.journal, run.say)


def _teach(
    run: StageRun,
    begun: _Begun,
    policy: PeftModel,
    lessons: list[Lesson],
    callbacks: list[TrainerCallback],
    num_tokens_sampled: int,
) -> list[dict[str, Any]]:
    """As many supervised steps as RL has updates."""
    train = run.params.train
    write_lessons(begun.work / "lessons.parquet", lessons)
    schedule = Schedule(
        steps=train.steps * train.epochs,
        batch_size=train.lessons_per_step,
        learning_rate=train.learning_rate,
        learning_rate_warmup_steps=train.learning_rate_warmup_steps * train.epochs,
        micro_batch_tokens=train.micro_batch_tokens,
        save_every=train.save_every * train.epochs,
        seed=train.seed,
    )
    left = max(1, train.max_tokens - num_tokens_sampled) if train.max_tokens else 0
    callbacks = [*callbacks, Budget(left, train.epochs)]
    folder = begun.work / "sft"
    return fine_tune(policy, begun.prompt_format, lessons, schedule, folder, callbacks, replicas=begun.replicas)


def warm_up_alone(run: StageRun, folder: Path) -> None:
    """The warm-up's adapter and nothing else, into `folder`."""
    with _begun(run) as begun:
        _warm_up(run, begun, folder, None)


@contextmanager
def _begun(run: StageRun) -> Iterator[_Begun]:
    transformers_logging.set_verbosity_error()
    params, manifest = run.params, read_manifest()
    num_processes = params.train.num_processes
    check_sampler(params.train.sampler)
    data = read_training_data(params)
    device, dtype = choose_device().type, str(choose_dtype(params.models.dtype)).removeprefix("torch.")
    if device == "cpu" and num_processes > 1:  # which share the cores
        torch.set_num_threads(max(1, int(os.environ["OMP_NUM_THREADS"]) // num_processes))
    # dtype, threads and device change the last digits of every product, so a checkpoint belongs to them
    threads = f"{torch.get_num_threads()} threads" + (f" in each of {num_processes} processes" * (num_processes > 1))
    run.say(f"{device}, {dtype}, {threads}, OMP_WAIT_POLICY={os.environ['OMP_WAIT_POLICY']}")
    journal = Journal(run.name, f"{run.fingerprint()}-{torch.get_num_threads()}-{device}-{dtype}")
    run.when_done(journal.close)
    prompt_format = PromptFormat(load_tokenizer(manifest.policy), data.shots)
    entry = manifest.policy
    dtype_name, copied = params.models.dtype, params.train.sampling_copy
    loaders = Loaders(
        partial(fresh_policy, entry, dtype_name, params.train),
        partial(load_model, entry, dtype_name) if copied else None,
    )
    with replicas(num_processes, loaders) as copies:
        yield _Begun(manifest, data, prompt_format, journal, copies)


def _load_policy(params: Params, manifest: ModelManifest, warmup: Path) -> tuple[PeftModel, Sampled]:
    """The trainable policy, starting from the warm-up's adapter, and what rollouts come from."""
    torch.manual_seed(params.train.seed)
    policy = continued_policy(manifest.policy, params.models.dtype, params.train, warmup)
    load_copy = partial(load_model, manifest.policy, params.models.dtype) if params.train.sampling_copy else None
    return policy, sampled_from(policy, load_copy)


def _warm_up(run: StageRun, begun: _Begun, folder: Path, warmed_up: Path | None) -> None:
    """The warm-up's adapter into `folder`: `warmed_up`, one made now, or that of an interrupted run."""
    done = begun.work / "warmup-done"
    if warmed_up is not None:
        shutil.copytree(warmed_up, folder, dirs_exist_ok=True)
        return
    if not done.is_dir():
        _make_warmup(run, begun, done)
        begun.replicas.follow(None)
        free_models()  # before the policy is loaded
    shutil.copytree(done, folder, dirs_exist_ok=True)


def _make_warmup(run: StageRun, begun: _Begun, done: Path) -> None:
    train, manifest, work = run.params.train, begun.manifest, begun.work
    torch.manual_seed(run.params.train.seed)
    policy = fresh_policy(manifest.policy, run.params.models.dtype, train)
    with Progress("train: warm-up steps", train.warmup_steps) as progress:
        if train.warmup_steps > 0:
            live = LiveMetrics(progress, "warmup", run.log_metrics)
            schedule = Schedule(
                steps=train.warmup_steps,
                batch_size=train.warmup_batch_size,
                learning_rate=train.warmup_learning_rate,
                learning_rate_warmup_steps=train.warmup_steps // 10,  # the first of these has rate 0
                micro_batch_tokens=train.micro_batch_tokens,
                save_every=train.save_every,
                seed=run.params.train.seed,
            )
            lessons = english_lessons(begun.data.warmup)
            folder, copies = work / "warmup", begun.replicas
            fine_tune(policy, begun.prompt_format, lessons, schedule, folder, [live], replicas=copies)
    save_adapter(policy, work / "warmup-saving", manifest.policy.name)
    (work / "warmup-saving").rename(done)
