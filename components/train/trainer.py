"""TRL's GRPO trainer with our rollouts, log-probabilities and advantage floor.

Checked against trl 1.16.0 (pinned). What is overridden, and nothing else:
- `rollout_func` (documented): rollouts from the sampling copy, one prefill a prompt;
- `_get_per_token_logps_and_entropies`: one differentiable prefill a prompt, no materialised logits;
- `_prepare_inputs`: keeps each group together when a generation batch is split into micro-batches;
- `_generate_and_score_completions`: A = (R - mean) / max(std, floor) instead of (R - mean) / (std + 1e-4);
- `_compute_loss`: adds the distance between sampler's and learner's log-probabilities to the metrics;
- `_calculate_rewards`: rewards see the response as the prompt format reads it; live metrics by language.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from trl import GRPOTrainer

from components.environment import release_freed_memory
from components.generation.prompts import PromptFormat
from components.generation.sampler import Decoding, generate
from components.train.folding import SamplingCopy
from components.train.logprobs import response_logps


class PivotGRPOTrainer(GRPOTrainer):
    """GRPO on prompts of several languages, each group in one language. Use with `scale_rewards="none"`."""

    num_generations: int  # TRL's declaration allows None, which it replaces when it starts

    def __init__(
        self,
        *,
        sampling_copy: SamplingCopy,
        prompt_format: PromptFormat,
        decoding: Decoding,
        advantage_std_floor: float,
        **kwargs: Any,  # noqa: ANN401 - GRPOTrainer's
    ) -> None:
        super().__init__(rollout_func=self._rollout, **kwargs)
        self.sampling_copy, self.prompt_format, self.decoding = sampling_copy, prompt_format, decoding
        self.advantage_std_floor = advantage_std_floor
        self.eos_token_ids = prompt_format.stop_ids.tolist()  # TRL's own truncation metrics read this

    def _rollout(self, prompts: list[str], _trainer: Any) -> dict[str, Any]:  # noqa: ANN401
        """TRL's contract: prompts arrive repeated, group by group; ids and log-probabilities go back in that order."""
        release_freed_memory()
        self.sampling_copy.refresh()
        unique = [self.prompt_format.encode(prompt) for prompt in prompts[:: self.num_generations]]
        groups = generate(
            self.sampling_copy.model,
            unique,
            self.decoding,
            stop_ids=self.prompt_format.stop_ids,
            pad_id=self._tokenizer.pad_token_id,
            num_samples=self.num_generations,
            batch_size=len(prompts),
            with_logps=True,
        )
        release_freed_memory()
        rollouts = [rollout for group in groups for rollout in group]
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
        responses = [self.prompt_format.response_text(ids) for ids in completion_ids]
        rewards: Tensor = super()._calculate_rewards(inputs, prompts, responses, completion_ids)
        langs = [row["lang"] for row in inputs]
        for name, value in self._language_metrics(langs, rewards, completion_ids).items():
            self._metrics["train"][name].append(value)
        return rewards

    def _language_metrics(
        self, langs: Sequence[str], rewards: Tensor, completion_ids: Sequence[list[int]]
    ) -> dict[str, float]:
        """Mean reward, length in tokens, truncated share, and share of groups without any signal, by language."""
        stops = set(self.eos_token_ids)
        rows = defaultdict(list)
        for lang, reward, ids in zip(langs, rewards.sum(1).tolist(), completion_ids, strict=True):
            rows[lang].append((reward, float(len(ids)), float(ids[-1] not in stops)))
        metrics: dict[str, float] = {}
        for lang, values in rows.items():
            table = torch.tensor(values)  # (R, 3)
            spread = table[:, 0].view(-1, self.num_generations)
            silent = ((spread.amax(1) - spread.amin(1)) < self.advantage_std_floor * 0.01).float()
            metrics |= {
                f"reward/{lang}": float(table[:, 0].nanmean()),
                f"length/{lang}": float(table[:, 1].mean()),
                f"truncated/{lang}": float(table[:, 2].mean()),
                f"zero_signal/{lang}": float(silent.mean()),
            }
        return metrics

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        """With `scale_rewards="none"` TRL hands back R - mean; what is left is the division, floored."""
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)
        centred = output["advantages"].view(-1, self.num_generations)
        spread = centred.std(1, keepdim=True).clamp(min=self.advantage_std_floor)
        output["advantages"] = (centred / spread).view(-1)
        logged: Any = self._logs["advantages"]  # a deque as long as a batch: these push out TRL's
        logged.extend(output["advantages"].tolist())
        return output

    def _prepare_inputs(self, generation_batch: Any) -> dict[str, Any]:  # noqa: ANN401
        """TRL shuffles a generation batch before splitting it; prompts are shared in a micro-batch only: sort back."""
        before = self._buffered_inputs
        inputs: dict[str, Any] = super()._prepare_inputs(generation_batch)
        if self._buffered_inputs is before:
            return inputs
        self._buffered_inputs = _regroup(self._buffered_inputs)
        chosen: dict[str, Any] = self._buffered_inputs[self._step % self.args.steps_per_generation]
        return chosen

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,  # noqa: ANN401
        input_ids: Tensor,
        attention_mask: Tensor,
        logits_to_keep: int,
        **_: Any,  # noqa: ANN401 - images and the like, which text has none of
    ) -> tuple[Tensor, Tensor, None]:
        split = input_ids.shape[1] - logits_to_keep
        logps, entropies = response_logps(
            self.accelerator.unwrap_model(model),
            input_ids[:, :split],
            attention_mask[:, :split],
            input_ids[:, split:],
            attention_mask[:, split:],
            self.temperature,
        )
        self._learner_logps = logps.detach()
        return logps, entropies, None

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Tensor:  # noqa: ANN401
        """TRL's loss, plus how far the sampler's log-probabilities are from the learner's."""
        loss: Tensor = super()._compute_loss(model, inputs)  # type: ignore[no-untyped-call] # TRL's
        mask = inputs["completion_mask"].bool()
        gap = (self._learner_logps - inputs["sampling_per_token_logps"]).abs()[mask]
        self._metrics["train"]["sampling/logp_difference_mean"].append(float(gap.mean()))
        self._metrics["train"]["sampling/logp_difference_max"].append(float(gap.max()))
        return loss


def _regroup(batches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Order the rows of all micro-batches by prompt and split them again; what is no row tensor stays.

    Groups of like length come together: a micro-batch is as wide as its longest response.
    """
    num_rows = [len(batch["prompt_ids"]) for batch in batches]
    prompts = torch.cat([batch["prompt_ids"] for batch in batches])
    unique, group = torch.unique(prompts, dim=0, return_inverse=True)  # (U, P), (B,)
    lengths = torch.cat([batch["completion_mask"].sum(1) for batch in batches])  # (B,)
    longest = lengths.new_zeros(len(unique)).scatter_reduce(0, group, lengths, "amax")  # (U,)
    rank = longest.argsort(stable=True).argsort()  # (U,)
    order = rank[group].argsort(stable=True)
    result: list[dict[str, Any]] = [dict(batch) for batch in batches]
    for key, value in batches[0].items():
        if isinstance(value, Tensor) and value.dim() > 0 and len(value) == num_rows[0]:
            parts = torch.cat([batch[key] for batch in batches])[order].split(num_rows)
            for batch, part in zip(result, parts, strict=True):
                batch[key] = part
    return result
