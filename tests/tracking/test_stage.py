"""`run_stage` in real processes: what is written, and how a stage ends."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.params import load_params
from tests.processes import wait_while_it_runs

pytestmark = pytest.mark.slow

STAGE = """
import sys, time
from pathlib import Path
from components.contracts import PipelineError
from components.stage import StageRun, run_stage

def work(run: StageRun) -> None:
    if sys.argv[1] == "mendable":
        raise PipelineError("data.jsonl:3: first\\ndata.jsonl:4: second")
    if sys.argv[1] == "memory":
        import torch
        raise torch.OutOfMemoryError("CUDA out of memory.\\nTried to allocate 2 GiB")
    if sys.argv[1] == "wait":
        Path("ready").touch()
        time.sleep(60)
    for step in range(3):
        run.log_metrics({"reward/mean": step / 2}, step)
    folder = Path("completions")
    folder.mkdir()
    (folder / "0.txt").write_text("x")
    run.log_artifact(folder)
    run.part("rate-1", {}).log_artifact(folder)
    run.part("rate-1", {}).log_artifact(folder / "0.txt", "own")
    run.metrics["languages"] = {"es": {"accuracy": 0.5, "scored": True}}

run_stage("reference", work)
"""


def start(mode: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", STAGE, mode],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )


def test_finished_stage_leaves_metrics_receipt_and_run(repository: Path, all_runs) -> None:
    stage = start("ok", PBRLSVR_PARENT_RUN_ID="0123456789abcdef0123456789abcdef")
    _, errors = stage.communicate()
    assert stage.returncode == 0, errors
    (run,) = all_runs()
    assert run.info.status == "FINISHED"
    assert run.data.tags["mlflow.parentRunId"] == "0123456789abcdef0123456789abcdef"
    sections = {key.split(".")[0] for key in run.data.params}
    assert sections == {"base", "models", "sampling", "reference"}  # those that dvc.yaml declares
    assert run.data.params["reference.num_samples"] == str(load_params().reference.num_samples)
    assert run.data.metrics == {"reward/mean": 1.0, "reference/languages/es/accuracy": 0.5}
    artifacts = Path(run.info.artifact_uri.removeprefix("file://"))
    assert artifacts.is_relative_to(repository / "mlruns" / "artifacts")
    for path in ("completions/0.txt", "rate-1/completions/0.txt", "rate-1/own/0.txt"):
        assert (artifacts / path).read_text() == "x"
    assert json.loads((artifacts / "params.json").read_text())["train"]["steps"] == load_params().train.steps
    assert json.loads(Path("metrics/reference.json").read_text())["languages"]["es"]["accuracy"] == 0.5
    receipt = json.loads(Path("runs/reference.json").read_text())
    assert receipt["run_id"] == run.info.run_id
    assert receipt["tracking_degraded"] is False
    assert {"torch", "transformers", "trl", "peft"} <= receipt["versions"].keys()


@pytest.mark.usefixtures("repository")
def test_mendable_error_is_a_line_a_problem(all_runs) -> None:
    stage = start("mendable")
    _, errors = stage.communicate()
    assert stage.returncode == 1
    assert errors.splitlines() == [
        "pb-rlsvr reference: data.jsonl:3: first",
        "pb-rlsvr reference: data.jsonl:4: second",
    ]
    assert [run.info.status for run in all_runs()] == ["FAILED"]
    assert not Path("runs/reference.json").exists()


@pytest.mark.usefixtures("repository")
def test_a_lack_of_memory_is_a_line_that_says_what_to_lower(all_runs) -> None:
    stage = start("memory")
    _, errors = stage.communicate()
    assert stage.returncode == 1
    (line,) = errors.splitlines()
    assert line.startswith("pb-rlsvr reference: out of memory (CUDA out of memory. Tried to allocate 2 GiB); lower `")
    assert [run.info.status for run in all_runs()] == ["FAILED"]


@pytest.mark.usefixtures("repository")
def test_sigterm_closes_the_run_as_killed(all_runs) -> None:
    stage = start("wait")
    wait_while_it_runs(stage, Path("ready").exists)
    stage.send_signal(signal.SIGTERM)
    stage.communicate()
    assert stage.returncode == 143
    assert [run.info.status for run in all_runs()] == ["KILLED"]


DECLARED = """
stages:
  reference:
    params: [base]
    deps: [input.txt]
"""


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.usefixtures("repository")
def test_a_stage_that_was_killed_goes_on_in_the_same_run(all_runs, sign: signal.Signals) -> None:
    Path("dvc.yaml").write_text(DECLARED)
    Path("input.txt").write_text("as it was")
    stage = start("wait")
    wait_while_it_runs(stage, Path("ready").exists)
    stage.send_signal(sign)
    stage.communicate()
    (killed,) = all_runs()
    assert start("ok", PBRLSVR_PARENT_RUN_ID="0123456789abcdef0123456789abcdef").wait() == 0
    (run,) = all_runs()
    assert run.info.run_id == killed.info.run_id
    assert run.info.status == "FINISHED"
    assert run.data.tags["mlflow.parentRunId"] == "0123456789abcdef0123456789abcdef"
    shutil.rmtree("completions")
    assert start("ok").wait() == 0
    assert len(all_runs()) == 2, "what has finished is left alone"


@pytest.mark.usefixtures("repository")
def test_with_other_inputs_it_is_another_run(all_runs) -> None:
    Path("dvc.yaml").write_text(DECLARED)
    Path("input.txt").write_text("as it was")
    assert start("mendable").wait() == 1
    Path("input.txt").write_text("as it is")
    assert start("ok").wait() == 0
    assert sorted(run.info.status for run in all_runs()) == ["FAILED", "FINISHED"]


def test_store_that_cannot_be_written_ends_the_stage_before_any_work(repository: Path) -> None:
    shutil.rmtree("mlruns")
    Path("mlruns").write_text("in the way")
    stage = start("ok")
    _, errors = stage.communicate()
    assert stage.returncode == 1
    assert errors.startswith(f"pb-rlsvr reference: {repository}/mlruns: cannot write here")
    assert len(errors.splitlines()) == 1
    assert not Path("completions").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.usefixtures("repository")
def test_no_write_permission_on_mlruns() -> None:
    Path("mlruns").chmod(0o500)
    stage = start("ok")
    _, errors = stage.communicate()
    assert stage.returncode == 1
    assert "mlruns: cannot write here (Permission denied); make it writable" in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.usefixtures("repository")
def test_wrong_parameters_are_listed_at_once_and_nothing_starts(all_runs) -> None:
    text = Path("params.yaml").read_text()
    wrong = text.replace("\n  steps: ", "\n  steps: 0 # ").replace("  seed: 17", "  sead: 17", 1)
    Path("params.yaml").write_text(wrong)
    stage = start("ok")
    _, errors = stage.communicate()
    assert stage.returncode == 1
    assert all(line.startswith("pb-rlsvr reference: params.yaml: ") for line in errors.splitlines())
    assert [key for key in ("`base.seed`", "`base.sead`", "`train.steps`") if key not in errors] == []
    assert all_runs() == []
