"""Warm-up, then GRPO with LoRA; base, warm-up and trained stay apart.

The warm-up is supervised on the English references of `train`; RL answers the same problems' questions in the trained
languages and is rewarded by the hybrid of answer, meaning and language. The checkpoint is chosen on `validation`.
Writes adapters/warmup, adapters/trained, data/train/completions.parquet and plots/train.csv.
Run: `python -m components.train`.
"""

from components.stage import StageRun, run_stage


def work(run: StageRun) -> None:
    """See the module; the steps are in `components.train.recipe`."""
    from components.train.recipe import train

    train(run)


if __name__ == "__main__":
    run_stage("train", work)
