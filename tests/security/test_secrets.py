"""Secrets of the environment stay there: stages write them nowhere and say them to nobody."""

import json
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
import yaml

from components.environment import child_environment
from tests.flows.test_ui import free_ports
from tests.report.made_up import make_run, params

pytestmark = pytest.mark.slow

MARKS = ("s3cret-mlflow", "s3cret-prefect", "s3cret-server", "s3cret-hub", "s3cret-aws", "s3cret-flask")
SECRETS = {
    "MLFLOW_TRACKING_USERNAME": "somebody", "MLFLOW_TRACKING_PASSWORD": MARKS[0],
    "PREFECT_API_AUTH_STRING": f"somebody:{MARKS[1]}", "PREFECT_SERVER_API_AUTH_STRING": f"somebody:{MARKS[1]}",
    "PBRLSVR_SERVER_API_KEY": MARKS[2], "HF_TOKEN": MARKS[3], "AWS_SECRET_ACCESS_KEY": MARKS[4],
    "MLFLOW_FLASK_SERVER_SECRET_KEY": MARKS[5],
}  # fmt: skip


def run(module: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", module, *arguments], env=child_environment() | SECRETS | environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
    )  # fmt: skip


def forms(mark: str) -> tuple[bytes, bytes]:
    """A secret as it is, and as it travels beside the user's name."""
    return mark.encode(), b64encode(f"somebody:{mark}".encode())


def told_in(folder: Path) -> dict[str, list[str]]:
    """Secrets by the file that holds them, in its content or its name."""
    found = {}
    for path in folder.rglob("*"):
        text = str(path).encode() + (path.read_bytes() if path.is_file() else b"")
        if own := [mark for mark in MARKS if any(form in text for form in forms(mark))]:
            found[str(path.relative_to(folder))] = own
    return found


def test_a_secret_that_is_written_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for form in forms(MARKS[1]):
        (tmp_path / "a" / "b.db").write_bytes(b"\0" + form + b"\0")
        assert told_in(tmp_path) == {"a/b.db": [MARKS[1]]}


def test_a_stage_tells_none(tree: Path) -> None:
    done = run("components.problems")
    assert done.returncode == 0, done.stdout
    assert {path.name for path in tree.iterdir()} >= {"data", "metrics", "mlruns", "runs"}
    assert not [mark for mark in MARKS if mark in done.stdout]
    assert told_in(tree) == {}


def test_the_report_tells_none(tree: Path) -> None:
    given = params()
    (tree / "params.yaml").write_text(yaml.safe_dump(given.model_dump(mode="json")))
    make_run(given, lambda system, _: {"base": 0.3, "warmup": 0.5, "trained": 0.8}[system])
    done = run("components.report")
    assert done.returncode == 0, done.stdout
    assert (tree / "report" / "report.html").is_file()
    assert not [mark for mark in MARKS if mark in done.stdout]
    assert told_in(tree) == {}


def test_a_stage_without_its_server_tells_none(tree: Path) -> None:
    """MLflow away: a warning, and what waits on the disk."""
    address = f"http://127.0.0.1:{free_ports()[0]}"
    done = run("components.problems", PBRLSVR_TRACKING_URI=address, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
    assert done.returncode == 0, done.stdout
    assert f"warning: MLflow at {address}" in done.stdout
    assert list(Path("mlruns/spool").glob("*.jsonl"))
    assert not [mark for mark in MARKS if mark in done.stdout]
    assert told_in(tree) == {}


ADDRESSES = [
    "http://somebody:{0}@127.0.0.1:5000", "http://{0}@127.0.0.1:5000", "http://somebody:{0}/x@127.0.0.1",
    "postgresql://somebody:{0}@127.0.0.1/runs",
]  # fmt: skip
MODULES = ["components.problems", "flows", "flows.ui", "flows.deploy"]


@pytest.mark.parametrize(("module", "address"), zip(MODULES, ADDRESSES, strict=True))
def test_a_password_in_mlflows_address_is_refused_and_not_told(tree: Path, module: str, address: str) -> None:
    done = run(module, PBRLSVR_TRACKING_URI=address.format(MARKS[0]))
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    assert "PBRLSVR_TRACKING_URI: leave user and password out of the address; set MLFLOW_TRACKING_USERNAME and" in line
    assert MARKS[0] not in line
    assert told_in(tree) == {}


def test_a_password_in_prefects_address_is_refused_and_not_told(tree: Path) -> None:
    done = run("flows", PREFECT_API_URL=f"http://somebody:{MARKS[1]}@127.0.0.1:4200/api")
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    assert "PREFECT_API_URL: leave user and password out of the address" in line
    assert MARKS[1] not in line
    assert told_in(tree) == {}


@pytest.mark.usefixtures("tree")
def test_receipts_know_the_environment_not_at_all() -> None:
    assert run("components.problems").returncode == 0
    receipt = json.loads(Path("runs/problems.json").read_text())
    assert receipt.keys() == {
        "stage", "run_id", "started", "seconds", "tracking_degraded", "git", "versions", "machine",
    }  # fmt: skip
    assert receipt["machine"].keys() == {"cpu", "cores", "system"}
