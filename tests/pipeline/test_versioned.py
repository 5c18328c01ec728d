"""Results as versions: pushed to a folder, pulled in a new clone that trains nothing, and two settings compared."""

import csv
import json
import subprocess
from pathlib import Path

import pytest

from tests.pipeline.conftest import run

pytestmark = pytest.mark.slow

IDENTITY = {f"GIT_{who}_{what}": f"t@{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
QUESTION = ("-m", "components.cli", "ask", "Ana tiene 2 manzanas y compra 3. ¿Cuántas tiene?", "--lang", "es")
REGISTER = "from components.promotion.registry import register_champion; print(register_champion())"


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def test_a_new_clone_pulls_answers_and_compares(clone: Path, tmp_path: Path) -> None:
    run(clone, "-m", "components.cli", "repro")
    run(clone, "dvc", "remote", "add", "-d", "store", str(tmp_path / "store"))
    git(clone, "add", "-A")
    git(clone, "commit", "-qm", "results")
    run(clone, "dvc", "push", "dvc.yaml")
    new = tmp_path / "new"
    git(tmp_path, "clone", "-q", str(clone), str(new))
    run(new, "dvc", "pull", "dvc.yaml")

    assert run(new, *QUESTION) == run(clone, *QUESTION)
    assert stale(new) == set()
    assert changed(new) == []
    assert not list(new.glob("mlruns/*.db")), "no stage has run"

    receipts = {path.stem: path.read_text() for path in (new / "runs").glob("*.json")}
    assert {"train", "evaluate", "report"} <= receipts.keys()
    run(new, "dvc", "exp", "run", "--name", "narrower", "--set-param", "report.confidence=0.8", **IDENTITY)
    renewed = {stage for stage, text in receipts.items() if (new / f"runs/{stage}.json").read_text() != text}
    assert renewed == {"report"}, "nothing was trained or evaluated again"
    told = run(new, "dvc", "exp", "show", "--csv")
    rows = csv.DictReader(told[told.index("Experiment,") :].splitlines())
    confidence = {row["Experiment"] or row["rev"]: row["report.confidence"] for row in rows}
    branch = git(new, "branch", "--show-current").strip()
    assert confidence == {"workspace": "0.8", branch: "0.95", "narrower": "0.8"}
    differences = json_of(run(new, "dvc", "metrics", "diff", "--json"))
    assert differences.keys() == {"metrics/report.json", "runs/report.json"}
    assert "languages.es.base.high" in differences["metrics/report.json"]


def test_a_registered_adapter_leads_back_to_what_is_in_the_workspace(clone: Path) -> None:
    run(clone, "-m", "components.cli", "repro")
    version = run(clone, "-c", REGISTER).split()[-1]
    told = json_of(run(clone, "-m", "components.cli", "lineage", f"pb-rlsvr/{version}", "--verify", "--json"))
    assert [made["stage"] for made in told["stages"]][-1] == "train"
    assert {made["stage"] for made in told["stages"]} == {"models", "problems", "reference", "calibrate", "train"}
    assert {check["outcome"] for check in told["checks"]} == {"equal"}
    assert told["notes"] == []
    run(clone, "-m", "components.cli", "lineage", "--verify")
    (clone / "data/reference/references.jsonl").write_text("")
    output = run(clone, "-m", "components.cli", "lineage", "--verify", status=1)
    assert "differs data/reference/references.jsonl" in output


def stale(folder: Path) -> set[str]:
    """Stages of dvc.yaml; compare/dvc.yaml has others, which a pass over the pipeline leaves alone."""
    return {stage for stage in json_of(run(folder, "dvc", "status", "--json")) if ":" not in stage}


def changed(folder: Path) -> list[str]:
    """Files that differ from the commit, but for the tests' own log."""
    return [line for line in git(folder, "status", "--porcelain").splitlines() if not line.endswith("witness.log")]


def json_of(output: str) -> dict:
    """The JSON object in the output, which warnings may surround."""
    return json.loads(output[output.index("{") : output.rindex("}") + 1])
