"""The typed, bounded view of `params.yaml`: the only place where values of the pipeline come from.

Machine facts (devices, addresses, tracking) are not here: they come from the environment. Nothing here has a default,
so the file shows every value that shapes a result. Importing this module loads no torch.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from components.contracts.errors import PipelineError

PARAMS_PATH = Path("params.yaml")
ARM_SECTIONS = ("sampling", "reward", "train")
"""What an arm of the comparison may change: problems, references and the test stay the same for all."""


class Section(BaseModel):
    """Base of every section: unknown keys refused, values frozen, no silent conversion of text to numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class BaseParams(Section):
    """What every stage shares."""

    seed: int = Field(ge=0, lt=2**31)
    languages: list[str] = Field(min_length=1)
    trained_languages: list[str] = Field(min_length=1)

    @model_validator(mode="after")
    def _languages_agree(self) -> "BaseParams":
        if "en" not in self.languages:
            raise ValueError("languages must contain `en`: gaps are measured against it")
        missing = [lang for lang in self.trained_languages if lang not in self.languages]
        if missing:
            raise ValueError(f"trained_languages not in languages: {', '.join(missing)}")
        if len(set(self.languages)) < len(self.languages):
            raise ValueError("languages must not repeat")
        return self


class ModelsParams(Section):
    """Which checkpoints play the two roles."""

    policy: str = Field(min_length=1)
    pivot: str = Field(min_length=1)
    dtype: Literal["auto", "bfloat16", "float32"]


class ColumnsParams(Section):
    """Which column of a table holds what; `question` is the only one that a table must have."""

    question: str = Field(min_length=1)
    answer: str | None = None
    """A number, or the letter, place or text of a choice; None: nobody knows the answers."""
    choices: str | list[str] | None = None
    """A column with a list of texts, or a column a choice; None: the answers are numbers."""
    lang: str | None = None
    """BCP-47 codes; None: every row is in the source's `lang`."""
    id: str | None = None
    """Joins a problem's rows over languages; None: every row is a problem of its own."""
    solution: str | None = None
    """Worked solutions, for examples in prompts."""


class SourceParams(Section):
    """Problems of others: published files in their own format, a table by column names, a hub data set."""

    format: Literal["mgsm", "gsm8k", "questions", "table", "hub"]
    """`mgsm`: a folder of mgsm_<lang>.tsv; `gsm8k`: its JSONL; `questions`: JSONL of our own records; `table`: JSONL,
    CSV or Parquet; `hub`: a data set's name."""
    path: str = Field(min_length=1)
    lang: str = "en"
    columns: ColumnsParams | None = None
    config: str | None = None
    """Of a hub data set."""
    split: str | None = None
    """Of a hub data set."""
    revision: str | None = None
    """Of a hub data set: a commit, so that the same parameters give the same rows on another day."""

    @model_validator(mode="after")
    def _format_has_its_keys(self) -> "SourceParams":
        if (self.columns is not None) != (self.format in ("table", "hub")):
            raise ValueError("`columns` goes with the formats table and hub, which need it, and with no other")
        if (self.split is not None) != (self.format == "hub") or (
            self.format != "hub" and (self.config is not None or self.revision is not None)
        ):
            raise ValueError("`split`, `config` and `revision` go with the format hub, which needs `split`, alone")
        return self


def _kind_of_source(value: object) -> str:
    return "outside" if isinstance(value, dict | SourceParams) else "built-in"


Source = Annotated[
    Annotated[Literal["built-in"], Tag("built-in")] | Annotated[SourceParams, Tag("outside")],
    Discriminator(_kind_of_source),  # one complaint about a wrong value, not one for each kind
]


class SourcesParams(Section):
    """Where each split's problems come from. Splits that name one source share its rows without overlap."""

    shots: Source
    pivot_shots: Source
    train: Source
    calibration: Source
    validation: Source
    test: Source


