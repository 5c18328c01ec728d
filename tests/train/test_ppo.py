"""PPO on a tiny model: values learn, ratios clip, resumption changes nothing."""

import pytest
import torch
from safetensors.torch import load_file

from components.train.checkpoints import train_or_resume
from components.train.learning import Learning
from components.train.ppo import VALUE_HEAD, PivotPPOTrainer
from components.train.values import generalised_advantages, standardised
from tests.train.small import LENGTH, Characters, SomeUnscored, adapter, logged, small_trainer

OPTIONS = {"make": PivotPPOTrainer, "value_learning_rate": 1e-2, "value_coefficient": 0.5, "gae_lambda": 0.9}


def ppo_trainer(folder, reward=None, **changed):
    return small_trainer(folder, reward, **(OPTIONS | changed))


class Always(Characters):
    """What a value head can foresee from the first token on."""

    def __call__(self, completions, **_):
        return [0.7] * len(completions)


@pytest.mark.slow
@pytest.mark.parametrize("micro_batch_tokens", [10**6, 60])
@pytest.mark.parametrize("epochs", [1, 2])
def test_a_steps_advantages_come_from_its_own_values(tmp_path, monkeypatch, epochs, micro_batch_tokens):
    seen = []
    original = PivotPPOTrainer._scored
    monkeypatch.setattr(PivotPPOTrainer, "_scored", lambda self, inputs: seen.append(
        (original(self, inputs), self._totals.clone())) or dict(seen[-1][0]))  # fmt: skip
    trainer, policy = ppo_trainer(
        tmp_path, SomeUnscored(3, 0), steps=2 * epochs, config={"num_iterations": epochs},
        micro_batch_tokens=micro_batch_tokens,
    )  # fmt: skip
    before = adapter(policy)
    trainer.train()
    assert len(seen) == 2
    explained = [entry["values/explained"] for entry in logged(trainer) if "values/explained" in entry]
    assert len(explained) == 2
    for step, (batch, totals) in enumerate(seen):
        mask, is_scored = batch["completion_mask"], totals.isfinite()
        assert 0 < is_scored.sum() < len(totals)
        plain, returns = generalised_advantages(totals.nan_to_num().float(), batch["values"], mask, 0.9)
        expected = standardised(plain, mask.bool() & is_scored[:, None])
        torch.testing.assert_close(batch["advantages"], expected)
        torch.testing.assert_close(batch["returns"], returns)
        assert (batch["advantages"][~is_scored] == 0).all()
        assert ("old_per_token_logps" in batch) == (epochs > 1)
        old = batch.get("old_per_token_logps", batch["sampling_per_token_logps"] * mask)
        torch.testing.assert_close(old, batch["sampling_per_token_logps"] * mask, atol=1e-3, rtol=1e-3)
        assert (batch["values"] == 0).all() == (step == 0)
        teaches = mask.bool() & is_scored[:, None]
        left = (returns - batch["values"])[teaches].var() / returns[teaches].var()
        assert explained[step] == pytest.approx(1 - float(left), abs=1e-5)
    assert any(not torch.equal(value, before[name]) for name, value in adapter(policy).items())
    assert trainer.value_head.linear.weight.abs().max() > 0


def test_the_first_steps_loss_is_the_weighted_loss_of_values_that_are_still_zero(tmp_path, monkeypatch):
    """Standardised advantages sum to 0, so the policy's loss is 0; k tokens before the end a return is .7 · .9^k."""
    seen, original = [], PivotPPOTrainer._scored
    monkeypatch.setattr(
        PivotPPOTrainer, "_scored", lambda self, inputs: seen.append(original(self, inputs)) or seen[-1]
    )
    trainer, _ = ppo_trainer(tmp_path, Always(), steps=1, value_coefficient=0.3)
    trainer.train()
    mask = seen[0]["completion_mask"]
    assert len(set(mask.sum(1).tolist())) > 1
    losses = [(0.7 * 0.9**k) ** 2 / 2 for num_tokens in mask.sum(1).tolist() for k in range(num_tokens)]
    value_loss = sum(losses) / (len(mask) * LENGTH)
    (step,) = [entry for entry in logged(trainer) if "loss" in entry]
    assert step["values/loss"] == pytest.approx(value_loss, rel=1e-4)
    assert step["loss"] == pytest.approx(0.3 * value_loss, rel=1e-3)
    assert "old_per_token_logps" not in seen[0], "of one pass the ratio is 1, not what two ways of computing leave"
    assert step["values/explained"] == pytest.approx(0, abs=1e-5), "all alike, they explain nothing"


