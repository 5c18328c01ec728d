"""What is written of steps that lack a value: without a score there is no reward, without signal no entropy."""

import csv
import json

import pytest
from peft import LoraConfig, get_peft_model
from transformers import TrainerControl, TrainerState

from components.progress import Progress
from components.train.callbacks import CURVE_COLUMNS, Budget, LiveMetrics, StepsAlone, save_adapter, write_curve
from components.train.results import _mean
from tests.tiny import tiny_llama
from tests.train.small import GROUP, PROMPTS, Characters, small_trainer

WHOLE = {
    "step": 1, "loss": 0.25, "reward": 0.5, "frac_reward_zero_std": 0.25, "completions/clipped_ratio": 0.0,
    "completions/mean_length": 9.0, "entropy": 1.5, "sampling/logp_difference_mean": 0.01,
}  # fmt: skip
UNSCORED = {key: value for key, value in WHOLE.items() if key not in ("entropy", "sampling/logp_difference_mean")}
UNSCORED |= {"step": 2, "reward": None}


def test_the_curve_leaves_them_empty(tmp_path):
    write_curve(tmp_path / "curve.csv", [WHOLE, UNSCORED, {"train_runtime": 3.0}], {2: {"macro": 0.75}})
    with (tmp_path / "curve.csv").open() as file:
        first, second = csv.DictReader(file)
    assert list(first) == list(CURVE_COLUMNS)
    assert (first["reward"], first["entropy"], first["validation"]) == ("0.5", "1.5", "")
    assert (second["reward"], second["entropy"], second["validation"]) == ("", "", "0.75")


def test_supervised_steps_have_a_loss_alone_and_of_two_passes_the_first_is_told(tmp_path):
    write_curve(
        tmp_path / "curve.csv", [{"step": step, "loss": 1 / step} for step in (1, 2, 3, 4)], {2: {"macro": 0.5}}, 2
    )
    with (tmp_path / "curve.csv").open() as file:
        rows = [{key: value for key, value in row.items() if value} for row in csv.DictReader(file)]
    assert rows == [
        {"step": "1", "loss": "1.0"},
        {"step": "2", "loss": str(1 / 3), "validation": "0.5"},
    ]


def test_means_are_over_the_steps_that_have_it():
    assert _mean([WHOLE, UNSCORED], "reward") == 0.5
    assert _mean([UNSCORED, WHOLE], "sampling/logp_difference_mean") == 0.01
    assert _mean([UNSCORED], "reward") is None


def test_live_metrics_and_the_progress_pass_over_them(capsys):
    sent = []
    state = TrainerState(global_step=2, log_history=[UNSCORED | {"loss": 0.0}])
    with Progress("steps", 2) as progress:
        live = LiveMetrics(progress, "grpo", lambda numbers, step: sent.append((numbers, step)))
        live.on_log(None, state, TrainerControl(), logs=UNSCORED)
        live.on_step_end(None, state, TrainerControl())
    assert "grpo/reward" not in sent[0][0]
    assert sent[0][0]["grpo/completions/mean_length"] == 9.0
    assert "loss 0.000" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("max_tokens", "epochs", "is_spent"), [(22, 1, True), (23, 1, False), (0, 1, False), (22, 2, False)]
)
def test_a_budget_is_spent_by_what_was_sampled_and_learned_from_at_the_end_of_a_step(max_tokens, epochs, is_spent):
    """With two passes over the same rollouts the first update ends no step."""
    log = [{"tokens/es": 10, "tokens/de": 5, "tokens_learned": 7, "length/es": 100, "loss": 30}]
    state = TrainerState(global_step=1, log_history=log)
    assert Budget(max_tokens, epochs).is_spent(state) == is_spent
    control = TrainerControl()
    Budget(max_tokens, epochs).on_log(None, state, control)
    assert control.should_training_stop == is_spent


class Remembering(Characters):
    """Holds what it was asked, as an encoder does."""

    def __init__(self):
        self.remembered = []

    def __call__(self, completions, **_):
        self.remembered += completions
        return super().__call__(completions)


@pytest.mark.slow
def test_before_a_step_what_earlier_ones_left_is_forgotten(tmp_path):
    reward = Remembering()
    trainer, _ = small_trainer(tmp_path, reward, steps=3, callbacks=[StepsAlone(reward.remembered.clear)])
    trainer.train()
    assert len(reward.remembered) == PROMPTS * GROUP


def test_an_adapter_names_its_base_and_its_modules_in_one_order(tmp_path):
    policy = get_peft_model(tiny_llama(), LoraConfig(r=2, target_modules="all-linear"))
    save_adapter(policy, tmp_path, "packaged")
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert config["target_modules"] == sorted(policy.active_peft_config.target_modules)
    assert config["base_model_name_or_path"] == "packaged"
    assert (tmp_path / "adapter_model.safetensors").is_file()
