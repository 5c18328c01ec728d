"""A folder in which the stage can run: real parameters made small, questions, a manifest, the code itself."""

import shutil
from pathlib import Path

import pytest
import yaml

from components.contracts import ModelEntry, ModelManifest, ServedModel, write_json, write_records
from tests.architecture.imports import ROOT
from tests.reference.made_up import question, shot

SMALL = {
    "sampling": {"batch_size": 32},
    "reference": {
        "num_samples": 4,
        "num_shots": 2,
        "max_new_tokens": 12,
        "use_every_number": False,
        "min_agreement": 0.5,
    },
}  # fmt: skip
POLICY = ModelEntry(name="tiny", path="tiny", fingerprint="0" * 16, has_chat_template=False, num_parameters=1)
FRUIT = ("apples", "pears", "plums", "figs", "dates", "limes")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of the test; its pivot is behind a server."""
    monkeypatch.chdir(tmp_path)
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for section, values in SMALL.items():
        params[section] |= values
    Path("params.yaml").write_text(yaml.safe_dump(params))
    shutil.copy(ROOT / "dvc.yaml", "dvc.yaml")
    shutil.copytree(ROOT / "components", "components", ignore=shutil.ignore_patterns("__pycache__"))
    for number, (split, count) in enumerate((("train", 10), ("calibration", 2), ("validation", 2))):
        rows = [
            question(f"{split}-{i}", split=split, text=f"How many {FRUIT[i % 6]} are {i + 3} and {number + 2}?")
            for i in range(count)
        ]
        foreign = [rows[0].model_copy(update={"lang": "es", "question": "¿Cuántas son?"})]
        write_records(Path(f"data/problems/{split}.jsonl"), rows + foreign)
    shots = [shot(i, f"How many {fruit} are 5 and 7?", f"5 + 7 = 12 {fruit}.") for i, fruit in enumerate(FRUIT)]
    write_records(Path("data/problems/pivot_shots.jsonl"), shots)
    Path("models/packaged").mkdir(parents=True)
    manifest = ModelManifest(policy=POLICY, pivot=ServedModel(name="big"), self_pivot=False)
    write_json(Path("models/manifest.json"), manifest.model_dump())
    return tmp_path
