"""TRL's GRPO trainer with our rollouts, log-probabilities, micro-batches and advantage floor.

Checked against trl 1.16.0 (pinned); tests/train/test_trainer.py fails where a signature changes. Overridden:
- `_get_train_sampler`: an epoch's order does not depend on how the epochs before it were run;
- `rollout_func` (documented): our rollouts, one prefill a prompt;
- `_calculate_rewards`: rewards see the response as the prompt format reads it; live metrics by language;
- `_generate_and_score_completions`: A = (R - mean) / max(std, floor) or RLOO's; other prompts for silent groups;
- `_compute_loss`: TRL's loss in micro-batches by tokens (`components.train.learning`);
- `_get_per_token_logps_and_entropies`: one differentiable prefill a prompt, no materialised logits, and of the words
  that a token was drawn from (rollouts that do not tell them: of the vocabulary).
"""

import time
from collections import defaultdict
from collections.abc import Callable
from itertools import cycle, islice
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from trl import GRPOTrainer
from trl.trainer.utils import RepeatSampler

from components.generation.prompts import PromptFormat
from components.generation.sampler import Decoding
from components.progress import say
from components.reward.functions import LanguageReward
from components.train.checkpoints import WholeCheckpoints
from components.train.faults import Faults
from components.train.folding import Sampled
from components.train.learning import Learning
from components.train.live import Sums, add_responses, is_silent
from components.train.logprobs import told_of
from components.train.micro_batches import Batch, replace_rows
from components.train.replicas import Replicas
from components.train.rollouts import MODES, OwnRollouts, Rollouts, VLLMRollouts, supports


