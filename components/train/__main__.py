"""Warm-up, then RL (RAFT, GRPO, RLOO, PPO) or supervised steps with LoRA; base, warm-up and trained stay apart.

The warm-up is supervised on the English references of `train`; RL answers the same problems' questions in the trained
languages and is rewarded as `reward.function` says; RAFT learns the best rewarded by supervised steps. The checkpoint
is chosen on `validation`.
Writes adapters/warmup, adapters/trained, data/train/completions.parquet and plots/train.csv.
Run: `python -m components.train`.
"""

from components.stage import StageRun, run_stage


def work(run: StageRun) -> None:
    """See the module; the steps are in `components.train.recipe`."""
    from components.train.recipe import train
    from components.train.results import Outputs

    train(run, Outputs())


if __name__ == "__main__":
    run_stage("train", work)
