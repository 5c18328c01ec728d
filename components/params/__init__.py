"""The typed, bounded view of `params.yaml`: the only place where values of the pipeline come from.

Machine facts (devices, addresses, tracking) are not here: they come from the environment. Nothing here has a default,
so the file shows every value that shapes a result. Importing this module loads no torch.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError, model_validator

from components.contracts.errors import PipelineError
from components.params.learning import (
    AuditParams,
    CalibrateParams,
    CompareParams,
    EvaluateParams,
    GateParams,
    ReportParams,
    RewardName,
    RewardParams,
    TrainParams,
)
from components.params.questions import (
    BaseParams,
    ColumnsParams,
    ModelsParams,
    ProblemsParams,
    ReferenceParams,
    SamplingParams,
    SourceParams,
    SourcesParams,
)
from components.params.section import Section

__all__ = [
    "ARM_SECTIONS",
    "PARAMS_PATH",
    "AuditParams",
    "BaseParams",
    "CalibrateParams",
    "ColumnsParams",
    "CompareParams",
    "EvaluateParams",
    "GateParams",
    "ModelsParams",
    "Params",
    "ProblemsParams",
    "ReferenceParams",
    "ReportParams",
    "RewardName",
    "RewardParams",
    "SamplingParams",
    "Section",
    "SourceParams",
    "SourcesParams",
    "TrainParams",
    "load_params",
]

PARAMS_PATH = Path("params.yaml")
ARM_SECTIONS = ("sampling", "reward", "train")
"""What an arm of the comparison may change: problems, references and the test stay the same for all."""

UNBOUNDED = ("embedding", "steps", "margin", "translation", "comet")
"""Rewards by meaning alone: a wrong response on the subject may have nearly what a right one has."""


class Params(Section):
    """All sections of `params.yaml`."""

    base: BaseParams
    models: ModelsParams
    problems: ProblemsParams
    sampling: SamplingParams
    reference: ReferenceParams
    reward: RewardParams
    calibrate: CalibrateParams
    train: TrainParams
    audit: AuditParams
    evaluate: EvaluateParams
    report: ReportParams
    gate: GateParams
    compare: CompareParams

    def with_values(self, values: Mapping[str, Any]) -> "Params":
        """These parameters with others in place of some, by dotted key (`train.method`).

        Raises:
            KeyError: There is no such key.
            ValidationError: A value is wrong.
        """
        own = self.model_dump()
        for key, value in values.items():
            section, _, name = key.partition(".")
            if name not in own.get(section, {}):
                raise KeyError(key)
            own[section][name] = value
        return Params.model_validate(own)

    @model_validator(mode="after")
    def _pivot_has_shots(self) -> "Params":
        if self.reference.num_shots > self.problems.num_pivot_shots:
            raise ValueError("reference.num_shots must not exceed problems.num_pivot_shots")
        return self

    @model_validator(mode="after")
    def _shares_are_of_trained_languages(self) -> "Params":
        others = sorted(self.train.language_shares.keys() - set(self.base.trained_languages))
        if others:
            raise ValueError(f"train.language_shares: {', '.join(others)} not in base.trained_languages")
        return self

    @model_validator(mode="after")
    def _lessons_have_a_translator(self) -> "Params":
        if (
            self.train.method == "sft"
            and self.train.sft_references == "translated"
            and self.reward.translator == "none"
        ):
            raise ValueError("train.sft_references: translated needs `reward.translator`")
        return self

    @model_validator(mode="after")
    def _bound_is_one_of_the_reward(self) -> "Params":
        bounded = self.train.method == "raft" and self.train.raft_min_reward is not None
        if bounded and self.reward.function in UNBOUNDED and not self.reward.calibrated:
            raise ValueError(
                f"train.raft_min_reward: `{self.reward.function}` has no value that only right responses reach; "
                "null takes those above their group's mean"
            )
        return self

    @model_validator(mode="after")
    def _calibration_has_problems(self) -> "Params":
        if self.calibrate.num_problems > self.problems.num_calibration:
            raise ValueError("calibrate.num_problems must not exceed problems.num_calibration")
        return self


def load_params(path: Path = PARAMS_PATH) -> Params:
    """Read and check the whole file at once.

    Raises:
        PipelineError: The file is missing, is no YAML, or has wrong keys or values; every one is listed, a line each.
    """
    try:
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PipelineError(f"{path}: {error.strerror}; run from the repository's root") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PipelineError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    try:
        params = Params.model_validate(raw)
        wrong = _wrong_arms(params)
    except ValidationError as error:
        wrong = [_describe(item) for item in error.errors()]
    if wrong:
        raise PipelineError("\n".join(f"{path}: {line}" for line in wrong))
    return params


def _wrong_arms(params: Params) -> list[str]:
    """What is wrong with the arms of the comparison, a line each."""
    compare = params.compare
    told = [line for arm in compare.arms for values in compare.trials(arm) for line in _wrong_arm(params, arm, values)]
    return list(dict.fromkeys(told))  # what is wrong with each of an arm's rates, once


def _wrong_arm(params: Params, arm: str, values: Mapping[str, Any]) -> list[str]:
    others = [key for key in values if key.partition(".")[0] not in ARM_SECTIONS]
    wrong = [f"compare.arms.{arm}: `{key}`: an arm changes {', '.join(ARM_SECTIONS)} alone" for key in others]
    if "train.seed" in values:
        wrong.append(f"compare.arms.{arm}: `train.seed`: every arm has the seeds of `compare.seeds`")
    if values.get("train.warmup_steps", params.train.warmup_steps):
        of_warmup = [key for key in values if key.startswith(("train.lora_", "train.warmup_"))]
        wrong += [
            f"compare.arms.{arm}: `{key}`: all arms go on from one warm-up, which it would have to change; change "
            "`train` itself, or give the arm `train.warmup_steps: 0`"
            for key in of_warmup
        ]
    try:
        params.with_values({key: value for key, value in values.items() if key not in others})
    except ValidationError as error:
        wrong += [f"compare.arms.{arm}: {_describe(item)}" for item in error.errors()]
    except KeyError as error:
        wrong.append(f"compare.arms.{arm}: unknown key `{error.args[0]}`; correct its spelling")
    return wrong


def _describe(item: Any) -> str:  # noqa: ANN401 - pydantic's error dict
    key = ".".join(str(part) for part in item["loc"] if part not in ("outside", "built-in")) or "file"
    if item["type"] == "extra_forbidden":
        return f"unknown key `{key}`; remove it or correct its spelling"
    if item["type"] == "missing":
        return f"missing key `{key}`"
    if item["type"] == "float_type":
        return (
            f"`{key}`: Input should be a valid number (got {item['input']!r}); YAML takes 2e-5 for text: write 2.0e-5"
        )
    message = f"`{key}`: {item['msg'].removeprefix('Value error, ')}"
    # a rule over several keys would show the whole section as what it got
    return message if item["type"] == "value_error" else f"{message} (got {item['input']!r})"
