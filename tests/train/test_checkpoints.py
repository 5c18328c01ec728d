"""Which checkpoint a killed training goes on from."""

import pytest

from components.train.checkpoints import last_whole_checkpoint


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
