"""Of an arm's learning rates validation chooses one."""

from pathlib import Path

from components.compare import rates
from components.compare.rates import train_best
from components.params import load_params
from components.stage import StageRun

SCORES = {1e-3: 0.5, 1e-4: 0.5, 1e-5: 0.2}


def test_the_lower_of_the_best_rates_at_their_chosen_steps_is_taken(tmp_path, monkeypatch):
    def trained(run, outputs, warmed_up):
        rate = run.params.train.learning_rate
        outputs.trained.mkdir(parents=True)
        (outputs.trained / "adapter_model.safetensors").write_text(f"{warmed_up.name} and {rate:g}")
        run.metrics |= {"chosen_step": 2, "validation": {"0": 0.99, "1": 0.99, "2": SCORES[rate]}, "of": rate}

    monkeypatch.setattr(rates, "train", trained)
    arms = {"own": {"train.learning_rate": list(SCORES)}}
    params = load_params().with_values({"compare.arms": arms, "compare.run": ["own"], "compare.pools": {}})
    run = StageRun("compare", params, None)
    train_best(run, "own", tmp_path, Path("warmup"))
    assert run.metrics["learning_rate"] == run.metrics["of"] == 1e-4
    assert run.metrics["tried"] == {"0.001": 0.5, "1e-05": 0.2, "0.0001": 0.5}
    assert (tmp_path / "adapter" / "adapter_model.safetensors").read_text() == "warmup and 0.0001"
