"""RLOO's advantages: each response against the mean of its group's others, by hand and in a run."""

from types import SimpleNamespace

import pytest
import torch

from components.train.trainer import PivotGRPOTrainer
from tests.train.small import GROUP, Characters, SomeUnscored, small_trainer


@pytest.mark.slow
@pytest.mark.parametrize("reward", [Characters(), SomeUnscored(GROUP, 1)])
def test_advantages_leave_the_response_itself_out(tmp_path, monkeypatch, reward):
    seen = SimpleNamespace(rewards=[], advantages=[])
    scored, generated = PivotGRPOTrainer._calculate_rewards, PivotGRPOTrainer._generate_and_score_completions

    def watched_scores(self, *arguments):
        seen.rewards.append(scored(self, *arguments))
        return seen.rewards[-1]

    def watched_batch(self, inputs):
        output = generated(self, inputs)
        seen.advantages.append(output["advantages"].clone())
        return output

    monkeypatch.setattr(PivotGRPOTrainer, "_calculate_rewards", watched_scores)
    monkeypatch.setattr(PivotGRPOTrainer, "_generate_and_score_completions", watched_batch)
    trainer, _ = small_trainer(tmp_path, reward, leave_one_out=True)
    trainer.train()
    assert len(seen.advantages) == 2
    for rewards, advantages in zip(seen.rewards, seen.advantages, strict=True):
        groups = rewards[:, 0].view(-1, GROUP).tolist()
        expected = [_left_out(group, place) for group in groups for place in range(GROUP)]
        assert any(expected)
        torch.testing.assert_close(advantages, torch.tensor(expected), atol=1e-5, rtol=1e-5)


def _left_out(group, place):
    """R - mean of the others that were scored; 0 for a response that was not."""
    others = [score for number, score in enumerate(group) if number != place and score == score]
    return group[place] - sum(others) / len(others) if group[place] == group[place] else 0.0
