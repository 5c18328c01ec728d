"""A finished run, made up: every file that the report reads."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import yaml

from components.contracts import Prediction, Question, write_json, write_records, write_table, write_text
from components.params import Params
from components.promotion.registry import keep_champion
from components.report.inputs import SYSTEMS
from components.stage import StageRun
from components.train.callbacks import write_curve
from tests.architecture.imports import ROOT
from tests.report.made_up_reference import reference_metrics
from tests.report.made_up_rewards import audit_metrics, calibrate_metrics

LANGUAGES = ("en", "es", "de", "th", "bn")
TRAINED = ("es", "de")
Chance = Callable[[str, str], float]
"""How likely a system (first) is right in a language (second)."""


def params(languages: Sequence[str] = LANGUAGES, trained: Sequence[str] = TRAINED) -> Params:
    """The repository's parameters with other languages and few resamples."""
    values = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    values["base"] |= {"languages": list(languages), "trained_languages": list(trained)}
    values["report"]["bootstrap_resamples"] = 300
    return Params.model_validate(values)


def stage_run(given: Params) -> tuple[StageRun, list[str]]:
    """What `work` is given, with the lines that it says."""
    said: list[str] = []
    run = SimpleNamespace(
        params=given, metrics={}, log_artifact=lambda _: None, say=said.append,
        when_done=lambda end: said.append("registered") if end is keep_champion else end(),
    )  # fmt: skip
    return cast(StageRun, run), said


class Kind(NamedTuple):
    """Which of the made-up problems, by number, have a gold answer, and which families are only in test."""

    has_gold: Callable[[int], bool] = lambda _: True
    is_unseen: Callable[[int], bool] = lambda number: number % 4 == 3
    choices: tuple[str, ...] = ()


def make_run(
    given: Params,
    chance: Chance,
    response: str = "So it is {answer}.",
    num_problems: int = 40,
    kind: Kind = Kind(),  # noqa: B008 - never changed
) -> None:
    """Write all inputs into the current folder."""
    questions = [_question(i, lang, kind) for i in range(num_problems) for lang in given.base.languages]
    rng = random.Random(3)
    luck = [rng.random() for _ in range(num_problems)]
    rows = [
        _prediction(system, questions[i * len(given.base.languages)], lang, right, response, given)
        for system in SYSTEMS
        for lang in given.base.languages
        for i in range(num_problems)
        for right in [luck[i] < chance(system, lang)]
    ]
    write_records(Path("data/problems/test.jsonl"), questions)
    write_table(Path("data/evaluate/predictions.parquet"), rows, Prediction)
    shares = {"frac_reward_zero_std": 0.2, "completions/clipped_ratio": 0.1}
    same = {"loss": 0.1, "completions/mean_length": 30, "entropy": 1.1} | shares
    history = [{"step": step, "reward": 0.3 + step / 50} | same for step in range(1, 11)]
    write_curve(Path("plots/train.csv"), history, {10: {"macro": 0.4}})
    write_text(Path("adapters/trained/adapter_model.safetensors"), "weights")
    write_json(Path("adapters/trained/adapter_config.json"), {})
    for name, metrics in _metrics(given, num_problems, kind).items():
        write_json(Path(f"metrics/{name}.json"), metrics)


def _question(number: int, lang: str, kind: Kind) -> Question:
    gold = "A" if kind.choices else str(number + 2)
    return Question(
        problem_id=f"p{number}", lang=lang, split="test", family=f"f{number % 4}", num_steps=None,
        unseen_family=kind.is_unseen(number), question=f"How many are {number} and 2? ({lang})", choices=kind.choices,
        answer=gold if kind.has_gold(number) else None,
    )  # fmt: skip


def _prediction(system: Any, asked: Question, lang: str, right: bool, response: str, given: Params) -> Prediction:
    answer = (asked.answer or "17") if right else "0"
    return Prediction(
        system=system, problem_id=asked.problem_id, lang=lang, family=asked.family, unseen_family=asked.unseen_family,
        trained_lang=lang in given.base.trained_languages, response=response.replace("{answer}", answer),
        num_tokens=9, truncated=False, answer_read=answer, answer_path="phrase",
        correct=None if asked.answer is None else right, language_share=1.0,
    )  # fmt: skip


def _metrics(given: Params, num_problems: int, kind: Kind) -> dict[str, Any]:
    languages = given.base.languages
    num_ungraded = sum(not kind.has_gold(number) for number in range(num_problems))
    graded = num_ungraded < num_problems
    shares = {
        lang: {
            "accuracy": 0.5 if graded else None, "joint_accuracy": 0.4 if graded else None,
            "num_ungraded": num_ungraded, "truncated_share": 0.1, "unparsed_share": 0.2, "language_share": 0.9,
        }
        for lang in languages
    }  # fmt: skip
    return {
        "models": {"policy_num_parameters": 268_000_000, "pivot_num_parameters": 268_000_000, "self_pivot": True},
        "reference": reference_metrics(),
        "calibrate": calibrate_metrics(tuple(languages), graded),
        "audit": audit_metrics(tuple(languages), graded),
        "train": {
            "method": "raft", "num_rollouts": 768, "num_rollouts_first_round": 504,
            "num_lessons": 160, "num_english_lessons": 45,
            "rollouts_reward": 0.4, "steps": 10,
            "chosen_step": 10, "validation": {"0": 0.35, "10": 0.4},
            "reward_first_fifth": 0.3, "reward_last_fifth": 0.5, "zero_signal_share": 0.2, "truncated_share": 0.1,
            "logp_difference_mean": 0.001, "step_seconds_mean": 2.0, "tokens_sampled": 5120, "tokens_learned": 4096,
        },
        "evaluate": {"num_problems": num_problems, **dict.fromkeys(SYSTEMS, shares)},
    }  # fmt: skip
