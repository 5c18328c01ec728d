"""Learning from a step's rollouts in micro-batches by tokens, each part's gradient taken at once.

TRL hands over the whole step (no accumulation of its own); what goes back is the step's loss without a graph. Rollouts
whose advantage is 0 cannot move anything and are left out. Sampler and learner are compared on every part: where they
differ by more than `MAX_MEAN_GAP` on average, each token's advantage is weighted with min(p_learner / p_sampler,
`MAX_WEIGHT`), the truncated importance correction that TRL uses for vLLM. The learner's are those from before the
step's first update: how far the policy has moved since is what the clipped ratio holds.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from components.train.faults import Faults
from components.train.live import Sums
from components.train.logprobs import shared_tokens_of
from components.train.micro_batches import Batch, split_by_tokens, take

if TYPE_CHECKING:
    from components.train.trainer import PivotGRPOTrainer

MAX_MEAN_GAP = 0.02
"""In nats a token."""
MAX_WEIGHT = 2.0

Loss = Callable[[Any, Batch], Tensor]


class Learning:
    """The learning half of a step."""

    def __init__(self, trainer: "PivotGRPOTrainer", micro_batch_tokens: int, faults: Faults) -> None:
        self.trainer, self.micro_batch_tokens, self.faults = trainer, micro_batch_tokens, faults
        self._langs: list[str] = []
        self._computed: tuple[Tensor, Tensor] | None = None
        self._corrects = False

    def lang_ids(self, langs: Sequence[str]) -> Tensor:
        """The languages (B,) int64 as TRL's shuffling takes them along."""
        self._langs += sorted(set(langs) - set(self._langs))
        return torch.tensor([self._langs.index(lang) for lang in langs], device=self.trainer.accelerator.device)

    def take_computed(self) -> tuple[Tensor, Tensor] | None:
        """Log-probabilities and entropies (B, C) of the part in hand, once."""
        computed, self._computed = self._computed, None
        return computed

    def learn(self, model: Any, batch: Batch, loss_of: Loss) -> Tensor:  # noqa: ANN401
        """Gradients of the step's loss into the adapter, none where they would not be finite; the loss () float32."""
        moving = take(batch, _per_token(batch["advantages"]).any(1).nonzero()[:, 0])
        loss, sums = self._nothing(), Sums()
        if len(moving["prompt_ids"]):
            loss, sums = self._in_parts(model, moving, len(batch["prompt_ids"]), loss_of)
        self.trainer.log_step(sums.values() | {"learned_share": len(moving["prompt_ids"]) / len(batch["prompt_ids"])})
        self.faults.after_gradients(loss, [p for p in model.parameters() if p.requires_grad])
        self.trainer.log_step({"faults/skipped_steps": self.faults.skipped, "faults/retries": self.faults.retries})
        return loss.detach().requires_grad_()  # a leaf: the Trainer's own backward ends here

    def _nothing(self) -> Tensor:
        """A loss () of 0 where the Trainer wants it: on its own device."""
        return torch.zeros((), device=self.trainer.accelerator.device)

    def _in_parts(self, model: Any, batch: Batch, num_rows: int, loss_of: Loss) -> tuple[Tensor, Sums]:  # noqa: ANN401
        step = partial(self._once, model, batch, num_rows, loss_of)
        return self.faults.once_more_if_memory_lacks(self, model, step)

    def _once(self, model: Any, batch: Batch, num_rows: int, loss_of: Loss) -> tuple[Tensor, Sums]:  # noqa: ANN401
        total, sums, replicas = self._nothing(), Sums(), self.trainer.replicas
        parts = self._parts(model, batch)
        compared = (self.trainer.state.global_step // self.trainer.num_iterations) % len(parts)  # one a step, in turn
        own = partial(self.trainer.forward, model)
        replicas.begin_step()
        for together in replicas.rounds(parts):
            tolds = replicas.forward(together, self.trainer.temperature, own)
            loss_here = partial(self._loss, model, loss_of, num_rows, sums)
            losses = [loss_here(part, told) for part, told in zip(together, tolds, strict=True)]
            replicas.backward(losses, tolds, self.trainer.accelerator.backward)
            for part, told, loss in zip(together, tolds, losses, strict=True):
                total = total + loss.detach().to(total.device)  # another process may have computed it
                self._note(part, told["logps"].detach(), told["entropies"], sums)
                if part is parts[compared]:
                    self._compare_with_base(model, part, told["logps"].detach(), sums)
        replicas.end_step()
        self.trainer._metrics["train"].pop("entropy", None)  # TRL's, the mean of the parts' means
        return total, sums

    def _loss(
        self,
        model: Any,  # noqa: ANN401
        loss_of: Loss,
        num_rows: int,
        sums: Sums,
        part: Batch,
        told: Batch,
    ) -> Tensor:
        """The part's share () of the loss of a step of `num_rows`; TRL divides by the rows it sees."""
        weighted = part | {"advantages": self._corrected(part, told["logps"].detach(), sums)}
        if "values" in told:
            weighted["new_values"] = told["values"]
        self._computed = (told["logps"], told["entropies"])
        return loss_of(model, weighted) * (len(part["prompt_ids"]) / num_rows)

    @torch.no_grad()
    def measured(self, model: Any, batch: Batch) -> dict[str, Tensor]:  # noqa: ANN401
        """What the trainer's `forward` tells of the step's rollouts (B, C) before they are learned from."""
        told: dict[str, Tensor] = {}
        for part in self._parts(model, batch | {"row": torch.arange(len(batch["prompt_ids"]))}):
            for name, value in self.trainer.forward(model, part).items():
                rows = part["row"].to(value.device)
                told.setdefault(name, value.new_zeros(batch["completion_ids"].shape)).index_copy_(0, rows, value)
        return told

    def _parts(self, model: Any, batch: Batch) -> list[Batch]:  # noqa: ANN401
        num_shared = shared_tokens_of(model, batch["completion_ids"].shape[1])
        return split_by_tokens(batch, self.micro_batch_tokens, num_shared)

    def _corrected(self, part: Batch, logps: Tensor, sums: Sums) -> Tensor:
        """The advantages as they are, or (B, C) where the sampler was too far off."""
        mask, log_ratio = part["completion_mask"].bool(), _before(part, logps) - part["sampling_per_token_logps"]
        corrects = float(log_ratio.abs()[mask].mean()) > MAX_MEAN_GAP
        sums.add("sampling/corrected", corrects, 1)
        if not corrects:
            advantages: Tensor = part["advantages"]
            return advantages
        if not self._corrects:
            self._corrects = True
            self.faults.warn(
                f"train: sampler and learner differ by more than {MAX_MEAN_GAP} nats a token: "
                "advantages are weighted by importance where they do"
            )
        weighted: Tensor = _per_token(part["advantages"]) * log_ratio.exp().clamp(max=MAX_WEIGHT)
        return weighted

    def _note(self, part: Batch, logps: Tensor, entropies: Tensor, sums: Sums) -> None:
        mask = part["completion_mask"].bool()
        gap = (_before(part, logps) - part["sampling_per_token_logps"]).abs()
        values = {"sampling/logp_difference_mean": gap, "entropy": entropies}
        old = part.get("old_per_token_logps")
        if old is not None:
            ratio, advantages = (logps - old).exp(), _per_token(part["advantages"])
            low, high = 1 - self.trainer.epsilon_low, 1 + self.trainer.epsilon_high
            values["clipped"] = ((ratio < low) & (advantages < 0)) | ((ratio > high) & (advantages > 0))
        else:
            values["clipped"] = torch.zeros_like(gap)  # one update a batch: the ratio is 1
        sums.add_tokens(values, mask, self._names(part))
        sums.count("tokens_learned", float(mask.sum()))
        sums.highest("sampling/logp_difference_max", float(gap[mask].max()))

    @torch.no_grad()
    def _compare_with_base(self, model: Any, part: Batch, logps: Tensor, sums: Sums) -> None:  # noqa: ANN401
        """KL(policy, base) by Schulman's k3 estimator, on one response to each prompt."""
        one_each = {tuple(prompt): row for row, prompt in enumerate(part["prompt_ids"].tolist())}
        rows = torch.tensor(list(one_each.values()))
        some = take(part, rows)
        with self.trainer.accelerator.unwrap_model(model).disable_adapter():
            log_ratio = self.trainer.forward(model, some)["logps"] - logps[rows.to(logps.device)]
        kl = log_ratio.exp() - log_ratio - 1
        sums.add_tokens({"kl_to_base": kl}, some["completion_mask"].bool(), self._names(some))

    def _names(self, part: Batch) -> list[str]:
        return [self._langs[index] for index in part["lang"].tolist()]


def _before(part: Batch, logps: Tensor) -> Tensor:
    """The learner's log-probabilities (B, C) from before the step's first update, which `logps` are in its first."""
    old: Tensor | None = part.get("old_per_token_logps")
    return logps if old is None else old


def _per_token(advantages: Tensor) -> Tensor:
    """(B, 1) of advantages of whole responses (B,); those of single tokens (B, C) as they are."""
    return advantages if advantages.dim() == 2 else advantages[:, None]
