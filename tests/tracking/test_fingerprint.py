"""Unfinished work belongs to the code, inputs and values that dvc.yaml declares for its stage."""

from pathlib import Path
from unittest.mock import Mock

import pytest
import yaml

from components.params import load_params
from components.stage import StageRun

DECLARED = {"stages": {"reference": {"cmd": "x", "deps": ["code", "questions.jsonl"], "params": ["base", "reference"]}}}


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    raw = Path("params.yaml").read_text()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(raw)
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump(DECLARED))
    (tmp_path / "code").mkdir()
    (tmp_path / "code/vote.py").write_text("one")
    (tmp_path / "questions.jsonl").write_text("{}")
    return tmp_path / "params.yaml"


def identity() -> str:
    return StageRun("reference", load_params(), Mock()).fingerprint()


def edit(path: Path, section: str, **values: object) -> None:
    raw = yaml.safe_load(path.read_text())
    raw[section] |= values
    path.write_text(yaml.safe_dump(raw))


def test_code_inputs_and_own_values_change_it(params: Path):
    seen = {identity()}
    Path("code/vote.py").write_text("two")
    seen.add(identity())
    Path("questions.jsonl").write_text("{ }")
    seen.add(identity())
    edit(params, "reference", num_samples=load_params().reference.num_samples + 1)
    seen.add(identity())
    assert len(seen) == 4


def test_bytecode_and_other_stages_values_do_not(params: Path):
    before = identity()
    Path("code/__pycache__").mkdir()
    Path("code/__pycache__/vote.pyc").write_text("compiled")
    edit(params, "train", steps=load_params().train.steps + 1)
    assert identity() == before
