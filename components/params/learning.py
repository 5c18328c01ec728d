"""Sections on what is learned and measured: reward, calibration, training, audit, evaluation, report, comparison."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from components.params.section import Section

RewardName = Literal[
    "answer", "embedding", "steps", "margin", "numbers", "translation", "comet", "language", "format", "repetition",
    "hybrid", "hybrid_paper", "gold", "form", "random",
]  # fmt: skip

RATE = "train.learning_rate"


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
    """What the trained adapter must hold to be promoted, beside the two audits."""

    min_macro_gain: float = Field(ge=-1, le=1)
    """The whole interval of the trained languages' mean gain over the base must lie above it."""
    max_language_loss: float = Field(ge=0, le=1)
    """How far the accuracy of any trained language may fall."""
    max_language_share_loss: float = Field(ge=0, le=1)
    """How far the share of the responses' words that are in the question's language may fall."""
    strict: bool
    """Whether the pipeline ends with an error where a condition fails."""


class TrainParams(Section):
    """The warm-up and what is trained from it."""

    seed: int = Field(ge=0, lt=2**31)
    """Of training alone: another one repeats it on the same problems and references."""
    method: Literal["raft", "grpo", "rloo", "ppo", "sft"]
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
    lora_targets: Literal["all-linear"] | Annotated[list[str], Field(min_length=1)]
    """What LoRA is added to: every linear layer but the output matrix, or the layers of these names in each block."""
    warmup_steps: int = Field(ge=0)
    warmup_batch_size: int = Field(ge=1)
    warmup_learning_rate: float = Field(gt=0, lt=1)
    warmup_share: float = Field(gt=0, le=1)
    """Of the problems with a reference: the warm-up learns these, RL is asked the others. 1: both are given all."""
    sampler: Literal["own", "vllm", "vllm-server"]
    """Where RL's rollouts come from; vLLM in this process or behind PBRLSVR_VLLM_URL where it is installed."""
    sampling_copy: bool
    """Whether rollouts come from a copy of the adapted weights with LoRA folded in; else from the policy itself."""
    num_processes: int = Field(ge=1, le=64)
    """That share rollouts and micro-batches: an accelerator each, or the cores of the machine."""
    steps: int = Field(ge=1)
    prompts_per_step: int = Field(ge=1)
    group_size: int = Field(ge=2)
    learning_rate: float = Field(gt=0, lt=1)
    learning_rate_warmup_steps: int = Field(ge=0)
    epochs: int = Field(ge=1, le=16)
    """Passes over each step's rollouts, an update each, with clipped ratios from the second on."""
    raft_min_reward: float | None = Field(allow_inf_nan=False)
    """Rollouts under it teach nothing. None: those under their group's mean."""
    raft_rounds: int = Field(ge=1, le=32)
    """Of RAFT's rollouts: from the second on of prompts that have no good one yet, `group_size` more each."""
    raft_hints: bool
    """Whether the prompts of those rounds show the problem in English with the pivot's reference."""
    raft_english: bool
    """Whether the English references of RL's problems are learned, too, so that English is not unlearned."""
    lessons_per_step: int = Field(ge=1)
    """Of RAFT and SFT: what an update learns from."""
    gae_lambda: float = Field(ge=0, le=1)
    """Of PPO's advantages: 1 takes reward - value, 0 the next token's value alone."""
    value_learning_rate: float = Field(gt=0, lt=1)
    value_coefficient: float = Field(ge=0, le=10)
    """Weight of PPO's value loss."""
    micro_batch_tokens: int = Field(ge=1)
    activation_checkpointing: bool
    """Whether only what each layer was given is kept for the backward pass, and the rest is computed again."""
    silent_groups: Literal["skip", "resample"]
    validate_every: int = Field(ge=1)
    save_every: int = Field(ge=1)

    @model_validator(mode="after")
    def _goes_with_the_method(self) -> "TrainParams":
        if self.method in ("ppo", "raft") and self.silent_groups == "resample":
            raise ValueError(
                "silent_groups: resample goes with grpo and rloo; to ppo a group is nothing, raft asks once"
            )
        if self.method == "raft" and self.sampler != "own":
            raise ValueError(f"sampler: {self.sampler} goes with grpo, rloo and ppo; raft has its own (sampler: own)")
        if self.sampler != "own" and not self.sampling_copy:
            raise ValueError(f"sampling_copy: false goes with sampler: own; {self.sampler} is sent the copy's weights")
        if self.method == "ppo" and self.num_processes > 1:
            raise ValueError("num_processes: ppo takes one; its value head is in no other process")
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
    max_tokens: int = Field(ge=0)
    """The same budget for every arm that has no `train.max_tokens` of its own."""
    arms: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], dict[str, Any]]
    """Values by dotted key (`train.method`); `train.learning_rate` may be a list, of which validation chooses one."""
    pools: dict[str, Annotated[list[str], Field(min_length=1)]]
    """Names of arms whose gains the table tells together, too, as far as they were run."""

    @model_validator(mode="after")
    def _known_arms(self) -> "CompareParams":
        if unknown := [arm for arm in self.run if arm not in self.arms]:
            raise ValueError(f"compare.run: no arm `{unknown[0]}` in compare.arms")
        pooled = ((pool, arm) for pool, arms in self.pools.items() for arm in arms)
        if lost := [f"pools.{pool}: no arm `{arm}`" for pool, arm in pooled if arm not in self.arms]:
            raise ValueError(f"compare.{lost[0]} in compare.arms")
        if taken := sorted({"base", "warmup", "table"} & self.arms.keys()):
            raise ValueError(f"compare.arms: `{taken[0]}` is taken; give the arm another name")
        rates = {f"arms.{arm}: {RATE}": values[RATE] for arm, values in self.arms.items() if _are_several(values)}
        pools = {f"pools.{pool}": arms for pool, arms in self.pools.items()}
        for name, listed in {"run": self.run, "seeds": self.seeds, **rates, **pools}.items():
            if not listed or any(value in listed[:place] for place, value in enumerate(listed)):
                raise ValueError(f"compare.{name} must not {'repeat' if listed else 'be empty'}")
        return self

    def trials(self, arm: str) -> list[dict[str, Any]]:
        """The values that `arm` is trained with: one mapping by dotted key for each of its learning rates.

        Raises:
            KeyError: There is no such arm.
        """
        values = {"train.max_tokens": self.max_tokens} | self.arms[arm]
        return [values | {RATE: rate} for rate in values[RATE]] if _are_several(values) else [values]


def _are_several(values: Mapping[str, Any]) -> bool:
    return isinstance(values.get(RATE), list)
