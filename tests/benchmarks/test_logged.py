"""A finished evaluation as MLflow holds it."""

import json
import shutil
from pathlib import Path

import pytest

from components.benchmarks.logged import EXPERIMENT, log_benchmark
from components.benchmarks.run import write_results
from components.benchmarks.summary import summarise
from components.contracts import write_text
from components.environment import tracking_uri
from tests.benchmarks.made_up import grid, made

pytestmark = pytest.mark.slow

SAMPLES = [
    *grid("base", {"en": [True, True, False], "es": [True, False, False]}),
    *grid("my adapter (2)", {"en": [True, True, False], "es": [True, True, False]}),
]


@pytest.fixture
def log(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch):
    """Writes and logs an evaluation of these samples; the client and the run."""
    import mlflow

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PBRLSVR_TRACKING_URI", raising=False)
    (tmp_path / "mlruns").mkdir()
    shutil.copy(empty_store, tmp_path / "mlruns")

    def logged(samples, *langs):
        metrics = {"made": made(*langs), **summarise(samples)}
        write_text(Path("out/of-somebody.txt"), "not of the evaluation")
        write_results(Path("out"), metrics, samples)
        log_benchmark(metrics, Path("out"))
        mlflow.set_tracking_uri(tracking_uri())
        client = mlflow.MlflowClient()
        (run,) = client.search_runs([client.get_experiment_by_name(EXPERIMENT).experiment_id])
        return client, run

    return logged


def test_parameters_and_figures_can_be_set_beside_other_runs(log):
    _, run = log(SAMPLES, "en", "es")
    assert (run.info.status, run.info.run_name) == ("FINISHED", "made_up/tiny")
    told = {name: run.data.params[name] for name in ("languages", "num_shots", "seed", "adapters", "limit")}
    assert told == {"languages": "en, es", "num_shots": "8", "seed": "17", "adapters": "trained", "limit": "null"}
    assert run.data.metrics["systems/base/es/accuracy"] == pytest.approx(1 / 3)
    assert run.data.metrics["systems/base/es/joint_accuracy"] == pytest.approx(1 / 3)
    assert run.data.metrics["macro/my adapter _2_/mean"] == pytest.approx(2 / 3)
    assert run.data.metrics["comparisons/my adapter _2_/by_language/es/num_won"] == 1


def test_tables_and_the_folder_are_there(log):
    client, run = log(SAMPLES, "en", "es")
    figures = client.load_table(run.info.experiment_id, "figures.json")
    assert figures[["system", "lang"]].to_numpy().tolist() == [
        ["base", "en"], ["base", "es"], ["my adapter (2)", "en"], ["my adapter (2)", "es"],
    ]  # fmt: skip
    assert figures["accuracy"].tolist() == pytest.approx([2 / 3, 1 / 3, 2 / 3, 2 / 3])
    gains = client.load_table(run.info.experiment_id, "gains.json")
    assert gains["lang"].tolist() == ["en", "es"]
    assert gains["mean"].tolist() == pytest.approx([0, 1 / 3])
    assert set(gains["with"]) == {"base"}
    folder = Path(run.info.artifact_uri.removeprefix("file://")) / "evaluation"
    assert {path.name for path in folder.iterdir()} == {"samples.parquet", "metrics.json", "report.html", "report.md"}
    assert json.loads((folder / "metrics.json").read_text())["made"]["benchmark"] == "made_up"


def test_without_gold_and_adapters_there_are_shares_and_no_gains(log):
    client, run = log(grid("base", {"es": [None, None]}), "es")
    assert run.data.metrics["systems/base/es/unparsed_share"] == 0
    assert "systems/base/es/accuracy" not in run.data.metrics
    assert len(client.load_table(run.info.experiment_id, "gains.json")) == 0
