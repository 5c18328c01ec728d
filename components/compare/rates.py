"""An arm's learning rate: each that it lists is tried, and validation chooses, never the test."""

import shutil
from pathlib import Path

from components.stage import StageRun
from components.train.recipe import train
from components.train.results import Outputs


def train_best(run: StageRun, arm: str, folder: Path, warmed_up: Path) -> None:
    """Train `arm` with each rate into `folder`/rate-N; the best's adapter into `folder`/adapter, its metrics to `run`.

    What is best is agreement with the references on validation, at each rate's chosen step; ties go to the lower rate.
    """
    tried: dict[float, float] = {}
    parts: dict[float, StageRun] = {}
    for values in run.params.compare.trials(arm):
        rate = run.params.with_values(values).train.learning_rate
        part = parts[rate] = run.part(f"rate-{rate:g}", values)
        train(part, _outputs(folder / f"rate-{rate:g}"), warmed_up)
        tried[rate] = part.metrics["validation"][str(part.metrics["chosen_step"])]
    best = max(tried, key=lambda rate: (tried[rate], -rate))
    run.metrics |= parts[best].metrics
    run.metrics |= {"learning_rate": best, "tried": {f"{rate:g}": score for rate, score in tried.items()}}
    shutil.copytree(folder / f"rate-{best:g}" / "trained", folder / "adapter", dirs_exist_ok=True)


def _outputs(folder: Path) -> Outputs:
    return Outputs(folder / "start", folder / "trained", folder / "completions.parquet", folder / "curve.csv")
