"""A small DVC repository whose stages are real ones but for their work, after two passes: up to `train`, and whole."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from components.params.edit import write_values
from components.repro import pipeline_run, repro_stage
from tests.tracking.conftest import ROOT, empty_store, pytest_configure, repository

__all__ = ["empty_store", "pytest_configure", "repository"]

FLOW_RUN = "0b8e7f6a-1c2d-4e3f-8a9b-0c1d2e3f4a5b"
WEIGHTS = Path("adapters/trained/adapter_model.safetensors")

# What a stage makes holds its own parameters, so that other parameters make something else.
STAGE = """
import sys
from pathlib import Path
from components.stage import StageRun, run_stage

name, out = sys.argv[1], Path(sys.argv[2])

def work(run: StageRun) -> None:
    parts = ["adapter_model.safetensors", "adapter_config.json", "más/b.txt"]
    files = [out] if out.suffix else [out / part for part in parts]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{name} {getattr(run.params, name)}")

run_stage(name, work)
"""
STAGES = {
    "reference": ("data/reference/references.jsonl", ["components/part", "sources"]),
    "calibrate": ("data/calibrate/calibration", ["data/reference/references.jsonl"]),
    "train": ("adapters/trained", ["components/part", "data/reference/references.jsonl", "data/calibrate/calibration"]),
    "evaluate": ("data/evaluate/predictions.parquet", ["adapters/trained"]),
}
IGNORED = ["/data/", "/adapters/", "/mlruns/", "/.cache/", "/.checkpoints/", "__pycache__/"]


@dataclass(frozen=True)
class Built:
    root: Path
    commits: tuple[str, str]
    """Of the two passes."""


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Built:
    root = tmp_path_factory.mktemp("lineage")
    with pytest.MonkeyPatch.context() as patch:
        enter(root, patch)
        write_repository(empty_store)
        first = commit()
        make_pass({}, ["train"])
        register()
        write_values({"evaluate.max_new_tokens": 12}, "test")
        second = commit()
        make_pass({"prefect.flow_run_id": FLOW_RUN})
    return Built(root, (first, second))


@pytest.fixture
def passed(built: Built, monkeypatch: pytest.MonkeyPatch) -> Built:
    """The current folder is that repository."""
    enter(built.root, monkeypatch)
    return built


def enter(root: Path, patch: pytest.MonkeyPatch) -> None:
    patch.chdir(root)
    patch.setenv("PYTHONPATH", str(ROOT))
    for name in ("PBRLSVR_TRACKING_URI", "PBRLSVR_PARENT_RUN_ID", "PREFECT_HOME", "DVC_SITE_CACHE_DIR"):
        patch.delenv(name, raising=False)


def write_repository(empty_store: Path) -> None:
    for name in ("params.yaml", ".dvcignore"):
        shutil.copy(ROOT / name, name)
    shutil.copytree(ROOT / "sources", "sources")
    shutil.copytree(ROOT / ".dvc", ".dvc", ignore=shutil.ignore_patterns("cache", "tmp", "site"))
    for folder in ("mlruns", "components/part/__pycache__", "components/part/deeper"):
        Path(folder).mkdir(parents=True)
    shutil.copy(empty_store, "mlruns")
    Path("components/part/code.py").write_text("x = 1\n")
    Path("components/part/deeper/code.py").write_text("y = 2\n")
    Path("components/part/__pycache__/code.pyc").write_text("of this machine")
    Path("stage.py").write_text(STAGE)
    Path(".gitignore").write_text("\n".join(IGNORED))
    Path("dvc.yaml").write_text("stages:\n" + "".join(stage(name, *STAGES[name]) for name in STAGES))
    subprocess.run(["git", "init", "-q"], check=True)


def stage(name: str, out: str, deps: list[str]) -> str:
    return f"""
  {name}:
    cmd: exec python stage.py {name} {out}
    deps: [{", ".join(deps)}]
    params: [base, {name}]
    outs: [{out}]
    metrics: [metrics/{name}.json: {{cache: false}}, runs/{name}.json: {{cache: false}}]
"""


def commit() -> str:
    subprocess.run(["git", "add", "-A"], check=True)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, "commit", "-qm", "state"], check=True)
    return subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


def make_pass(tags: dict[str, str], targets: list[str] | None = None) -> None:
    with pipeline_run(tags, targets) as (parent, look):
        for name in look.stages():
            repro_stage(name, parent, on_line=lambda _: None)


def register() -> None:
    """Version 1, the champion, with the tags of `components.tracking.registry`."""
    from mlflow import MlflowClient

    client = MlflowClient("sqlite:///mlruns/mlflow.db")
    receipt = json.loads(Path("runs/train.json").read_text())
    tags = {
        "adapter.sha256": sha256(WEIGHTS.read_bytes()).hexdigest(),
        "train.run_id": receipt["run_id"],
        "git.commit": receipt["git"]["commit"],
    }
    client.create_registered_model("pb-rlsvr")
    version = client.create_model_version("pb-rlsvr", Path("adapters/trained").resolve().as_uri(), tags=tags)
    client.set_registered_model_alias("pb-rlsvr", "champion", version.version)
