"""PPO on the policy's own LoRA weights: GRPO's trainer with a value head in place of the group's mean.

TRL no longer has a PPO trainer. Clipped ratio, micro-batches, importance correction and live metrics are those of GRPO
here; its own are the value head on the policy's last states (trained with it, at a learning rate of its own),
generalised advantages, standardised over the step's tokens, and the clipped value loss.
"""

from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from torch import Tensor

from components.train.logprobs import states_of, told_of
from components.train.micro_batches import Batch
from components.train.trainer import PivotGRPOTrainer
from components.train.values import ValueHead, generalised_advantages, standardised, value_losses

VALUE_HEAD = "value_head.safetensors"


class PivotPPOTrainer(PivotGRPOTrainer):
    """A response's advantage is told token by token; the responses to a prompt are no longer compared with each other.

    A response that cannot be scored teaches neither policy nor values.
    """

    def __init__(
        self,
        *,
        model: PeftModel,
        value_learning_rate: float,
        value_coefficient: float,
        gae_lambda: float,
        **kwargs: Any,  # noqa: ANN401 - PivotGRPOTrainer's
    ) -> None:
        """`value_coefficient` weighs the value loss against the policy's; `gae_lambda`: λ of the advantages."""
        config: Any = model.config
        self._value_learning_rate, self._value_coefficient = value_learning_rate, value_coefficient
        self._gae_lambda = gae_lambda
        model.value_head = ValueHead(config.get_text_config().hidden_size).to(model.device)
        super().__init__(model=model, **kwargs)

    @property
    def value_head(self) -> ValueHead:
        """Part of the policy, so that the trainer optimises it; no part of its adapter."""
        policy: Any = self.model
        head: ValueHead = policy.value_head
        return head

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:  # noqa: ANN401
        """The trainer's, with the value head in a group of its own."""
        optimizer: torch.optim.Optimizer = super().create_optimizer(model)
        own = set(self.value_head.parameters())
        for group in optimizer.param_groups:
            group["params"] = [parameter for parameter in group["params"] if parameter not in own]
        optimizer.add_param_group(
            {"params": list(self.value_head.parameters()), "lr": self._value_learning_rate, "weight_decay": 0.0}
        )
        return optimizer

    def forward(self, model: Any, part: Batch) -> dict[str, Tensor]:  # noqa: ANN401
        """Values (B, C) as well."""
        policy = self.accelerator.unwrap_model(model)
        states = states_of(policy, part)  # (B, W, H)
        missing = part["completion_ids"].shape[1] - states.shape[1]
        values = torch.nn.functional.pad(self.value_head(states), (0, missing))
        return told_of(policy, part, self.temperature, states) | {"values": values * part["completion_mask"]}

    def _scored(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        self._measured = None
        output = super()._scored(inputs)
        is_scored, mask = self._totals.isfinite(), output["completion_mask"]
        before = self._measured or self.learning.measured(self.model, output)  # TRL has asked where it needs to
        rewards = self._totals.nan_to_num().float()
        advantages, returns = generalised_advantages(rewards, before["values"], mask, self._gae_lambda)
        teaches = mask.bool() & is_scored[:, None]
        output["advantages"] = standardised(advantages, teaches)
        if self.num_iterations > 1:  # else the ratio is 1, which another pass would round away
            output["old_per_token_logps"] = before["logps"]
        output |= {"values": before["values"], "returns": returns}
        off = (before["values"] - returns)[teaches]
        spread = returns[teaches].var(unbiased=False)
        self.log_step({"values/explained": float(1 - off.var(unbiased=False) / spread) if spread > 0 else 0.0})
        logged: Any = self._logs["advantages"]
        logged[-len(inputs) :] = (output["advantages"].sum(1) / mask.sum(1)).tolist()
        return output

    def _loss(self, model: Any, part: Batch) -> Tensor:  # noqa: ANN401
        policy_loss = super()._loss(model, part)
        own = value_losses(part["new_values"], part["values"], part["returns"]) * part["completion_mask"]
        # over as many tokens as the policy's loss (dr_grpo)
        value_loss = own.sum() / (len(own) * int(self.max_completion_length or 1))
        self._metrics["train"]["values/loss"].append(float(value_loss.detach()))
        loss: Tensor = policy_loss + self._value_coefficient * value_loss
        return loss

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:  # noqa: ANN401
        """The adapter and, beside it, the value head."""
        super()._save(output_dir, state_dict)
        folder = Path(output_dir or self.args.output_dir or ".")
        save_file(
            {name: value.detach().contiguous() for name, value in self.value_head.state_dict().items()},
            folder / VALUE_HEAD,
        )

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:  # noqa: ANN401
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        self.value_head.load_state_dict(load_file(Path(resume_from_checkpoint) / VALUE_HEAD))
