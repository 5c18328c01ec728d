"""A finished evaluation in MLflow, to be set beside others: a second copy of what is in its folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.benchmarks.folder import FILES
from components.tracking import numbers, tracked_run
from components.tracking.receipt import git_state
from components.tracking.run import flatten

EXPERIMENT = "pb-rlsvr-benchmarks"
FIGURES = ("systems", "macro", "gap", "comparisons", "seeds")
NO_PARAMETERS = ("rows", "versions", "adapters")
"""Of `made`: nested by language or by a name that may hold any character. The folder's metrics.json has them."""


def log_benchmark(metrics: Mapping[str, Any], out: Path) -> None:
    """One run with parameters, figures, tables and the files of the folder `out`, from what metrics.json holds."""
    made = metrics["made"]
    tags = {"benchmark": made["benchmark"], "model": made["model"], "git.commit": git_state()["commit"] or "none"}
    with tracked_run(f"{made['benchmark']}/{made['model']}", tags, experiment=EXPERIMENT) as run:
        run.log_params(
            {name: value for name, value in made.items() if name not in NO_PARAMETERS}
            | {"languages": ", ".join(made["rows"]), "adapters": ", ".join(made["adapters"])}
        )
        run.log_metrics(numbers("", {name: metrics[name] for name in FIGURES}))
        run.log_table(figures_table(metrics), "figures.json")
        run.log_table(gains_table(metrics), "gains.json")
        for name in FILES:  # by name: the folder may be any, with more in it
            run.log_artifact(out / name, "evaluation")


def figures_table(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row a system and language."""
    return [
        {"system": system, "lang": lang, **flatten(own, "/")}
        for system, by_lang in metrics["systems"].items()
        for lang, own in by_lang.items()
    ]


def gains_table(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row an adapter and language."""
    return [
        {"system": system, "with": own["with"], "lang": lang, **one}
        for system, own in metrics["comparisons"].items()
        for lang, one in own["by_language"].items()
    ]
