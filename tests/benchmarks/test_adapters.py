"""What `--adapter` takes, and what each adapter is called."""

from pathlib import Path

import pytest

from components.benchmarks.adapters import adapters_by_system, seeds_by_label
from components.contracts import PipelineError


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("trained", "other/trained", "lr=3e-4", "base"):
        Path(name).mkdir(parents=True)
        (Path(name) / "adapter_config.json").touch()


def systems(*given: str) -> dict[str, str]:
    return {system: str(folder) for system, folder in adapters_by_system([Path(own) for own in given]).items()}


def test_folders_and_labels_name_systems():
    assert systems() == {}
    assert systems("trained", "lr=3e-4") == {"trained": "trained", "lr=3e-4": "lr=3e-4"}
    assert systems("new=trained", "old=other/trained") == {"new": "trained", "old": "other/trained"}


def test_one_label_several_times_is_one_training_with_several_seeds():
    named = systems("rl=trained", "lr=3e-4", "rl=other/trained")
    assert named == {"rl/1": "trained", "rl/2": "other/trained", "lr=3e-4": "lr=3e-4"}
    assert seeds_by_label(["base", *named]) == {"rl": {1: "rl/1", 2: "rl/2"}}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["nowhere"], "nowhere: no adapter here"),
        (["rl=nowhere"], "nowhere: no adapter here"),
        (["trained", "other/trained"], "the name `trained` is not free; name it by --adapter LABEL=other/trained"),
        (["trained", "trained=other/trained"], "the name `trained` is not free"),
        (["base"], "the name `base` is not free"),
        (["base=trained"], "the name `base` is not free"),
        (["a/b=trained"], "the name `a/b` is not free"),
    ],
)
def test_what_is_no_adapter_or_no_name_is_told(given, message):
    with pytest.raises(PipelineError, match=message):
        systems(*given)