def test_unscored_responses_are_not_learned_from(tmp_path, monkeypatch):
    rows = []
    original = Learning._once
    monkeypatch.setattr(Learning, "_once", lambda self, model, batch, *rest: rows.append(
        len(batch["prompt_ids"])) or original(self, model, batch, *rest))  # fmt: skip
    trainer, _ = ppo_trainer(tmp_path, SomeUnscored(3, 0), steps=1)
    trainer.train()
    assert rows == [10]  # of 16


@pytest.mark.slow
def test_values_come_to_foresee_the_reward(tmp_path, monkeypatch):
    means, original = [], PivotPPOTrainer._scored

    def watched(self, inputs):
        batch = original(self, inputs)
        means.append(float(batch["values"][batch["completion_mask"].bool()].mean()))
        return batch

    monkeypatch.setattr(PivotPPOTrainer, "_scored", watched)
    trainer, _ = ppo_trainer(tmp_path, Always(), steps=40, gae_lambda=1.0, value_learning_rate=3e-2)
    trainer.train()
    losses = [entry["values/loss"] for entry in logged(trainer) if "values/loss" in entry]
    assert means[0] == 0
    assert sum(means[-5:]) / 5 == pytest.approx(0.7, abs=0.1)
    assert sum(losses[-5:]) < 0.1 * sum(losses[:5])


@pytest.mark.slow
def test_later_passes_clip_the_ratio(tmp_path):
    trainer, _ = ppo_trainer(tmp_path, steps=4, config={"num_iterations": 4, "learning_rate": 5e-2})
    trainer.train()
    clipped = [entry["clipped"] for entry in trainer.state.log_history if "clipped" in entry]
    assert clipped[0] == 0
    assert max(clipped[1:]) > 0


def test_the_value_head_learns_at_a_rate_of_its_own_and_is_no_part_of_the_adapter(tmp_path):
    trainer, policy = ppo_trainer(tmp_path, steps=1, config={"save_steps": 1})
    trainer.train()
    groups = trainer.optimizer.param_groups
    assert [group["lr"] for group in groups if set(group["params"]) & set(trainer.value_head.parameters())] == [1e-2]
    trained = [parameter for group in groups for parameter in group["params"]]
    assert len(trained) == len(set(trained)) == sum(p.requires_grad for p in policy.parameters())
    kept = load_file(tmp_path / "checkpoint-1" / "adapter_model.safetensors")
    assert not any("value_head" in name for name in kept)
    head = load_file(tmp_path / "checkpoint-1" / VALUE_HEAD)
    torch.testing.assert_close(head["linear.weight"], trainer.value_head.linear.weight.detach())


@pytest.mark.slow
@pytest.mark.parametrize("stopped_at", [2, 3])
def test_a_resumed_run_ends_with_the_same_bits(tmp_path, monkeypatch, stopped_at):
    """Also where it was stopped between two passes over the same rollouts."""
    config = {"num_iterations": 2, "save_steps": 2}
    whole, _ = ppo_trainer(tmp_path / "whole", steps=6, config=config)
    train_or_resume(whole, whole.model, tmp_path / "whole")

    stopped, _ = ppo_trainer(tmp_path / "cut", steps=6, config=config)
    original, updates = PivotPPOTrainer._compute_loss, []

    def interrupted(self, model, inputs):
        updates.append(1)
        if len(updates) > stopped_at:
            raise KeyboardInterrupt
        return original(self, model, inputs)

    monkeypatch.setattr(PivotPPOTrainer, "_compute_loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_or_resume(stopped, stopped.model, tmp_path / "cut")
    monkeypatch.setattr(PivotPPOTrainer, "_compute_loss", original)
    assert not (tmp_path / "cut" / "checkpoint-3").exists()
    resumed, _ = ppo_trainer(tmp_path / "cut", steps=6, config=config)
    train_or_resume(resumed, resumed.model, tmp_path / "cut")
    for name, value in adapter(whole.model).items():
        assert torch.equal(value, adapter(resumed.model)[name]), name
