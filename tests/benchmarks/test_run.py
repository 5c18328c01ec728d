"""The command on a tiny checkpoint: every kind of benchmark, a report, a run that goes on where it was killed."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch
from peft import LoraConfig, get_peft_model
from typer.testing import CliRunner

from components.benchmarks import run
from components.cli import app
from components.environment import tracking_uri
from tests.tiny import save_tiny, tiny_gemma

PUBLISHED = Path(__file__).parent / "published"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint in a folder without a store of MLflow, which takes seconds."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.delenv("PBRLSVR_TRACKING_URI", raising=False)
    return save_tiny(tmp_path / "tiny")


@pytest.fixture
def checkpoint(bare: Path, empty_store: Path) -> Path:
    (bare.parent / "mlruns").mkdir()
    shutil.copy(empty_store, bare.parent / "mlruns")
    return bare


def evaluate(*options: object) -> str:
    result = CliRunner().invoke(app, ["evaluate", *map(str, options)])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("benchmark", "folder", "langs", "num"),
    [("mgsm_native_cot", "mgsm", "es,en", 2), ("mmlu_prox", "mmlu_prox", "zh", 5), ("xcopa", "xcopa", "sw,th", 2),
     ("global_mmlu", "global_mmlu", "en,es,sw", 2), ("xcopa_generation", "xcopa", "sw,th", 2)],
)  # fmt: skip
def test_from_published_files_to_a_report(checkpoint, benchmark, folder, langs, num):
    out = checkpoint.parent / "out"
    shots = ["--shots", 1] if benchmark in ("mgsm_native_cot", "mmlu_prox") else []  # the tiny model reads 1,024 tokens
    evaluate("--benchmark", benchmark, "--data", PUBLISHED / folder, "--languages", langs, "--model", checkpoint,
             "--max-new-tokens", 5, "--out", out, *shots)  # fmt: skip
    rows = pd.read_parquet(out / "samples.parquet")
    assert sorted(rows["lang"].value_counts().to_dict().items()) == sorted((lang, num) for lang in langs.split(","))
    metrics = json.loads((out / "metrics.json").read_text())
    assert set(metrics["systems"]["base"]) == set(langs.split(","))
    for lang, own in metrics["systems"]["base"].items():
        assert own["accuracy"] == pytest.approx(rows[rows["lang"] == lang]["correct"].mean())
        assert metrics["made"]["rows"][lang]["test"]["num_rows"] == num
    assert all(question in (out / "report.html").read_text() for question in rows["question"].str[:8])
    assert "| **base** | " in (out / "report.md").read_text()


@pytest.mark.slow
def test_it_goes_on_where_it_was(checkpoint, monkeypatch):
    options = ("--benchmark", "xcopa", "--data", PUBLISHED / "xcopa", "--languages", "sw,th", "--model", checkpoint,
               "--batch-size", 1, "--out", checkpoint.parent / "out")  # fmt: skip
    asked = []
    real = run._ask

    def killed_at_the_second(*arguments: object) -> object:
        asked.append(arguments)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(run, "_ask", killed_at_the_second)
    assert CliRunner().invoke(app, ["evaluate", *map(str, options)]).exit_code != 0
    assert not (checkpoint.parent / "out").exists()
    monkeypatch.setattr(run, "_ask", lambda *arguments: asked.append(arguments) or real(*arguments))
    evaluate(*options)
    assert len(asked) == 3, "what was done before is not done again"
    assert len(pd.read_parquet(checkpoint.parent / "out/samples.parquet")) == 4


@pytest.mark.slow
def test_other_code_goes_on_with_no_answers_of_before(checkpoint, monkeypatch):
    assert {path.name for path in run.CODE} == {"answers", "benchmarks", "generation", "lang"}
    assert all(path.is_dir() for path in run.CODE)
    code = checkpoint.parent / "code.py"
    monkeypatch.setattr(run, "CODE", [code])
    options = ("--benchmark", "xcopa", "--data", PUBLISHED / "xcopa", "--languages", "sw,th", "--model", checkpoint,
               "--batch-size", 1, "--out", checkpoint.parent / "out")  # fmt: skip
    asked = []
    real = run._ask

    def ask(*arguments: object) -> object:
        asked.append(arguments)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(run, "_ask", ask)
    code.write_text("one")
    assert CliRunner().invoke(app, ["evaluate", *map(str, options)]).exit_code != 0
    code.write_text("other")
    evaluate(*options)
    assert len(asked) == 4


@pytest.mark.slow
def test_no_folder_of_another_evaluation_is_replaced(checkpoint):
    """And the same evaluation may be made again."""
    other = save_tiny(checkpoint.parent / "other", chat=True)
    options = ("--benchmark", "xcopa", "--data", PUBLISHED / "xcopa", "--languages", "sw,th")
    evaluate(*options, "--model", checkpoint)
    written = (checkpoint.parent / "evaluations/xcopa/metrics.json").read_bytes()
    for changed, named in (
        (("--model", other), "(model_fingerprint)"),
        (("--model", checkpoint, "--limit", 1), "(limit)"),
        (("--model", checkpoint, "--languages", "sw"), "(languages, rows)"),
    ):
        result = CliRunner().invoke(app, ["evaluate", *map(str, (*options, *changed))])
        assert result.exit_code == 1
        assert f"evaluations/xcopa: holds another evaluation {named}; give another folder by --out" in result.output
        assert (checkpoint.parent / "evaluations/xcopa/metrics.json").read_bytes() == written
    evaluate(*options, "--model", checkpoint)


@pytest.mark.slow
def test_several_samples_and_a_chat_template(checkpoint):
    chat = save_tiny(checkpoint.parent / "chat", chat=True)
    out = checkpoint.parent / "out"
    evaluate("--benchmark", "mgsm_direct", "--data", PUBLISHED / "mgsm", "--languages", "en", "--model", chat,
             "--chat", "--samples", 3, "--temperature", 1, "--max-new-tokens", 4, "--out", out)  # fmt: skip
    own = json.loads((out / "metrics.json").read_text())["systems"]["base"]["en"]
    assert list(own["pass_at"]) == ["1", "2", "3"]
    assert len(pd.read_parquet(out / "samples.parquet")) == 6


@pytest.mark.slow
def test_adapters_of_one_label_are_seeds_of_one_training_and_mlflow_has_the_run(checkpoint):
    import mlflow

    folders = [checkpoint.parent / name for name in ("one", "two")]
    for folder in folders:
        policy, config = tiny_gemma(), LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False)
        torch.manual_seed(folders.index(folder))
        get_peft_model(policy, config).save_pretrained(folder)
    out = checkpoint.parent / "out"
    adapters = [part for folder in folders for part in ("--adapter", f"rl={folder}")]
    evaluate("--benchmark", "xcopa", "--data", PUBLISHED / "xcopa", "--languages", "sw,th", "--model", checkpoint,
             "--out", out, *adapters)  # fmt: skip
    metrics = json.loads((out / "metrics.json").read_text())
    assert set(metrics["made"]["adapters"]) == {"rl/1", "rl/2"}
    assert len(set(metrics["made"]["adapters"].values())) == 2
    assert set(pd.read_parquet(out / "samples.parquet")["system"]) == {"base", "rl/1", "rl/2"}
    gains = [metrics["comparisons"][system]["macro"]["mean"] for system in ("rl/1", "rl/2")]
    assert metrics["seeds"]["rl"]["gain"]["mean"] == pytest.approx(sum(gains) / 2)
    mlflow.set_tracking_uri(tracking_uri())
    (logged,) = mlflow.search_runs(experiment_names=["pb-rlsvr-benchmarks"], output_format="list")
    assert logged.data.params["benchmark"] == "xcopa"
    assert logged.data.metrics["seeds/rl/num_seeds"] == 2
    assert logged.data.metrics["seeds/rl/gain/mean"] == pytest.approx(sum(gains) / 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("xcopa", "--data", "nowhere"), "nowhere: no such folder"),
        (("xcopa", "--languages", "xx"), "no words in `xx`"),
        (("xcopa", "--languages", "sw", "--samples", 2), "--temperature"),
        (("xcopa", "--languages", "sw", "--shots", 2), "leave --shots"),
        (("xcopa", "--languages", "sw", "--adapter", "no"), "no adapter"),
        (("xcopa", "--languages", "sw", "--chat"), "leave --chat"),
        (("mmlu_prox", "--languages", "th"), "nothing in `th`"),
        pytest.param(
            ("mgsm_native_cot", "--data", PUBLISHED / "mgsm", "--languages", "es", "--max-new-tokens", 1000), "not fit",
            marks=pytest.mark.slow,  # told by the model, once MLflow has made a store
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(bare, options, message):
    benchmark, *rest = map(str, options)
    source = [] if "--data" in rest else ["--data", str(PUBLISHED / benchmark)]
    asked = ["evaluate", "--model", str(bare), "--benchmark", benchmark, *source, *rest]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 1
    assert message in result.output
    assert "Traceback" not in result.output


def test_set_ups_are_listed():
    assert "mmlu_prox_lite" in evaluate("--list")
