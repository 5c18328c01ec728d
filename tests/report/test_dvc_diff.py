"""`dvc metrics diff` and `dvc plots diff` between two commits of results: what changed, by how much, drawn for both."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.contracts import write_json
from components.environment import child_environment
from components.report.__main__ import work
from tests.architecture.imports import ROOT
from tests.report.made_up import LANGUAGES, make_run, params, stage_run

pytestmark = pytest.mark.slow

DECLARED = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
GIT = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org")


def call(folder: Path, *command: str) -> str:
    dvc = str(Path(sys.executable).with_name("dvc"))
    program = [dvc, *command[1:]] if command[0] == "dvc" else [*command]
    own = {"HOME": str(folder), "DVC_SITE_CACHE_DIR": str(folder / ".dvc/site")}
    environment = child_environment() | own
    done = subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def declare(folder: Path) -> None:
    """This project's plots and metrics, of stages that have nothing to do."""
    stages = {}
    for name, stage in DECLARED["stages"].items():
        drawn = [out for out in stage["outs"] if str(out).startswith("plots/")]
        stages[name] = {"cmd": "true", "outs": drawn, "metrics": stage["metrics"]}
    text = yaml.safe_dump({"stages": stages, "plots": DECLARED["plots"]}, sort_keys=False)
    (folder / "dvc.yaml").write_text(text, encoding="utf-8")
    shutil.copy(ROOT / ".gitignore", folder)


def commit(folder: Path, chance: Callable[[str, str], float], validation: float) -> None:
    """The results of a run with these chances, as its stages leave them."""
    with chdir(folder):
        given = params()
        make_run(given, chance)
        train = json.loads(Path("metrics/train.json").read_text())
        write_json(Path("metrics/train.json"), train | {"validation": {"0": 0.35, "10": validation}})
        write_json(Path("metrics/problems.json"), {"num_problems": 40})
        run, _ = stage_run(given)
        work(run)
        write_json(Path("metrics/report.json"), run.metrics)
        for stage in DECLARED["stages"]:
            write_json(Path(f"runs/{stage}.json"), {"stage": stage, "seconds": validation})
    call(folder, "dvc", "commit", "--force", "--quiet")
    call(folder, "git", "add", "--all")
    call(folder, *GIT, "commit", "--quiet", "--message", f"validation {validation}")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two commits: in the second the trained policy is better in Spanish alone, and so is validation."""
    folder = tmp_path_factory.mktemp("repository")
    call(folder, "git", "init", "--quiet")
    call(folder, "dvc", "init", "--quiet")
    declare(folder)
    commit(folder, lambda _system, _lang: 0.4, 0.4)
    commit(folder, lambda system, lang: 0.8 if (system, lang) == ("trained", "es") else 0.4, 0.6)
    return folder


def plots(repository: Path) -> dict[str, dict[str, Any]]:
    """By name: what Vega is given to draw."""
    told = json.loads(call(repository, "dvc", "plots", "diff", "HEAD~1", "HEAD", "--json"))
    assert "errors" not in told
    return {name.rpartition("::")[2]: own["content"] for name, (own,) in told["data"].items()}


def test_metrics_diff_names_what_changed_and_nothing_else(repository: Path) -> None:
    files = sorted(str(path.relative_to(repository)) for path in (repository / "metrics").glob("*.json"))
    told = json.loads(call(repository, "dvc", "metrics", "diff", "HEAD~1", "HEAD", "--json", "--targets", *files))
    assert set(told) == {"metrics/report.json", "metrics/train.json"}
    validation = told["metrics/train.json"]["validation.10"]
    assert (validation["old"], validation["new"], validation["diff"]) == (0.4, 0.6, pytest.approx(0.2))
    report = told["metrics/report.json"]
    assert report["languages.es.trained.accuracy"]["diff"] > 0.2
    assert report["macro.trained_languages.gain.mean"]["diff"] > 0.1
    assert not [name for name in report if name.startswith(("languages.th", "languages.es.base"))]


def test_receipts_are_among_the_metrics_and_targets_leave_them_out(repository: Path) -> None:
    told = json.loads(call(repository, "dvc", "metrics", "diff", "HEAD~1", "HEAD", "--json"))
    assert told["runs/train.json"]["seconds"]["diff"] == pytest.approx(0.2)


def test_every_plot_is_drawn_for_both_revisions(repository: Path) -> None:
    drawn = plots(repository)
    assert set(drawn) == {next(iter(plot)) for plot in DECLARED["plots"]}
    for name, chart in drawn.items():
        assert {row["rev"] for row in chart["data"]["values"]} == {"HEAD~1", "HEAD"}, name


def test_plots_have_a_mark_a_row_and_no_gap_that_would_be_drawn_as_zero(repository: Path) -> None:
    drawn = plots(repository)
    accuracy = drawn["accuracy by language"]
    x, y = accuracy["encoding"]["x"]["field"], accuracy["encoding"]["y"]["field"]
    bars = {(row["rev"], row[y]): float(row[x]) for row in accuracy["data"]["values"]}
    assert len(bars) == len(accuracy["data"]["values"]) == 2 * len(LANGUAGES)
    assert bars["HEAD", "es"] > bars["HEAD~1", "es"]
    assert bars["HEAD", "th"] == bars["HEAD~1", "th"]
    steps = drawn["validation over training"]["data"]["values"]
    assert {(row["rev"], row["step"]): row["validation"] for row in steps} == {
        ("HEAD~1", "0"): "0.35", ("HEAD~1", "10"): "0.4", ("HEAD", "0"): "0.35", ("HEAD", "10"): "0.6",
    }  # fmt: skip
    rewards = [row["reward"] for row in drawn["reward over training"]["data"]["values"]]
    assert len(rewards) == 20
    assert "" not in rewards
