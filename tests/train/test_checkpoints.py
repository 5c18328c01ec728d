"""Which checkpoint a killed training goes on from."""

import errno

import pytest
import torch

from components.contracts import PipelineError
from components.environment import Terminated
from components.train.checkpoints import last_whole_checkpoint, train_or_resume
from tests.train.small import Characters, adapter, small_trainer


def checkpoint(folder, step, whole=True):
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    (path / "adapter_model.safetensors").write_bytes(b"weights")
    if whole:
        (path / "trainer_state.json").write_text("{}")
    return path


@pytest.mark.parametrize("make_folder", [False, True])
def test_none_where_there_is_none(tmp_path, make_folder):
    if make_folder:
        (tmp_path / "run").mkdir()
    assert last_whole_checkpoint(tmp_path / "run") is None


def test_the_newest_whole_one_is_taken_and_torn_ones_are_removed(tmp_path):
    checkpoint(tmp_path, 5)
    newest = checkpoint(tmp_path, 10)
    torn = checkpoint(tmp_path, 15, whole=False)
    assert last_whole_checkpoint(tmp_path) == newest
    assert not torn.exists()


def test_a_torn_one_alone_means_from_the_start(tmp_path):
    torn = checkpoint(tmp_path, 5, whole=False)
    assert last_whole_checkpoint(tmp_path) is None
    assert not torn.exists()


class Stopped(Characters):
    """Ends the run (an epoch has two steps) with `error` when it is called for the `number`-th time."""

    def __init__(self, number, error):
        self.calls, self.number, self.error = 0, number, error

    def __call__(self, completions, **columns):
        self.calls += 1
        if self.calls == self.number:
            raise self.error
        return super().__call__(completions, **columns)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    trainer, policy = small_trainer(tmp_path_factory.mktemp("undisturbed"), steps=5)
    trainer.train()
    return adapter(policy), trainer.state.log_history


@pytest.mark.slow
@pytest.mark.parametrize(("stop_in", "error"), [(2, KeyboardInterrupt()), (3, Terminated(143)), (4, Terminated(143))])
def test_stopped_within_a_step_it_saves_the_one_before_and_ends_where_an_undisturbed_run_ends(
    tmp_path, undisturbed, stop_in, error, capsys
):
    trainer, policy = small_trainer(tmp_path, Stopped(stop_in, error), steps=5)
    with pytest.raises(type(error)):
        train_or_resume(trainer, policy, tmp_path)
    assert last_whole_checkpoint(tmp_path).name == f"checkpoint-{stop_in - 1}"
    assert f"step {stop_in - 1} is saved" in capsys.readouterr().out
    trainer, policy = small_trainer(tmp_path, steps=5)
    train_or_resume(trainer, policy, tmp_path)
    weights, history = undisturbed
    assert {name: value.tolist() for name, value in adapter(policy).items()} == {
        name: value.tolist() for name, value in weights.items()
    }
    rewards = [[entry["reward"] for entry in log if "reward" in entry] for log in (trainer.state.log_history, history)]
    assert rewards[0] == rewards[1]


@pytest.mark.slow
def test_stopped_in_the_first_step_there_is_nothing_to_save(tmp_path):
    trainer, policy = small_trainer(tmp_path, Stopped(1, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        train_or_resume(trainer, policy, tmp_path)
    assert last_whole_checkpoint(tmp_path) is None


@pytest.mark.slow
def test_stopped_while_weights_change_nothing_half_done_is_saved(tmp_path):
    trainer, policy = small_trainer(tmp_path, steps=3, config={"save_steps": 1})
    step, calls = torch.optim.AdamW.step, []

    def stopped(self, *arguments, **keywords):
        calls.append(1)
        result = step(self, *arguments, **keywords)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", stopped)
        with pytest.raises(KeyboardInterrupt):
            train_or_resume(trainer, policy, tmp_path)
    assert len(calls) == 2
    assert last_whole_checkpoint(tmp_path).name == "checkpoint-1"


def test_a_checkpoint_whose_state_was_cut_off_is_none(tmp_path):
    for step, text in ((1, "{}"), (2, '{"log_history": [{"lo'), (3, None)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if text is not None:
            (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(text)
    assert last_whole_checkpoint(tmp_path) == tmp_path / "checkpoint-1"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-1"]


@pytest.mark.slow
def test_a_full_disk_is_told_and_the_checkpoint_before_stays(tmp_path, monkeypatch):
    trainer, policy = small_trainer(tmp_path, steps=3, config={"save_steps": 1, "save_total_limit": 1})
    save = trainer._save_rng_state

    def full(folder):
        if trainer.state.global_step == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(folder)

    monkeypatch.setattr(trainer, "_save_rng_state", full)
    with pytest.raises(
        PipelineError, match=r"step 2 could not be written .*No space left.* checkpoint-1 before it is whole"
    ):
        train_or_resume(trainer, policy, tmp_path)
    assert [path.name for path in tmp_path.glob("checkpoint-*")] == ["checkpoint-1"]
    trainer, policy = small_trainer(tmp_path, steps=3)
    train_or_resume(trainer, policy, tmp_path)
    assert trainer.state.global_step == 3
