"""Both directions, over the two passes of conftest: the second reused what the first one made, and evaluated it."""

import shutil
import socket
from pathlib import Path

import pytest

from components.contracts import PipelineError
from components.lineage.find import find
from components.lineage.records import History, Lineage
from components.tracking import Lookup
from tests.lineage.conftest import FLOW_RUN, WEIGHTS, Built

pytestmark = pytest.mark.slow

UPSTREAM = ["reference", "calibrate", "train"]


def lineage(what: str) -> Lineage:
    found = find(what, Lookup())
    assert isinstance(found, Lineage)
    return found


def history(what: str) -> History:
    found = find(what, Lookup())
    assert isinstance(found, History)
    return found


def test_from_the_adapter_back_to_everything(passed: Built) -> None:
    found = lineage("adapters/trained")
    assert [made.stage for made in found.stages] == UPSTREAM
    assert {(made.commit, made.dirty) for made in found.stages} == {(passed.commits[0], False)}
    reference, calibrate, train = found.stages
    assert reference.deps.keys() == {"components/part", "sources"}
    assert calibrate.deps.items() <= reference.outs.items()
    assert train.deps.items() <= (reference.outs | calibrate.outs | reference.deps).items()
    assert train.outs["adapters/trained"].endswith(".dir")
    assert train.sections == ("base", "train")
    newest, oldest = found.passes
    assert newest.stages == dict.fromkeys(UPSTREAM, "reused") | {"evaluate": "executed"}
    assert oldest.stages == dict.fromkeys(UPSTREAM, "executed")
    assert [one.commit for one in found.passes] == list(reversed(passed.commits))
    assert (newest.prefect_flow_run_id, oldest.prefect_flow_run_id) == (FLOW_RUN, None)
    assert newest.dvc_lock_sha256 != oldest.dvc_lock_sha256
    (version,) = found.versions
    assert (version.name, version.aliases) == ("pb-rlsvr/1", ("champion",))
    assert version.train_run_id == train.run_id
    assert found.notes == ()


@pytest.mark.usefixtures("passed")
def test_a_reused_stage_leads_to_the_run_that_made_it() -> None:
    newest, oldest = (lineage(one.run_id) for one in lineage("adapters/trained").passes)
    runs = [{made.stage: made.run_id for made in found.stages} for found in (newest, oldest)]
    assert list(runs[1]) == UPSTREAM
    assert list(runs[0]) == [*UPSTREAM, "evaluate"]
    assert runs[1].items() <= runs[0].items()


@pytest.mark.usefixtures("passed")
def test_every_name_of_the_adapter_gives_the_same() -> None:
    found = lineage("adapters/trained")
    for name in ("pb-rlsvr/1", "pb-rlsvr@champion", found.stages[-1].run_id):
        assert lineage(name) == found


@pytest.mark.usefixtures("passed")
def test_an_exported_adapter_is_known_by_its_weights(tmp_path: Path) -> None:
    shutil.copytree(WEIGHTS.parent, tmp_path, dirs_exist_ok=True)
    (tmp_path / "README.md").write_text("its card")
    assert lineage(str(tmp_path)) == lineage("adapters/trained")


@pytest.mark.usefixtures("passed")
def test_of_a_prefect_flow_run() -> None:
    found = lineage(FLOW_RUN)
    assert [one.prefect_flow_run_id for one in found.passes] == [FLOW_RUN]
    assert [made.stage for made in found.stages] == [*UPSTREAM, "evaluate"]


def test_from_a_commit_to_passes_and_adapters(passed: Built) -> None:
    first, second = map(history, passed.commits)
    assert history("HEAD") == second
    assert history("HEAD~1") == first
    assert [set(one.stages.values()) for one in first.passes] == [{"executed"}]
    assert [one.prefect_flow_run_id for one in second.passes] == [FLOW_RUN]
    assert first.adapters == second.adapters == lineage("adapters/trained").stages[-1:]
    assert [version.name for version in second.versions] == ["pb-rlsvr/1"]


@pytest.mark.usefixtures("passed")
def test_data_whose_maker_another_store_knows_is_told() -> None:
    from mlflow import MlflowClient

    client = MlflowClient("sqlite:///mlruns/mlflow.db")
    maker = lineage("adapters/trained").stages[0].run_id
    client.delete_run(maker)
    found, whole = lineage("adapters/trained"), lineage(FLOW_RUN)
    client.restore_run(maker)
    assert [made.stage for made in found.stages] == ["calibrate", "train"]
    (note,) = found.notes
    assert note.startswith("data/reference/references.jsonl (")
    assert note.endswith("): no run in this MLflow store made it")
    assert f"reference: run {maker}, which made its results, is not in this MLflow store" in whole.notes


@pytest.mark.usefixtures("passed")
@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("0" * 32, "no such run"),
        ("pb-rlsvr/7", "not registered; there is pb-rlsvr/1, pb-rlsvr@champion"),
        ("pb-rlsvr@1", "not registered"),
        (FLOW_RUN.replace("0", "1"), "no pass in this MLflow store"),
        ("0" * 40, "no run in this MLflow store came of this commit"),
        ("nonsense", "nonsense: no folder here, MLflow run"),
        ("data", "data: no adapter here"),
    ],
)
def test_what_is_not_there_is_told_in_a_line(what: str, told: str) -> None:
    with pytest.raises(PipelineError, match=r"^.*$") as error:
        find(what, Lookup())
    assert told in str(error.value)


@pytest.mark.usefixtures("passed")
def test_an_adapter_that_no_run_made(tmp_path: Path) -> None:
    for name in (WEIGHTS.name, "adapter_config.json"):
        (tmp_path / name).write_text("of somebody else")
    with pytest.raises(PipelineError, match=r"no run in this MLflow store made it \(md5 [0-9a-f]{32}\.dir\)"):
        find(str(tmp_path), Lookup())


def test_a_store_without_runs_and_no_store(repository: Path) -> None:
    database = repository / "mlruns/mlflow.db"
    with pytest.raises(PipelineError, match=r"mlflow\.db: this MLflow store has no runs"):
        Lookup()
    database.unlink()
    with pytest.raises(PipelineError, match=r"mlflow\.db: this MLflow store has no runs"):
        Lookup()
    assert not database.exists()


@pytest.mark.usefixtures("repository")
def test_a_store_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
    monkeypatch.setenv("PBRLSVR_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(PipelineError, match=r"^MLflow at http://127.0.0.1:\d+ cannot be read \(.*\); start it"):
        Lookup()
