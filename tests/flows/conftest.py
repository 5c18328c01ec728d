"""A small DVC repository with real processes: `first` and `apart`, then `last`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from components.environment import child_environment
from tests.tracking.conftest import ROOT, empty_store, pytest_configure

__all__ = ["empty_store", "pytest_configure"]

# Ends with DVC and writes its output and a receipt, as run_stage does; the files `fail` and `wait` make it do so.
STAGE = """
import json, sys, time
from datetime import UTC, datetime
from pathlib import Path

from components.environment import end_with_parent

end_with_parent()
name, started = sys.argv[1], datetime.now(UTC).isoformat()
print(f"work of {name}", flush=True)
if Path("wait").exists():
    Path("waiting").touch()
    end = time.monotonic() + 120
    while Path("wait").exists() and time.monotonic() < end:
        time.sleep(0.1)
if Path("fail").exists():
    sys.exit(f"{name}: no luck")
Path(f"{name}.txt").write_text(Path("params.yaml").read_text())
Path("runs").mkdir(exist_ok=True)
Path(f"runs/{name}.json").write_text(json.dumps({"run_id": None, "started": started, "seconds": 0.1}))
"""
STAGES = """
stages:
  last:
    cmd: exec python stage.py last
    deps: [apart.txt, first.txt]
    outs: [last.txt]
    metrics: [runs/last.json: {cache: false}]
  first:
    cmd: exec python stage.py first
    params: [base.seed]
    outs: [first.txt]
    metrics: [runs/first.json: {cache: false}]
  apart:
    cmd: exec python stage.py apart
    params: [base.languages]
    outs: [apart.txt]
    metrics: [runs/apart.json: {cache: false}]
"""


@pytest.fixture
def toy(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / ".dvc", tmp_path / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp", "site"))
    (tmp_path / "dvc.yaml").write_text(STAGES)
    (tmp_path / "stage.py").write_text(STAGE)
    (tmp_path / "mlruns").mkdir()
    shutil.copy(empty_store, tmp_path / "mlruns")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("SHELL", "/bin/sh")  # DVC's where $SHELL is not set; may stay beside its command
    for name in ("PBRLSVR_TRACKING_URI", "PBRLSVR_PARENT_RUN_ID", "PREFECT_HOME", "DVC_SITE_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    subprocess.run(["git", "init", "-q"], check=True)
    return tmp_path


def start(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """Start python with `arguments` here, in the environment of a child."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=child_environment() | environment,
    )


def processes_in(folder: Path) -> list[str]:
    """Command lines of the processes that work in `folder`, this one excepted."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            inside = (entry / "cwd").readlink() == folder and int(entry.name) != os.getpid()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if inside and command:  # a zombie has no command line
            found.append(command)
    return found
