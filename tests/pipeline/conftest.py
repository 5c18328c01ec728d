"""A temporary clone with a tiny random model: the real stages, real files, real DVC, in minutes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from components.environment import child_environment
from tests.tiny import save_tiny, tiny_gemma

ROOT = Path(__file__).resolve().parents[2]

# Notes every file of questions that Python opens, with the stage that did: the proof of who reads `test`.
WITNESS = """
import os, sys
def note(event, arguments):
    if event == "open" and str(arguments[0]).endswith("problems/test.jsonl"):
        with_stage = os.environ.get("DVC_STAGE", "outside")
        handle = os.open(os.environ["WITNESS_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, (with_stage + "\\n").encode())
        os.close(handle)
sys.addaudithook(note)
"""

SMALL = {
    "base": {"languages": ["en", "es", "th"], "trained_languages": ["es"]},
    "models": {"policy": "./tiny", "pivot": "./tiny", "dtype": "float32"},
    "problems": {
        "max_steps": 4, "num_shots": 1, "num_pivot_shots": 4, "num_train": 12, "num_calibration": 4,
        "num_validation": 6, "num_test": 8,
    },
    "sampling": {"temperature": 1.0, "max_new_tokens": 40},
    "reference": {
        "num_samples": 24, "num_shots": 1, "max_new_tokens": 40, "use_every_number": False, "min_agreement": 0.0,
    },
    "calibrate": {"num_problems": 2, "num_samples": 2},
    "train": {  # GRPO, whose steps tests kill and resume; RAFT is in test_compare and test_resume
        "warmup_share": 0.5,
        "method": "grpo", "warmup_steps": 2, "warmup_batch_size": 4, "steps": 2, "prompts_per_step": 2, "group_size": 4,
        "micro_batch_tokens": 300, "validate_every": 1, "save_every": 1,
    },
    "evaluate": {"max_new_tokens": 16},
    "report": {"bootstrap_resamples": 100},
}  # fmt: skip


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This tree's files in a repository of their own, with small parameters and a tiny random model in ./tiny."""
    folder = tmp_path_factory.mktemp("clone")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file() and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for section, values in SMALL.items():
        params[section] |= values
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    save_tiny(folder / "tiny")
    model = tiny_gemma()
    with torch.no_grad():  # near-even chances for every byte: some responses end, some hold a digit
        model.get_input_embeddings().weight.div_(20)
    model.save_pretrained(folder / "tiny")
    (folder / "witness").mkdir()
    (folder / "witness" / "sitecustomize.py").write_text(WITNESS)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    commit = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "clone"]
    subprocess.run(commit, cwd=folder, check=True)
    return folder


def run(clone: Path, *command: str, status: int = 0, **environment: str) -> str:
    """Run `python command` (or `dvc ...`) in the clone; its output, once it has ended with `status`."""
    program = [str(Path(sys.executable).with_name("dvc"))] if command[0] == "dvc" else [sys.executable, command[0]]
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PBRLSVR", "PREFECT", "DVC", "MLFLOW"))}
    witness = {"PYTHONPATH": str(clone / "witness"), "WITNESS_LOG": str(clone / "witness.log")}
    done = subprocess.run(
        [*program, *command[1:]], cwd=clone, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=child_environment() | inherited | witness | _own(clone) | environment,
    )  # fmt: skip
    assert done.returncode == status, done.stdout[-4000:]
    return done.stdout


def start(folder: Path, *command: str, **environment: str) -> "subprocess.Popen[str]":
    """Start python with arguments in the folder, its output kept, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, *command], cwd=folder, env=child_environment() | _own(folder) | environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def _own(folder: Path) -> dict[str, str]:
    """Stores in the folder, and an empty home: nothing may hang on what a developer has there."""
    return {
        "PBRLSVR_TRACKING_URI": f"sqlite:///{folder}/mlruns/mlflow.db",
        "DVC_SITE_CACHE_DIR": str(folder / ".cache/dvc"), "PREFECT_HOME": str(folder / ".prefect"),
        "HOME": str(folder / "witness"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
