"""The experiment `reward-comparison`: one run a reward, all with the same metrics, for MLflow to set side by side."""

from collections.abc import Mapping
from typing import Any, Literal

from components.tracking.run import numbers, tracked_run

COMPARISON = "reward-comparison"
Kind = Literal["offline", "trained"]


def reward_figures(comparison: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A comparison's metrics by reward instead of by label: figures under the label's name, and the cost."""
    found: dict[str, dict[str, Any]] = {
        name: {"cost_s_per_1000": seconds} for name, seconds in comparison["cost_s_per_1000"].items()
    }
    for source, told in comparison["labels"].items():
        for name, figures in told["rewards"].items():
            numbers_only = {key: figures[key] for key in ("auc_macro", "pooled", "languages")}
            found[name][source.replace(" ", "_")] = numbers_only
    return found


def log_comparison(
    rewards: Mapping[str, Mapping[str, Any]], kind: Kind, tags: Mapping[str, str], params: Mapping[str, Any]
) -> None:
    """One run for each reward.

    Args:
        rewards: Figures by reward, nested by name; numbers are logged, None (nothing could be measured) is not.
        kind: `offline`: measured on given responses; `trained`: by training with the reward.
        tags: Of every run; `kind` and `reward` are added.
        params: Of every run.
    """
    for name, figures in rewards.items():
        with tracked_run(f"{kind}/{name}", {**tags, "kind": kind, "reward": name}, experiment=COMPARISON) as run:
            run.log_params(params)
            run.log_metrics(numbers("", figures))
