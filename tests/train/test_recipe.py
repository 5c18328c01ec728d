"""The stage's steps in their order, with trainers that only keep count."""

from types import SimpleNamespace

import pytest
from transformers import TrainerControl, TrainerState

from components.params import load_params
from components.train import recipe
from components.train.callbacks import Budget
from components.train.data import TrainingData
from components.train.recipe import _Begun, _teach, _train
from components.train.replicas import Replicas
from components.train.results import Outputs
from components.train.validation import Validation
from tests.made_up import question, reference


def stage_run(**train):
    params = load_params().with_values({f"train.{name}": value for name, value in train.items()})
    return SimpleNamespace(params=params, log_metrics=lambda *_: None, say=print, log_artifact=lambda *_: None)


def begun(folder):
    pairs = [(question(0, "es"), reference(0))]
    data = TrainingData(shots=[], warmup=pairs, english=pairs, rollouts=pairs, validation=pairs)
    manifest = SimpleNamespace(policy=SimpleNamespace(name="tiny"))
    return _Begun(manifest, data, None, SimpleNamespace(folder=folder), Replicas())


@pytest.mark.parametrize(
    ("max_tokens", "num_sampled", "left"), [(100, 60, 40), (100, 200, 1), (0, 200, 0), (100, 0, 100)]
)
def test_what_rafts_rollouts_have_spent_its_updates_cannot(tmp_path, monkeypatch, max_tokens, num_sampled, left):
    told = []
    monkeypatch.setattr(recipe, "fine_tune", lambda *given, **_: told.append(given) or [])
    run = stage_run(
        max_tokens=max_tokens, steps=3, epochs=2, learning_rate_warmup_steps=1, save_every=5, seed=18, method="raft"
    )
    _teach(run, begun(tmp_path), None, [(question(0, "es"), "text")], ["watching"], num_sampled)
    ((_, _, _, schedule, folder, callbacks),) = told
    watching, budget = callbacks
    assert (watching, folder) == ("watching", tmp_path / "sft")
    assert isinstance(budget, Budget)
    assert (budget.max_tokens, budget.epochs) == (left, 2)
    told_of = (schedule.steps, schedule.learning_rate_warmup_steps, schedule.save_every, schedule.seed)
    assert told_of == (6, 2, 10, 18), "updates, of which a step has two"


@pytest.mark.parametrize(("epochs", "last"), [(1, 3), (2, 2)])
def test_where_a_budget_ends_training_between_validations_its_last_step_is_a_candidate(
    tmp_path, monkeypatch, epochs, last
):
    def updates(*given):
        """Ten tokens sampled a step, ten learned from in each pass."""
        callbacks, state, control = given[-1], TrainerState(max_steps=100), TrainerControl()
        while not control.should_training_stop:
            state.global_step += 1
            entry = {"step": state.global_step, "loss": 0.0, "tokens_learned": 10}
            state.log_history.append(entry | ({"tokens/es": 10} if state.global_step % epochs == 1 % epochs else {}))
            for callback in callbacks:
                callback.on_step_end(None, state, control)
                callback.on_log(None, state, control, logs=entry)
        return state.log_history

    saved, measured, written = [], [], []

    def measure(self, step, _responder):
        measured.append(step)
        self.history[step] = {"macro": 0.5}
        return self.history[step]

    monkeypatch.setattr(recipe, "_load_policy", lambda *_: (None, SimpleNamespace(model=None, refresh=lambda: None)))
    monkeypatch.setattr(recipe, "save_adapter", lambda _policy, folder, base_name: saved.append((folder, base_name)))
    monkeypatch.setattr(recipe, "_reinforce", updates)
    monkeypatch.setattr(recipe, "write_outputs", lambda *given: written.append(given))
    monkeypatch.setattr(Validation, "measure", measure)
    _train(stage_run(method="grpo", max_tokens=50, validate_every=4, epochs=epochs), begun(tmp_path), Outputs())
    assert measured == [0, last]
    assert saved == [(tmp_path / "candidates" / f"step-{last}", "tiny")]
    assert len(written) == 1
