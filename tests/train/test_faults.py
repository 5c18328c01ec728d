"""What goes wrong in a step of GRPO, in a real run of the trainer."""

import math

import pandas as pd
import pytest
import torch

from components.contracts import PipelineError
from components.train.faults import Faults
from tests.train.small import GROUP, PROMPTS, Characters, adapter, logged, small_trainer


class Broken(Characters):
    """A reward that is what `spoil` makes of the real one, call by call."""

    def __init__(self, *spoils):
        self.spoils = iter(spoils)

    def __call__(self, completions, **columns):
        return next(self.spoils)(super().__call__(completions, **columns))


@pytest.mark.parametrize("config", [{"loss_type": "dapo"}, {"gradient_accumulation_steps": 2}])
def test_what_micro_batches_would_weigh_wrongly_is_refused(tmp_path, config):
    with pytest.raises(ValueError, match="need a mean over rollouts"):
        small_trainer(tmp_path, config=config)


def same(values):
    return values


def unscored(values):
    return [None] * len(values)


def equal(ours, theirs):
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.slow
def test_a_step_that_nothing_can_score_changes_nothing_and_a_second_one_ends_it(tmp_path):
    said = []
    trainer, policy = small_trainer(tmp_path, Broken(same, unscored, unscored), steps=3, warn=said.append)
    kept = []
    trainer.learning.faults.after_gradients = lambda *_: kept.append(adapter(policy))
    with pytest.raises(PipelineError, match="twice in a row"):
        trainer.train()
    assert len(kept) == 2
    assert equal(adapter(policy), kept[1]), "momentum of the first step must not move weights in the second"
    assert not equal(kept[0], kept[1])
    assert [line for line in said if "not one response" in line] == said


def test_infinite_rewards_count_as_not_scored(tmp_path):
    def spoil(values):
        return [math.inf, *values[1:]]

    said = []
    trainer, policy = small_trainer(tmp_path, Broken(spoil), steps=1, warn=said.append)
    trainer.train()
    assert all(torch.isfinite(value).all() for value in adapter(policy).values())
    assert logged(trainer)[0]["unscored/es"] == 1 / (PROMPTS * GROUP)
    assert said == ["train: warning: 1 rewards were infinite: they count as not scored"]
    table = pd.read_parquet(next((tmp_path / "completions").glob("*.parquet")))
    assert table["advantage"][0] == 0
    assert (table["advantage"][1:GROUP] != 0).all()


def poisoned(trainer, steps):
    """A hook that makes the policy's states infinite in the given steps."""

    def spoil(_module, _inputs, output):
        return output * math.inf if trainer.state.global_step in steps and output.requires_grad else output

    trainer.model.get_base_model().get_decoder().norm.register_forward_hook(spoil)


@pytest.mark.slow
def test_a_loss_that_is_not_finite_changes_nothing_and_is_told(tmp_path):
    said = []
    trainer, policy = small_trainer(tmp_path, steps=2, warn=said.append)
    poisoned(trainer, {1})
    before = []
    real = trainer.learning.faults.after_gradients
    trainer.learning.faults.after_gradients = lambda *a: (before.append(adapter(policy)), real(*a))
    trainer.train()
    assert equal(adapter(policy), before[1])
    assert [step["faults/skipped_steps"] for step in logged(trainer)[:2]] == [0, 1]
    assert said[-1] == "train: warning: loss or gradient was not finite: the step changes nothing"


@pytest.mark.slow
def test_three_such_steps_in_a_row_end_the_run(tmp_path):
    trainer, _ = small_trainer(tmp_path, steps=5)
    poisoned(trainer, {0, 1, 2, 3})
    with pytest.raises(PipelineError, match=r"3 times in a row; lower `train.learning_rate`"):
        trainer.train()
    assert trainer.faults.skipped == 3


def starved(trainer, max_rows, kind):
    """A hook without memory for more than `max_rows` responses with gradients."""

    def spoil(_module, _inputs, keywords):
        if torch.is_grad_enabled() and len(keywords["input_ids"]) > max_rows:
            raise kind

    trainer.model.get_base_model().get_decoder().register_forward_pre_hook(spoil, with_kwargs=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", [torch.OutOfMemoryError("no memory"), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate")]
)
def test_out_of_memory_is_tried_once_more_with_smaller_micro_batches(tmp_path, kind):
    undisturbed, expected = small_trainer(tmp_path / "whole", steps=2)
    undisturbed.train()
    said = []
    tokens = PROMPTS * (GROUP * 8 + 8)
    trainer, policy = small_trainer(tmp_path / "starved", steps=2, warn=said.append, micro_batch_tokens=tokens)
    starved(trainer, PROMPTS * GROUP - 1, kind)
    trainer.train()
    assert trainer.faults.retries == 1
    assert trainer.learning.micro_batch_tokens == tokens // 2
    assert len(said) == 1
    assert "once more with 80" in said[0]
    assert "not bit-for-bit repeatable" in said[0]
    for name, value in adapter(expected).items():
        torch.testing.assert_close(adapter(policy)[name], value, atol=1e-4, rtol=1e-3)


@pytest.mark.slow
def test_what_parts_had_added_before_memory_lacked_is_not_counted_twice(tmp_path):
    undisturbed, expected = small_trainer(tmp_path / "whole", steps=1, micro_batch_tokens=50)
    undisturbed.train()
    trainer, policy = small_trainer(tmp_path / "starved", steps=1, micro_batch_tokens=50)
    forward, calls = trainer.forward, []

    def starved_once(model, part):
        calls.append(torch.is_grad_enabled())
        if sum(calls) == 2 and calls[-1]:
            raise torch.OutOfMemoryError("no memory")
        return forward(model, part)

    trainer.forward = starved_once
    trainer.train()
    assert trainer.faults.retries == 1
    norms = [logged(own)[0]["grad_norm"] for own in (trainer, undisturbed)]
    assert norms[0] == pytest.approx(norms[1], rel=1e-3)
    for name, value in adapter(expected).items():
        torch.testing.assert_close(adapter(policy)[name], value, atol=1e-4, rtol=1e-3)


