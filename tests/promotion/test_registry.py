"""The registry in a real store: what is registered, when nothing is, what an outage does."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from components.contracts import ModelEntry, ModelManifest, PipelineError, write_json
from components.environment import tracking_uri
from components.params.edit import write_values
from components.promotion.adapter import ADAPTER, adapter_sha256
from components.promotion.promote import promote
from components.promotion.registry import keep_champion, register_champion
from components.repro import repro_stage
from components.tracking import CHAMPION, MODEL, open_parent
from tests.promotion.conftest import make_adapter, make_base, make_decision

pytestmark = pytest.mark.slow

STAGE = """
from components.promotion.registry import keep_champion
from components.stage import run_stage
run_stage("report", lambda run: (run.metrics.update(done=1), run.when_done(keep_champion)))
"""


def client() -> MlflowClient:
    return MlflowClient(tracking_uri())


def versions() -> list[str]:
    return sorted(str(found.version) for found in client().search_model_versions(f"name = '{MODEL}'"))


def champion() -> str:
    return str(client().get_model_version_by_alias(MODEL, CHAMPION).version)


def without_a_store(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PBRLSVR_TRACKING_URI", f"http://127.0.0.1:{probe.getsockname()[1]}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


@pytest.mark.usefixtures("finished")
def test_the_adapter_is_registered_once_and_is_the_champion(capsys: pytest.CaptureFixture[str]):
    assert register_champion() == "1"
    found = client().get_model_version_by_alias(MODEL, CHAMPION)
    assert found.tags["adapter.sha256"] == adapter_sha256(ADAPTER)
    assert found.tags["train.run_id"] == "a" * 32
    assert found.tags["git.commit"] == "b" * 40
    assert found.tags["base.fingerprint"] == "0123"
    run = client().get_run(found.run_id)
    assert run.info.status == "FINISHED"
    folder = Path(found.source.removeprefix("file://"))
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"artifacts/trained/adapter_model.safetensors", "artifacts/shots.jsonl", "served_model.py"} <= files
    assert "code/components/promotion/served.py" in files
    assert not {name for name in files if name.endswith((".pkl", ".pickle", ".bin", ".pt", ".pyc"))}
    assert capsys.readouterr().out == f"MLflow: version 1 of the model {MODEL} is the {CHAMPION}\n"

    assert register_champion() == "1"
    assert (versions(), champion()) == (["1"], "1")
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("finished")
def test_another_adapter_moves_the_alias_and_an_earlier_one_moves_it_back():
    register_champion()
    make_adapter(ADAPTER, seed=2)
    assert register_champion() == "2"
    assert (versions(), champion()) == (["1", "2"], "2")
    make_adapter(ADAPTER, seed=1)
    assert register_champion() == "1"
    assert (versions(), champion()) == (["1", "2"], "1")


@pytest.mark.usefixtures("finished")
def test_by_itself_only_what_was_never_registered_becomes_the_champion(capsys: pytest.CaptureFixture[str]):
    keep_champion()
    make_adapter(ADAPTER, seed=2)
    keep_champion()
    client().set_registered_model_alias(MODEL, CHAMPION, "1")  # somebody found version 2 bad
    keep_champion()
    assert (versions(), champion()) == (["1", "2"], "1")
    told = capsys.readouterr().out.splitlines()[-1]
    assert told == f"version 2 of {MODEL} passed again, 1 stays the {CHAMPION}; `pb-rlsvr promote` changes it"
    make_decision()
    promote()
    assert champion() == "2"


@pytest.mark.usefixtures("finished")
@pytest.mark.parametrize("name", ["PBRLSVR_SET_PARAMS", "DVC_EXP_NAME"])
def test_an_experiment_registers_nothing_by_itself(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setenv(name, "narrower")
    keep_champion()
    assert versions() == []
    promote()
    assert (versions(), champion()) == (["1"], "1")


@pytest.mark.usefixtures("finished")
def test_an_adapter_of_another_base_is_not_promoted():
    make_base(Path("other"), seed=3)
    entry = ModelEntry(name="./other", path="other", fingerprint="9", has_chat_template=False, num_parameters=1)
    write_json(Path("models/manifest.json"), ModelManifest(policy=entry, pivot=entry, self_pivot=True).model_dump())
    with pytest.raises(
        PipelineError, match=r"trained on .*tiny, and `models\.policy` is \./other now; run `make repro`"
    ):
        promote()
    assert versions() == []


@pytest.mark.usefixtures("finished")
def test_other_settings_are_another_version_of_the_same_adapter():
    register_champion()
    write_values({"evaluate.max_new_tokens": 9}, "the test")
    assert register_champion() == "2"


@pytest.mark.usefixtures("finished")
def test_an_outage_is_told_and_ends_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    without_a_store(monkeypatch)
    keep_champion()
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("warning: MLflow at http://127.0.0.1:")
    assert line.endswith("; later: `pb-rlsvr promote`")
    with pytest.raises(PipelineError, match="does not register adapters/trained"):
        promote()
    monkeypatch.delenv("PBRLSVR_TRACKING_URI")
    assert promote() == f"Version 1 of {MODEL} is the {CHAMPION}: models:/{MODEL}@{CHAMPION}"


@pytest.mark.usefixtures("finished")
def test_what_is_missing_is_named():
    Path("data/problems/shots.jsonl").unlink()
    with pytest.raises(PipelineError, match=r"^data/problems/shots\.jsonl: no such file"):
        register_champion()
    Path("models/manifest.json").unlink()
    with pytest.raises(
        PipelineError, match=r"^models/manifest\.json: No such file or directory; run `dvc repro models`"
    ):
        register_champion()


@pytest.mark.usefixtures("finished")
def test_promotion_asks_the_reports_decision():
    make_decision(passed=False)
    with pytest.raises(PipelineError) as caught:
        promote()
    first, second = str(caught.value).splitlines()
    assert first == "metrics/report.json: Not promoted: gain over the base."
    assert second == "gain over the base fails: +6.0 points"
    make_decision()
    make_adapter(ADAPTER, seed=2)
    with pytest.raises(PipelineError, match="is about another adapter than adapters/trained"):
        promote()
    Path("metrics/report.json").write_text("{}")
    with pytest.raises(PipelineError, match="holds no decision on promotion; run `dvc repro report`"):
        promote()
    Path("metrics/report.json").unlink()
    with pytest.raises(PipelineError, match=r"metrics/report\.json: No such file"):
        promote()
    assert versions() == []


@pytest.mark.usefixtures("finished")
@pytest.mark.parametrize("passed", [True, False])
def test_a_report_that_was_reused_leaves_the_registry_right(passed: bool):
    make_decision(passed)
    with open_parent({}) as parent:
        repro_stage("report", parent, untouched=True)
        repro_stage("train", parent, untouched=True)
    assert versions() == (["1"] if passed else [])


@pytest.mark.usefixtures("finished")
def test_a_stage_registers_after_its_results_are_written():
    done = subprocess.run([sys.executable, "-c", STAGE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Path("metrics/report.json").read_text() == '{\n  "done": 1\n}\n'
    assert Path("runs/report.json").is_file()
    assert champion() == "1"


@pytest.mark.usefixtures("finished")
def test_the_command_names_what_failed():
    make_decision(passed=False)
    command = [sys.executable, "-m", "components.cli", "promote"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "pb-rlsvr: metrics/report.json: Not promoted: gain over the base.",
        "pb-rlsvr: gain over the base fails: +6.0 points",
    ]