class ProblemsParams(Section):
    """Where problems come from, and how many each split gets (each is asked in every language)."""

    sources: SourcesParams
    translator: str = Field(min_length=1)
    native_digits: bool
    num_shots: int = Field(ge=0, le=8)
    num_pivot_shots: int = Field(ge=0)
    num_train: int = Field(ge=1)
    num_calibration: int = Field(ge=1)
    num_validation: int = Field(ge=1)
    num_test: int = Field(ge=1)


class SamplingParams(Section):
    """How responses are sampled."""

    temperature: float = Field(gt=0, le=2)
    top_k: int = Field(ge=1)
    max_new_tokens: int = Field(ge=1)
    batch_size: int = Field(ge=1)


class ReferenceParams(Section):
    """How the pivot is asked, and how its references are voted."""

    num_samples: int = Field(ge=2)
    num_shots: int = Field(ge=0, le=8)
    temperature: float = Field(gt=0, le=2)
    max_new_tokens: int = Field(ge=1)
    use_every_number: bool
    min_agreement: float = Field(ge=0, le=1)
    keep_only_gold: bool


RewardName = Literal[
    "answer", "embedding", "steps", "margin", "numbers", "translation", "comet", "language", "format", "repetition",
    "hybrid", "hybrid_paper", "gold", "form", "random",
]  # fmt: skip


class RewardParams(Section):
    """What training is rewarded with, and the constants of the hybrid (our reconstruction; docs/paper_index.md)."""

    function: RewardName
    calibrated: bool
    """Of the hybrid: fitted weights and P(correct) instead of the fixed formula."""
    answers_hidden: bool
    encoder: str = Field(min_length=1)
    translator: str = Field(min_length=1)
    translation_metric: Literal["chrf", "bleu", "embedding"]
    comet: str = Field(min_length=1)
    answer_weight: float = Field(ge=0, le=1)
    semantic_weight: float = Field(ge=0, le=1)
    min_language_share: float = Field(ge=0, le=1)
    other_language_factor: float = Field(ge=0, le=1)
    advantage_std_floor: float = Field(gt=0)  # a silent group's deviation is 0: it must not divide

    @model_validator(mode="after")
    def _weights_sum_to_one(self) -> "RewardParams":
        if abs(self.answer_weight + self.semantic_weight - 1) > 1e-6:
            raise ValueError("answer_weight + semantic_weight must be 1")
        return self

    @model_validator(mode="after")
    def _function_has_what_it_needs(self) -> "RewardParams":
        for name in ("translation", "comet"):
            key = "translator" if name == "translation" else name
            if self.function == name and getattr(self, key) == "none":
                raise ValueError(f"function: {name} needs `{key}`")
        if self.calibrated and self.function != "hybrid":
            raise ValueError("calibrated goes with function: hybrid")
        return self


class CalibrateParams(Section):
    """The comparison of the rewards, the fit and the audit against gaming, on the policy's own responses."""

    num_problems: int = Field(ge=2)
    num_samples: int = Field(ge=2)
    num_folds: int = Field(ge=3)
    min_rows: int = Field(ge=1)
    shrinkage: float = Field(ge=0)
    l2: float = Field(gt=0)
    min_wins_wrong: float = Field(ge=0, le=1)
    min_wins_hollow: float = Field(ge=0, le=1)


class AuditParams(Section):
    """Does the calibration still hold on the trained policy's own responses?"""

    num_problems: int = Field(ge=2)
    num_samples: int = Field(ge=2)
    min_problems: int = Field(ge=2)
    """Of fewer problems with a reference nothing is concluded."""
    max_ece: float = Field(gt=0, le=1)
    max_auc_drop: float = Field(ge=0, le=1)


class GateParams(Section):
    """What a failed audit means."""

    strict: bool
    """Whether the pipeline then ends with an error."""


