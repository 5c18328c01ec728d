"""The whole pipeline in a temporary clone: plain DVC, our own command, the Prefect flow, and what changes what."""

import json
import sqlite3
from pathlib import Path

import pytest
import yaml

from components.contracts import Prediction, read_table
from components.problems.build import SPLITS
from tests.pipeline.conftest import run

pytestmark = pytest.mark.slow

STAGES = ["models", "problems", "reference", "calibrate", "train", "audit", "evaluate", "report"]


@pytest.fixture(scope="module")
def done(clone: Path) -> Path:
    """The clone after one plain `dvc repro`."""
    run(clone, "dvc", "repro")
    return clone


def stale(clone: Path) -> set[str]:
    # compare/dvc.yaml has stages of its own, which a pass over the pipeline leaves alone
    return {stage for stage in json.loads(run(clone, "dvc", "status", "--json")) if ":" not in stage}


def edit(clone: Path, section: str, **values: object) -> None:
    params = yaml.safe_load((clone / "params.yaml").read_text())
    params[section] |= values
    (clone / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def test_plain_dvc_repro_makes_every_result(done: Path):
    rows = read_table(done / "data/evaluate/predictions.parquet", Prediction)
    assert {(row.system, row.lang) for row in rows} == {
        (system, lang) for system in ("base", "warmup", "trained") for lang in ("en", "es", "th")
    }
    assert len(rows) == 3 * 3 * 8
    summary = json.loads((done / "metrics/report.json").read_text())
    assert set(summary["languages"]) == {"en", "es", "th"}
    assert summary["languages"]["es"]["trained_lang"]
    assert not summary["languages"]["th"]["trained_lang"]
    for adapter in ("warmup", "trained"):
        names = {path.name for path in (done / "adapters" / adapter).iterdir()}
        assert {"adapter_model.safetensors", "adapter_config.json"} <= names
        assert not {name for name in names if name.endswith((".bin", ".pt", ".pkl"))}
        config = json.loads((done / "adapters" / adapter / "adapter_config.json").read_text())
        assert config["base_model_name_or_path"] == "./tiny", "no path of this machine"
    assert (done / "report/report.html").read_text().startswith("<!")
    for stage in STAGES:
        assert (done / f"metrics/{stage}.json").is_file()
        assert json.loads((done / f"runs/{stage}.json").read_text())["run_id"]


def test_only_problems_evaluate_and_report_touch_the_test_questions(done: Path):
    readers = set((done / "witness.log").read_text().split())
    assert readers - {"outside"} == {"problems", "evaluate", "report"}, "outside: DVC itself, which hashes every file"


def test_plain_stages_are_top_level_runs_in_mlflow(done: Path):
    with sqlite3.connect(done / "mlruns/mlflow.db") as store:
        names = {name for (name,) in store.execute("select value from tags where key = 'dvc.stage'")}
        parents = store.execute("select count(*) from tags where key = 'mlflow.parentRunId'").fetchone()[0]
    assert names == set(STAGES)
    assert parents == 0


def test_a_second_repro_does_nothing(done: Path):
    output = run(done, "dvc", "repro")
    assert "Data and pipelines are up to date." in output
    assert "Running stage" not in output


def test_ask_answers_with_every_system(done: Path):
    for system in ("base", "warmup", "trained"):
        run(done, "-m", "components.cli", "ask", "Ana tiene 2 manzanas.", "--lang", "es", "--system", system)
    output = run(done, "-m", "components.cli", "ask", "Q", "--lang", "xx", status=1)
    assert "`xx`" in output
    assert "Traceback" not in output


def test_flow_reuses_what_dvc_made_and_runs_what_is_stale(done: Path):
    output = run(done, "-m", "flows")
    assert output.count("reused") >= len(STAGES)
    edit(done, "report", bootstrap_resamples=200)
    assert stale(done) == {"report"}
    output = run(done, "-m", "flows")
    assert "executed" in output
    assert not stale(done)
    with sqlite3.connect(done / "mlruns/mlflow.db") as store:
        statuses = dict(store.execute("select key, value from tags where key like 'stage.%.status'"))
    assert statuses["stage.report.status"] == "executed"
    assert statuses["stage.train.status"] == "reused"


def test_our_repro_prints_the_table_and_where_to_look_next(done: Path):
    output = run(done, "-m", "components.cli", "repro")
    for expected in ("es (trained)", "gap to English", "report/report.html", "make ui", "adapters/trained"):
        assert expected in output


def test_changing_evaluate_alone_retrains_nothing(done: Path):
    edit(done, "evaluate", max_new_tokens=12)
    changed = stale(done)
    assert "evaluate" in changed
    assert changed <= {"evaluate", "report"}


def test_stages_work_without_flows(done: Path):
    (done / "flows").rename(done / "flows-gone")
    run(done, "dvc", "repro")
    (done / "flows-gone").rename(done / "flows")


@pytest.mark.parametrize(
    ("section", "values", "expected"),
    [
        ("train", {"group_size": 1}, "`train.group_size`"),
        ("train", {"stepz": 1}, "`train.stepz`"),
        ("models", {"policy": "./nowhere", "pivot": "./nowhere"}, "no such folder: ./nowhere"),
        ("base", {"languages": ["en", "es", "xx"]}, "`xx`"),
    ],
)
def test_bad_parameters_end_in_one_line_and_lose_nothing(done: Path, section, values, expected):
    before = (done / "params.yaml").read_text()
    adapter = (done / "adapters/trained/adapter_model.safetensors").read_bytes()
    edit(done, section, **values)
    try:
        stage = {"models": "models", "base": "problems"}.get(section, "train")
        output = run(done, "-m", f"components.{stage}", status=1)
    finally:
        (done / "params.yaml").write_text(before)
    lines = [line for line in output.splitlines() if line.startswith("pb-rlsvr")]
    assert len(lines) == 1
    assert expected in lines[0]
    assert "Traceback" not in output
    assert (done / "adapters/trained/adapter_model.safetensors").read_bytes() == adapter


def test_a_bad_value_under_dvc_costs_no_training_once_it_is_mended(done: Path):
    """DVC removes a stage's outputs before it runs it; they come back from its cache."""
    run(done, "dvc", "repro")
    before = (done / "params.yaml").read_text()
    adapter = (done / "adapters/trained/adapter_model.safetensors").read_bytes()
    edit(done, "train", group_size=1)
    output = run(done, "dvc", "repro", status=255)
    assert "`train.group_size`" in output
    (done / "params.yaml").write_text(before)
    output = run(done, "dvc", "repro")
    assert "Running stage 'train'" not in output
    assert (done / "adapters/trained/adapter_model.safetensors").read_bytes() == adapter


def test_own_data_with_a_bad_row_ends_in_one_line(done: Path):
    before = (done / "params.yaml").read_text()
    rows = (done / "data/problems/train.jsonl").read_text().splitlines()
    rows[4] = rows[4].replace('"answer":"', '"answer":"about ')
    (done / "mine.jsonl").write_text("\n".join(rows))
    sources = dict.fromkeys(SPLITS, "built-in") | {"train": {"format": "questions", "path": "mine.jsonl"}}
    edit(done, "problems", sources=sources)
    output = run(done, "-m", "components.problems", status=1)
    (done / "params.yaml").write_text(before)
    (line,) = (line for line in output.splitlines() if line.startswith("pb-rlsvr"))
    assert "mine.jsonl: row 4 (from 0): `answer`" in line
    assert "Traceback" not in output