def test_a_good_step_in_between_begins_the_count_of_faults_anew():
    faults, parameter = Faults(lambda _: None), torch.zeros(2, requires_grad=True)
    for step in range(5):
        parameter.grad = torch.full((2,), math.inf if step % 2 == 0 else 1.0)
        faults.after_gradients(torch.ones(()), [parameter])
        assert (parameter.grad is None) == (step % 2 == 0)
    assert faults.skipped == 3
    for reward in (math.nan, 0.5, math.nan, 0.5):
        faults.only_finite(torch.full((4, 1), reward))
    faults.only_finite(torch.full((4, 1), math.nan))
    with pytest.raises(PipelineError, match="twice in a row"):
        faults.only_finite(torch.full((4, 1), math.nan))


def test_out_of_memory_again_is_an_error(tmp_path):
    trainer, _ = small_trainer(tmp_path, steps=1, micro_batch_tokens=PROMPTS * GROUP * 8)
    starved(trainer, 1, torch.OutOfMemoryError("no memory at all"))
    with pytest.raises(torch.OutOfMemoryError, match="no memory at all"):
        trainer.train()


def test_other_errors_are_not_taken_for_a_lack_of_memory(tmp_path):
    trainer, _ = small_trainer(tmp_path, steps=1)
    starved(trainer, 1, RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes do not match"):
        trainer.train()
    assert trainer.faults.retries == 0


class SilentLong(Characters):
    """No signal for prompts of more than so many characters."""

    def __init__(self, longest=4, score=0.5):
        self.longest, self.score = longest, score

    def __call__(self, completions, prompts, **columns):
        scores = super().__call__(completions, **columns)
        return [self.score if len(prompt) > self.longest else own for own, prompt in zip(scores, prompts, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize("resample", [True, False])
def test_groups_without_signal_are_left_out_or_drawn_again(tmp_path, resample):
    trainer, _ = small_trainer(tmp_path, SilentLong(), steps=2, num_prompts=12, resample_silent=resample)
    trainer.train()
    for step in logged(trainer)[:2]:
        assert step["zero_signal/es"] > 0
        assert (step["resampled_groups"] > 0) == resample
        assert 0 < step["learned_share"] < 1 or resample
        drawn = PROMPTS * GROUP + step["resampled_groups"] * GROUP
        assert step["tokens/es"] == pytest.approx(step["length/es"] * drawn), "of both draws"
    tables = [pd.read_parquet(path) for path in sorted((tmp_path / "completions").glob("*.parquet"))]
    for table in tables:
        assert len(table) >= PROMPTS * GROUP
        assert (len(table) > PROMPTS * GROUP) == resample
        silent = table["prompt"].str.len() > 4
        assert (table["advantage"][silent] == 0).all()
        assert (table["advantage"][~silent] != 0).any()


def test_a_group_without_signal_is_one_whatever_rounding_leaves(tmp_path):
    rewards = torch.full((2, 8), 0.05)
    assert (rewards - rewards.mean(1, keepdim=True)).abs().max() > 0, "this reward says nothing here"
    trainer, _ = small_trainer(tmp_path, SilentLong(0, 0.05), steps=1, config={"num_generations": 8})
    trainer.train()
    assert logged(trainer)[0]["learned_share"] == 0


@pytest.mark.slow
def test_where_too_few_other_prompts_are_left_they_are_drawn_more_than_once(tmp_path):
    trainer, _ = small_trainer(tmp_path, SilentLong(1), steps=2, num_prompts=PROMPTS + 1, resample_silent=True)
    trainer.train()
    assert all(step["resampled_groups"] >= 3 for step in logged(trainer)[:2])


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [1, 2])
def test_a_sampler_that_is_far_off_is_corrected_for(tmp_path, monkeypatch, epochs):
    """A = A · min(p_learner / p_sampler, 2) at every token, computed here once more from what the step saw.

    In a second pass over the rollouts the learner's are still those of the first.
    """
    seen = []

    def watched(learning, part, logps, sums):
        advantages = original(learning, part, logps, sums)
        seen.append((part, logps, advantages))
        return advantages

    from components.train.learning import Learning

    original = Learning._corrected
    monkeypatch.setattr(Learning, "_corrected", watched)
    said = []
    trainer, _ = small_trainer(tmp_path, steps=epochs, warn=said.append, config={"num_iterations": epochs})
    for parameter in trainer.sampled.model.parameters():
        parameter.data = parameter.data.clone()
    real = trainer.sampled.refresh

    def off():
        real()
        trainer.sampled.model.get_output_embeddings().weight.data.mul_(0.9)

    trainer.sampled.refresh = off
    trainer.train()
    steps = [entry for entry in trainer.state.log_history if "sampling/corrected" in entry]
    assert len(steps) == len(seen) == epochs
    assert all(step["sampling/logp_difference_mean"] > 0.02 and step["sampling/corrected"] == 1 for step in steps)
    assert len({step["sampling/logp_difference_mean"] for step in steps}) == 1, "it is no measure of what was learned"
    assert len(said) == 1
    assert "weighted by importance" in said[0]
    (_, first, _), (_, last, _) = seen[0], seen[-1]
    assert torch.equal(first, last) == (epochs == 1)
    for part, _, advantages in seen:
        expected = part["advantages"][:, None] * (first - part["sampling_per_token_logps"]).exp().clamp(max=2)
        torch.testing.assert_close(advantages, expected)