class TrainParams(Section):
    """The warm-up and the policy-gradient run."""

    method: Literal["grpo", "rloo", "ppo", "sft"]
    sft_references: Literal["english", "translated"]
    """What `sft` learns from: English questions with their references, or the trained languages' with translations."""
    max_tokens: int = Field(ge=0)
    """Sampled and learned from, after which training ends whatever `steps` says; 0: no such end."""
    english_prompts: bool
    """A control: RL on the English questions in place of those in the trained languages."""
    shuffled_references: float = Field(ge=0, le=1)
    """A control: share of RL's problems whose reference is another problem's."""
    prompt_order: Literal["shuffled", "easy_first"]
    """Of RL's prompts; easy is where the pivot's samples agreed."""
    language_shares: dict[str, Annotated[float, Field(gt=0)]]
    """Weights of the trained languages among RL's prompts; those left out weigh 1."""
    lora_rank: int = Field(ge=1, le=512)
    lora_alpha: int = Field(ge=1)
    warmup_steps: int = Field(ge=0)
    warmup_batch_size: int = Field(ge=1)
    warmup_learning_rate: float = Field(gt=0, lt=1)
    steps: int = Field(ge=1)
    prompts_per_step: int = Field(ge=1)
    group_size: int = Field(ge=2)
    learning_rate: float = Field(gt=0, lt=1)
    learning_rate_warmup_steps: int = Field(ge=0)
    epochs: int = Field(ge=1, le=16)
    """Passes over each step's rollouts, an update each, with clipped ratios from the second on."""
    gae_lambda: float = Field(ge=0, le=1)
    """Of PPO's advantages: 1 takes reward - value, 0 the next token's value alone."""
    value_learning_rate: float = Field(gt=0, lt=1)
    value_coefficient: float = Field(ge=0, le=10)
    """Weight of PPO's value loss."""
    micro_batch_tokens: int = Field(ge=1)
    silent_groups: Literal["skip", "resample"]
    validate_every: int = Field(ge=1)
    save_every: int = Field(ge=1)

    @model_validator(mode="after")
    def _groups_matter(self) -> "TrainParams":
        if self.method == "ppo" and self.silent_groups == "resample":
            raise ValueError("silent_groups: resample goes with grpo and rloo; to ppo a group is nothing")
        return self


class EvaluateParams(Section):
    """Greedy evaluation on `test`."""

    batch_size: int = Field(ge=1)
    max_new_tokens: int = Field(ge=1)


class ReportParams(Section):
    """Statistics of the report."""

    bootstrap_resamples: int = Field(ge=100)
    confidence: float = Field(gt=0.5, lt=1)


class CompareParams(Section):
    """Arms of the comparison by training: each is trained and evaluated with other values than this file's."""

    run: list[str] = Field(min_length=1)
    """Names of the arms that `make compare` trains."""
    seeds: list[Annotated[int, Field(ge=0, lt=2**31)]] = Field(min_length=1)
    learning_rates: list[Annotated[float, Field(gt=0, lt=1)]] = Field(min_length=1)
    """Each arm is trained with each; validation chooses."""
    arms: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], dict[str, Any]]
    """Values by dotted key (`train.method`)."""

    @model_validator(mode="after")
    def _known_arms(self) -> "CompareParams":
        if unknown := [arm for arm in self.run if arm not in self.arms]:
            raise ValueError(f"compare.run: no arm `{unknown[0]}` in compare.arms")
        if taken := sorted({"base", "warmup", "table"} & self.arms.keys()):
            raise ValueError(f"compare.arms: `{taken[0]}` is taken; give the arm another name")
        for name in ("run", "seeds", "learning_rates"):
            if len(set(getattr(self, name))) < len(getattr(self, name)):
                raise ValueError(f"compare.{name} must not repeat")
        return self


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
    wrong = []
    for arm, values in params.compare.arms.items():
        others = [key for key in values if key.partition(".")[0] not in ARM_SECTIONS]
        wrong += [f"compare.arms.{arm}: `{key}`: an arm changes {', '.join(ARM_SECTIONS)} alone" for key in others]
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
