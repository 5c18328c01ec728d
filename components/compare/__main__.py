"""One part of the comparison by training; compare/dvc.yaml has them all.

Run: `python -m components.compare base`, `... warmup SEED`, `... ARM SEED`, `... table`. What is trained, and on what
test, is in data/compare/NAME: `adapter`, `predictions.parquet`.
"""

import sys
from functools import partial
from pathlib import Path

from components.contracts import PipelineError
from components.params import load_params
from components.stage import StageRun, Variant, run_stage

DECLARED = Path("compare/dvc.yaml")
ROOT = Path("data/compare")


def main(arguments: list[str]) -> None:
    """Run the part that is asked for; what is wrong with the arguments is told in one line."""
    match arguments:
        case ["base"]:
            run_stage("compare/base", _base, Variant(DECLARED, "base"))
        case ["table"]:
            run_stage("compare", _table, Variant(DECLARED, "table"))
        case ["warmup", seed] if seed.isdecimal():
            variant = Variant(DECLARED, "warmup", {"train.seed": int(seed)}, {"seed": seed})
            run_stage(f"compare/warmup-{seed}", partial(_warmup, seed=seed), variant)
        case [arm, seed] if seed.isdecimal():
            values = {**_values(arm), "train.seed": int(seed)}
            variant = Variant(DECLARED, "arm", values, {"arm": arm, "seed": seed})
            run_stage(f"compare/{arm}-{seed}", partial(_arm, arm=arm, seed=seed), variant)
        case _:
            sys.exit("pb-rlsvr compare: give `base`, `warmup SEED`, `ARM SEED` or `table`")


def _values(arm: str) -> dict[str, object]:
    try:
        return load_params().compare.trials(arm)[0]
    except KeyError:
        sys.exit(f"pb-rlsvr compare: params.yaml: `compare.arms` has no `{arm}`")
    except PipelineError as error:
        sys.exit("\n".join(f"pb-rlsvr compare: {line}" for line in str(error).splitlines()))


def _base(run: StageRun) -> None:
    from components.compare.on_test import answer_test

    answer_test(run, "base", None, ROOT / "base")


def _warmup(run: StageRun, seed: str) -> None:
    from components.compare.on_test import answer_test
    from components.train.recipe import warm_up_alone

    folder = ROOT / f"warmup-{seed}"
    warm_up_alone(run, folder / "adapter")
    answer_test(run, "warmup", folder / "adapter", folder)


def _arm(run: StageRun, arm: str, seed: str) -> None:
    from components.compare.on_test import answer_test
    from components.compare.rates import train_best

    folder = ROOT / f"{arm}-{seed}"
    train_best(run, arm, folder, ROOT / f"warmup-{seed}" / "adapter")
    answer_test(run, "trained", folder / "adapter", folder)


def _table(run: StageRun) -> None:
    from components.compare.table import compare_arms

    compare_arms(run, ROOT)


if __name__ == "__main__":
    main(sys.argv[1:])