class PivotGRPOTrainer(WholeCheckpoints, GRPOTrainer):
    """GRPO on prompts of several languages, each group in one language.

    Use with `scale_rewards="none"`, a whole step's rollouts as `per_device_train_batch_size`, and no accumulation.
    """

    num_generations: int  # TRL's declaration allows None, which it replaces when it starts

    def __init__(
        self,
        *,
        sampled: Sampled,
        prompt_format: PromptFormat,
        decoding: Decoding,
        advantage_std_floor: float,
        micro_batch_tokens: int,
        sampler: str = "own",
        sampling_batch_size: int = 128,
        leave_one_out: bool = False,
        resample_silent: bool = False,
        warn: Callable[[str], None] = say,
        replicas: Replicas | None = None,
        **kwargs: Any,  # noqa: ANN401 - GRPOTrainer's
    ) -> None:
        """`micro_batch_tokens` learn together; `resample_silent`: other prompts in place of groups without signal.

        `sampled`: what rollouts come from, refreshed before each step's.
        `sampler`: own, of `sampling_batch_size` rollouts at a time, or one of `components.train.rollouts.MODES`.
        `leave_one_out`: RLOO's advantage (Ahmadian et al. 2024, arXiv 2402.14740) in place of the standardised one.
        """
        super().__init__(rollout_func=self._rollout, **kwargs)
        if self.args.gradient_accumulation_steps > 1 or self.loss_type not in ("grpo", "dr_grpo"):
            raise ValueError("micro-batches by tokens need a mean over rollouts (grpo, dr_grpo) and no accumulation")
        self.sampled, self.prompt_format, self.decoding = sampled, prompt_format, decoding
        self.advantage_std_floor, self.resample_silent = advantage_std_floor, resample_silent
        self.leave_one_out = leave_one_out
        self.eos_token_ids = prompt_format.stop_ids.tolist()  # TRL's own truncation metrics read this
        self.faults = Faults(warn)
        self.replicas = replicas or Replicas()
        self.replicas.follow(self.model)
        self.learning = Learning(self, micro_batch_tokens, self.faults)
        self.rollouts = self._make_rollouts(sampler, sampling_batch_size)
        self._sums = Sums()  # of the step in hand
        self._support: Tensor | None = None  # (B, C, K) int32 of the rollouts in hand: words each token was drawn from
        self._measured: dict[str, Tensor] | None = None  # of the same, before they are learned from

    def log_step(self, metrics: dict[str, float]) -> None:
        """Add metrics of this step to what TRL logs at its end."""
        for name, value in metrics.items():
            self._metrics["train"][name].append(value)

    def _get_train_sampler(self, dataset: Any = None) -> "PromptSampler":  # noqa: ANN401
        """TRL's sampler; after a resumption in a later epoch it goes on with that epoch's order."""
        return PromptSampler(**_settings(super()._get_train_sampler(dataset)))

    def _make_rollouts(self, sampler: str, batch_size: int) -> Rollouts:
        model = self.sampled.model
        if sampler not in MODES:
            return OwnRollouts(model, self.prompt_format, self.decoding, self.replicas, batch_size)
        data: Any = self.train_dataset
        longest = max(len(self.prompt_format.encode(prompt)) for prompt in data["prompt"])
        return VLLMRollouts(
            model,
            self.prompt_format,
            self.decoding,
            accelerator=self.accelerator,
            mode=MODES[sampler],
            max_prompt_tokens=longest,
        )

    def _rollout(self, prompts: list[str], _trainer: Any) -> dict[str, Any]:  # noqa: ANN401
        """TRL's contract: prompts arrive repeated, group by group; ids and log-probabilities go back in that order."""
        started = time.perf_counter()
        self.sampled.refresh()
        unique = [self.prompt_format.encode(prompt) for prompt in prompts[:: self.num_generations]]
        rollouts = self.rollouts.sample(unique, self.num_generations)
        told = supports(rollouts)
        device = self.accelerator.device
        self._support = None if told is None else pad_sequence([own.to(device) for own in told], batch_first=True)
        self._sums.count("seconds/sampling", time.perf_counter() - started)
        return {
            "prompt_ids": [ids for ids in unique for _ in range(self.num_generations)],
            "completion_ids": [rollout.token_ids for rollout in rollouts],
            "logprobs": [rollout.logps for rollout in rollouts],
        }

    def _calculate_rewards(
        self,
        inputs: list[dict[str, Any]],
        prompts: list[str],
        _completions: list[str],
        completion_ids: list[list[int]],
    ) -> Tensor:
        """Rewards (B, F) float32 on the response alone (for a base model, without the line break that ends it)."""
        started = time.perf_counter()
        responses = [self.prompt_format.response_text(ids) for ids in completion_ids]
        found: Tensor = super()._calculate_rewards(inputs, prompts, responses, completion_ids)
        rewards, langs = self.faults.only_finite(found), [row["lang"] for row in inputs]
        totals = (rewards * self.reward_weights.to(rewards.device)).nansum(1)
        self._totals = totals.masked_fill(rewards.isnan().all(1), float("nan"))  # (B,), as TRL sums them
        in_language = LanguageReward()(responses, langs, [row.get("question") for row in inputs])
        stops = set(self.eos_token_ids)
        truncated = [ids[-1] not in stops for ids in completion_ids]
        lengths = [len(ids) for ids in completion_ids]
        add_responses(self._sums, langs, self._totals, lengths, truncated, in_language, self.num_generations)
        self._sums.count("seconds/scoring", time.perf_counter() - started)
        self._log_completion_extra("lang", langs)
        return rewards

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        self._logs, self._sums = _empty_logs(), Sums()
        output = self._scored(inputs)
        silent = is_silent(self._totals, self.num_generations)
        if self.resample_silent and silent.any():
            rows = silent.repeat_interleave(self.num_generations).nonzero()[:, 0]
            replace_rows(output, rows, self._scored(self._other_prompts(inputs, int(silent.sum()))))
        self._sums.count("resampled_groups", float(silent.sum()) if self.resample_silent else 0.0)
        self.log_step(self._sums.values())
        return output

    def _scored(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        """TRL's rollouts and R - mean (`scale_rewards="none"`), which is left to be divided, and the languages."""
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)
        if self._support is not None:
            output["support"] = self._support
        scale = self._scale(self._totals.view(-1, self.num_generations))
        scale = scale.masked_fill(is_silent(self._totals, self.num_generations), 0)  # what rounding left of R - mean
        output["advantages"] = (output["advantages"].view(-1, self.num_generations) * scale[:, None]).view(-1)
        output["lang"] = self.learning.lang_ids([row["lang"] for row in inputs])
        logged: Any = self._logs["advantages"]  # TRL's for these rows are at its end
        logged[-len(inputs) :] = output["advantages"].tolist()
        return output

    def _scale(self, groups: Tensor) -> Tensor:
        """What R - mean is multiplied with in each group (U,), of rewards (U, S) that are NaN where unscored.

        R - mean of the others = (R - mean of all) · n / (n - 1), n the group's scored responses.
        """
        if self.leave_one_out:
            num_scored = groups.isfinite().sum(1)
            return num_scored / (num_scored - 1).clamp(min=1)
        return 1 / _nanstd(groups).clamp(min=self.advantage_std_floor)

    def _other_prompts(self, inputs: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
        """Rows of `count` prompts that are not in the batch, each as often as a group is large."""
        asked = {row["prompt"] for row in inputs}
        data: Any = self.train_dataset
        draw = torch.Generator().manual_seed(self.args.seed * 1_000_003 + self.state.global_step)
        order = torch.randperm(len(data), generator=draw).tolist()
        others = [row for index in order if (row := data[index])["prompt"] not in asked]
        chosen = islice(cycle(others or [data[index] for index in order]), count)
        return [row for row in chosen for _ in range(self.num_generations)]

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,  # noqa: ANN401
        input_ids: Tensor,
        attention_mask: Tensor,
        logits_to_keep: int,
        **_: Any,  # noqa: ANN401 - images and the like, which text has none of
    ) -> tuple[Tensor, Tensor, None]:
        ready = self.learning.take_computed()
        if ready is not None:
            return *ready, None
        split = input_ids.shape[1] - logits_to_keep
        told = self._measured = self.learning.measured(
            model,
            {
                "prompt_ids": input_ids[:, :split],
                "prompt_mask": attention_mask[:, :split],
                "completion_ids": input_ids[:, split:],
                "completion_mask": attention_mask[:, split:],
                **({} if self._support is None else {"support": self._support}),
            },
        )
        return told["logps"], told["entropies"], None

    def forward(self, model: Any, part: Batch) -> dict[str, Tensor]:  # noqa: ANN401
        """`logps` and `entropies` (B, C) float32 of the responses in `part`; the first with gradients."""
        return told_of(self.accelerator.unwrap_model(model), part, self.temperature)

    def _loss(self, model: Any, part: Batch) -> Tensor:  # noqa: ANN401
        """TRL's () of rollouts that learn together."""
        trls: Any = super()  # untyped
        loss: Tensor = trls._compute_loss(model, part)
        return loss

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Tensor:  # noqa: ANN401
        started = time.perf_counter()
        loss = self.learning.learn(model, inputs, self._loss)
        self.log_step({"seconds/learning": time.perf_counter() - started})
        return loss


_FAR = 1_000_003  # so that no seed has in its second epoch what the next one has in its first


class PromptSampler(RepeatSampler):
    """TRL's, whose order depends on the epoch's number and no longer on the epochs before it."""

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch; 0 has TRL's own order."""
        if self.shuffle and self.seed is not None:
            self.generator.manual_seed(self.seed + _FAR * epoch)


def _settings(sampler: Any) -> dict[str, Any]:  # noqa: ANN401 - TRL declares torch's
    names = ("data_source", "mini_repeat_count", "batch_size", "repeat_count", "shuffle", "seed")
    return {name: getattr(sampler, name) for name in names}


def _empty_logs() -> dict[str, Any]:
    """What TRL's table of completions is made of, as lists: its deques would drop rows of a step that draws again."""
    logs: dict[str, Any] = {name: [] for name in ("images", "prompt", "completion", "advantages")}
    return logs | {"rewards": defaultdict(list), "extra": defaultdict(list)}


def _nanstd(groups: Tensor) -> Tensor:
    """Standard deviation (U,) of each row (U, G) over what is not NaN (n - 1); 0 where there are fewer than two."""
    return torch.stack([row[~row.isnan()].std() if (~row.isnan()).sum() > 1 else row.new_zeros(()) for row in groups])
