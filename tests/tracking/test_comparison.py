"""The experiment of rewards: what a notebook finds there."""

import pytest

from components.tracking import log_comparison, reward_figures

REWARDS = ("answer", "numbers", "steps", "embedding", "hybrid", "hybrid_paper", "calibrated")


def comparison():
    """As `compare_rewards` measures it, of numbers made up."""
    rewards = {
        name: {
            "auc_macro": 0.5 + place / 20,
            "pooled": {"auc": 0.6 + place / 20, "ece": 0.05, "brier": 0.2, "log_loss": 0.6, "n": 40},
            "languages": {lang: {"auc": 0.6, "n": 20} for lang in ("es", "sw")},
            "reliability": [{"low": 0.0}],
        }
        for place, name in enumerate(REWARDS)
    }
    return {
        "labels": {"half B vote": {"rewards": rewards, "answer_only": {}}, "gold": {"rewards": rewards}},
        "cost_s_per_1000": dict.fromkeys(REWARDS, 1.5),
    }


@pytest.mark.slow
@pytest.mark.usefixtures("repository")
def test_every_reward_is_a_run_with_the_same_metrics():
    import mlflow

    from components.environment import tracking_uri

    log_comparison(reward_figures(comparison()), "offline", {"dvc.stage": "calibrate"}, {"reward": {"encoder": "x"}})
    log_comparison({"answer": {"auc": 0.1}}, "trained", {"dvc.stage": "train"}, {})
    mlflow.set_tracking_uri(tracking_uri())
    runs = mlflow.search_runs(experiment_names=["reward-comparison"], filter_string="tags.kind = 'offline'")
    assert set(runs["tags.reward"]) == set(REWARDS)
    assert len(runs) >= 6
    metrics = runs[[column for column in runs if column.startswith("metrics.")]].dropna(axis="columns", how="all")
    assert not metrics.isna().any(axis=None), "the same keys in every run"
    assert {"metrics.cost_s_per_1000", "metrics.gold/auc_macro", "metrics.half_B_vote/pooled/ece"} <= set(metrics)
    by_reward = runs.set_index("tags.reward")
    assert by_reward["metrics.gold/pooled/auc"]["steps"] == pytest.approx(0.7)
    assert set(runs["params.reward.encoder"]) == {"x"}
    assert set(runs["tags.dvc.stage"]) == {"calibrate"}
    assert set(runs["status"]) == {"FINISHED"}
