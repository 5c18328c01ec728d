"""What leaves this machine: it loads with the usual libraries, says the same, and names no path of here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

from components.ask import answer
from components.contracts import PipelineError
from components.params import load_params
from components.promotion.adapter import ADAPTER
from components.promotion.export import export
from components.promotion.names import public_name
from tests.architecture.imports import ROOT
from tests.promotion.conftest import CARD, make_adapter
from tests.tiny import tiny_llama

OUT = Path("out/model")
IDS = torch.tensor([[5, 9, 40, 41, 200]])


def logits(model) -> torch.Tensor:
    """In float64, so that only what was written counts: (W + sBA)x and Wx + s(B(Ax)) round apart in float32."""
    with torch.no_grad():
        return model.double().eval()(IDS).logits


def adapted(folder: Path = ADAPTER):
    return PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("tiny"), folder)


def texts(folder: Path) -> dict[str, str]:
    """All files but the weights."""
    return {path.name: path.read_text("utf-8") for path in folder.iterdir() if path.suffix != ".safetensors"}


@pytest.mark.slow
@pytest.mark.usefixtures("finished")
def test_an_adapter_loads_with_peft_and_says_the_same():
    export(OUT, ADAPTER, merged=False)
    names = {"adapter_config.json", "adapter_model.safetensors", "prompts.jsonl", "README.md"}
    assert {path.name for path in OUT.iterdir()} == names
    assert json.loads((OUT / "adapter_config.json").read_text())["base_model_name_or_path"] == "tiny"
    assert (OUT / "README.md").read_text() == CARD
    torch.testing.assert_close(logits(adapted(OUT)), logits(adapted()), atol=1e-5, rtol=0)
    assert OUT.stat().st_mode & 0o777 == 0o755


@pytest.mark.usefixtures("finished")
def test_a_merged_checkpoint_loads_with_transformers_and_says_the_same():
    export(OUT, ADAPTER, merged=True)
    names = {path.name for path in OUT.iterdir()}
    assert {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "README.md"} <= names
    assert not {name for name in names if name.endswith((".bin", ".pt", ".pkl"))}
    merged = AutoModelForCausalLM.from_pretrained(OUT)
    torch.testing.assert_close(logits(merged), logits(adapted()), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(logits(merged), logits(tiny_llama()), atol=1e-2)
    asked = "¿Cuántas son 2 + 7?"
    assert AutoTokenizer.from_pretrained(OUT)(asked) == AutoTokenizer.from_pretrained("tiny")(asked)
    _, head, text = (OUT / "README.md").read_text().split("---\n", 2)
    assert yaml.safe_load(head) == {"language": ["es"], "library_name": "transformers"}
    assert text.startswith("\nThis is a whole checkpoint")
    assert text.endswith("# LoRA adapter of tiny\n\nFigures.\n")


@pytest.mark.usefixtures("finished")
def test_weights_are_summed_in_float32_and_rounded_once():
    tiny_llama().to(torch.bfloat16).save_pretrained("tiny")
    export(OUT, ADAPTER, merged=True)
    found = AutoModelForCausalLM.from_pretrained(OUT, dtype="auto").state_dict()
    exact = AutoModelForCausalLM.from_pretrained("tiny", dtype=torch.float32)
    folded = PeftModel.from_pretrained(exact, ADAPTER).merge_and_unload().state_dict()
    assert {value.dtype for value in found.values()} == {torch.bfloat16}
    assert found.keys() == folded.keys()
    assert all(torch.equal(found[key], value.to(torch.bfloat16)) for key, value in folded.items())


@pytest.mark.usefixtures("finished")
def test_with_its_prompts_it_answers_as_here():
    """The lines of README, on a tiny model."""
    export(OUT, ADAPTER, merged=True)
    prompts = [json.loads(line) for line in (OUT / "prompts.jsonl").open(encoding="utf-8")]
    assert [row["lang"] for row in prompts] == load_params().base.languages
    row = next(row for row in prompts if row["lang"] == "es")
    assert "¿2 + 3?" in row["prompt"]
    assert (row["add_special_tokens"], row["stop"]) == (True, "\n")
    question, num_new = "¿Cuántas son 2 + 7?", load_params().evaluate.max_new_tokens
    model = pipeline("text-generation", str(OUT), dtype=torch.float32)
    asked = row["prompt"].replace("{question}", question)
    special = {"add_special_tokens": row["add_special_tokens"]}
    (found,) = model(asked, max_new_tokens=num_new, do_sample=False, return_full_text=False, **special)
    assert found["generated_text"].split(row["stop"])[0].strip() == answer(question, "es") != ""


@pytest.mark.parametrize("merged", [False, True])
def test_no_path_of_this_machine_is_in_any_file(finished: Path, merged: bool):
    export(OUT, ADAPTER, merged)
    found = texts(OUT)
    assert len(found) >= 2
    for name, text in found.items():
        for path in (finished, ROOT, Path.home()):
            assert str(path) not in text, name
        assert "./tiny" not in text, name


@pytest.mark.usefixtures("finished")
def test_what_is_there_is_never_overwritten():
    OUT.mkdir(parents=True)
    export(OUT, ADAPTER, merged=False)  # an empty folder is as good as none
    before = {path: path.read_bytes() for path in OUT.iterdir()}
    with pytest.raises(PipelineError, match="out/model: is there already; give a new or empty folder"):
        export(OUT, ADAPTER, merged=True)
    assert {path: path.read_bytes() for path in OUT.iterdir()} == before
    with pytest.raises(PipelineError, match="is there already"):
        export(OUT / "README.md", ADAPTER, merged=False)


@pytest.mark.usefixtures("finished")
def test_what_fails_leaves_nothing():
    (Path("tiny") / "config.json").unlink()
    with pytest.raises(PipelineError, match=r"tiny: no checkpoint of `\./tiny` here"):
        export(OUT, ADAPTER, merged=True)
    assert [*OUT.parent.iterdir()] == []
    with pytest.raises(PipelineError, match="nowhere: no adapter here"):
        export(OUT, Path("nowhere"), merged=False)


@pytest.mark.usefixtures("finished")
def test_a_card_is_of_this_adapter_or_there_is_none(capsys: pytest.CaptureFixture[str]):
    make_adapter(Path("adapters/warmup"), seed=2)
    export(OUT, Path("adapters/warmup"), merged=False)
    assert "No report is about this adapter." in (OUT / "README.md").read_text()
    assert "adapters/warmup: no report is about this adapter" in capsys.readouterr().out
    make_adapter(ADAPTER, seed=2)
    with pytest.raises(PipelineError, match="is about another adapter than adapters/trained; run `dvc repro report`"):
        export(Path("second"), ADAPTER, merged=False)
    make_adapter(ADAPTER, seed=1)
    export(Path("copy"), ADAPTER, merged=False)
    export(Path("third"), Path("copy"), merged=False)
    assert (Path("third") / "README.md").read_text() == CARD, "the same adapter from another folder"
    Path("report/model_card.md").unlink()
    with pytest.raises(PipelineError, match=r"report/model_card\.md: No such file"):
        export(Path("fourth"), ADAPTER, merged=False)


@pytest.mark.slow
@pytest.mark.usefixtures("finished")
def test_the_command_writes_and_refuses():
    command = [sys.executable, "-m", "components.cli", "export", str(OUT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "out/model: written\n"), done.stderr
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "pb-rlsvr: out/model: is there already; give a new or empty folder\n"


def test_names_without_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("models").mkdir()
    names = ("/data/llama", "~/llama", "../llama/", "./llama", ".", "models", "google/gemma-3", "server:big", "a.jsonl")
    here = tmp_path.name
    assert [public_name(name) for name in names] == [
        "llama", "llama", "llama", "llama", here, "models", "google/gemma-3", "server:big", "a.jsonl",
    ]  # fmt: skip
