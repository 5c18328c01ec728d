"""The sections on training: its curves, and how long it took."""

from collections.abc import Mapping
from typing import Any

from components.params import Params, TrainParams
from components.report.document import Block, Figure, RowGroup, Table, Text
from components.report.figures import has_kl, has_rewards, training_plot
from components.report.inputs import Inputs
from components.report.words import decimal, percent


def training_blocks(inputs: Inputs, asked: TrainParams) -> list[Block]:
    """From metrics/train.json and plots/train.csv."""
    train = inputs.train
    validation = {int(step): value for step, value in train["validation"].items()}
    chosen = train["chosen_step"]
    before, sampled = ("after the warm-up", "warmed-up") if asked.warmup_steps else ("before it", "untrained")
    told = (
        f"{train['steps']} steps of {train['method'].upper()}. Validation (agreement with the references): "
        f"{percent(validation.get(0))} % {before}, {percent(validation[chosen])} % at step {chosen}, which "
        f"was chosen for it."
    )
    if train["method"] == "raft":
        told += (
            f" The {sampled} policy's {train['num_rollouts_first_round']} first rollouts had a mean reward of "
            f"{decimal(train['rollouts_reward'], 3)}, {percent(train['truncated_share'])} % were truncated. Of all "
            f"{train['num_rollouts']} {train['num_lessons']} different good ones were learned, and "
            f"{train['num_english_lessons']} English references."
        )
    elif train["method"] != "sft":
        told += (
            f" Mean reward {decimal(train['reward_first_fifth'], 3)} in the first fifth and "
            f"{decimal(train['reward_last_fifth'], 3)} in the last. Groups whose responses all got the same reward: "
            f"{percent(train['zero_signal_share'])} %. Truncated responses: {percent(train['truncated_share'])} %."
        )
    described = "By step, from above: validation; the loss, in nats a token."
    if has_rewards(inputs.curve):
        described = (
            "By step, from above: reward and validation; the shares of groups without signal and of truncated "
            f"responses; entropy{' and KL to the base' if has_kl(inputs.curve) else ''}, in nats a token."
        )
    return [Text(told), Figure(training_plot(inputs.curve, validation, chosen), described)]


def timing_blocks(train: Mapping[str, Any], params: Params) -> list[Block]:
    """From metrics/train.json. Seconds of whole stages are in receipts (runs/), which no result may depend on."""
    seconds = train["step_seconds_mean"]
    rows = [["seconds a step, mean", decimal(seconds, 1)]]
    for name in ("tokens_sampled", "tokens_learned"):
        rows.append([f"{name.replace('_', ' ')}, in all", f"{train[name]:,.0f}"])
    asked, shape = params.train, ""
    if asked.method in ("raft", "sft"):
        shape = f"A step learns from {asked.lessons_per_step} lessons. "
    else:
        shape = (
            f"A step samples {asked.group_size} responses to each of {asked.prompts_per_step} prompts and learns from "
            "them. "
        )
    note = (
        f"{shape}What each reward costs stands beside its AUC; all of it depends on the machine and its load. Seconds "
        "of whole stages differ between equal runs, so no result holds them: pb-rlsvr repro prints them at its end, "
        "and each stage's run in MLflow has them."
    )
    return [Table(("training", "value"), [RowGroup("", rows)]), Text(note)]
