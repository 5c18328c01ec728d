"""What a training leaves: the chosen step's adapter, and figures of its log."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest

from components.generation.sampler import Decoding
from components.params import load_params
from components.train.results import Outputs, write_outputs
from components.train.validation import Validation


def test_the_best_validated_steps_adapter_is_written_and_figures_are_of_the_log(tmp_path):
    work = tmp_path / "work"
    for step in (1, 2):
        (work / f"candidates/step-{step}").mkdir(parents=True)
        (work / f"candidates/step-{step}/adapter_model.safetensors").write_bytes(b"of step %d" % step)
        (work / "rl/completions").mkdir(parents=True, exist_ok=True)
        pd.DataFrame({"completion": [f"at {step}"]}).to_parquet(work / f"rl/completions/completions_{step:05}.parquet")
    history = {step: {"es": score, "macro": score} for step, score in {0: 0.9, 1: 0.6, 2: 0.4}.items()}
    (work / "validation.json").write_text(json.dumps(history))
    steps = [
        {
            "step": step, "loss": 0.1, "reward": step / 10, "tokens/es": 3, "tokens/de": 2, "tokens_learned": 4,
            "frac_reward_zero_std": 0.25, "completions/clipped_ratio": 0.5, "step_time": 2.0,
        }
        for step in range(1, 11)
    ]  # fmt: skip
    artifacts = []
    run = SimpleNamespace(
        params=load_params().with_values({"train.method": "grpo", "train.epochs": 1}), metrics={}, say=print,
        log_artifact=artifacts.append,
    )  # fmt: skip
    outputs = Outputs(*(tmp_path / name for name in ("warmup", "trained", "completions.parquet", "curve.csv")))
    validation = Validation([], Decoding(8), work / "validation.json")
    write_outputs(run, [*steps, {"step": 10, "train_runtime": 1.0}], validation, work, outputs, {"num_lessons": 5})
    assert (outputs.trained / "adapter_model.safetensors").read_bytes() == b"of step 1", "step 0 is no candidate"
    assert pd.read_parquet(outputs.completions)["completion"].tolist() == ["at 1", "at 2"]
    assert artifacts == [outputs.completions]
    told = run.metrics
    assert (told["chosen_step"], told["steps"], told["num_lessons"]) == (1, 10, 5)
    assert told["validation"] == {"0": 0.9, "1": 0.6, "2": 0.4}
    assert told["reward_first_fifth"] == pytest.approx(0.15)
    assert told["reward_last_fifth"] == pytest.approx(0.95)
    assert (told["tokens_sampled"], told["tokens_learned"]) == (50, 40)
    assert (told["zero_signal_share"], told["truncated_share"], told["step_seconds_mean"]) == (0.25, 0.5, 2.0)
