"""The mark that hostile files leave, and small checkpoints to plant them in."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from components.contracts import ModelEntry, PipelineError
from tests.tiny import save_tiny
from tests.tracking.conftest import ROOT, all_runs, empty_store, pytest_configure, repository

__all__ = ["all_runs", "empty_store", "pytest_configure", "repository"]


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[Path]:
    """Is there where something hostile was run; no test lets it pass."""
    path = tmp_path / "hostile-code-was-run"
    yield path
    assert not path.exists()


@pytest.fixture
def tree(repository: Path) -> Path:
    """`repository` with the code and what users add, which stages take the fingerprint of."""
    for folder in ("components", "sources"):
        (repository / folder).symlink_to(ROOT / folder)
    return repository


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A whole checkpoint."""
    return save_tiny(tmp_path / "model")


def one_line(call: Callable[[], object]) -> str:
    """The line of the `PipelineError` that a call ends with."""
    with pytest.raises(PipelineError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def at_most_one_line(call: Callable[[], object]) -> None:
    """Make a call that may end well, or with a line."""
    told = ""
    try:
        call()
    except PipelineError as error:
        told = str(error)
    assert "\n" not in told


def entry_of(folder: Path) -> ModelEntry:
    """As the stage `models` would tell it."""
    return ModelEntry(name="tiny", path=str(folder), fingerprint="0", has_chat_template=False, num_parameters=1)
