"""A repository in little after a finished run: a tiny base, an adapter, the report's decision, an empty store."""

import json
from pathlib import Path

import pytest
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from components.contracts import ModelEntry, ModelManifest, Question, write_json, write_records, write_text
from components.params.edit import write_values
from components.promotion.adapter import ADAPTER, adapter_sha256
from tests.tiny import tiny_llama, tiny_tokenizer
from tests.tracking.conftest import empty_store, pytest_configure, repository  # noqa: F401

CONDITIONS = [{"name": "gain over the base", "passed": True, "told": "+6.0 points"}]
CARD = "---\nlanguage: [es]\nlibrary_name: peft\n---\n\n# LoRA adapter of tiny\n\nFigures.\n"


def make_base(folder: Path, seed: int = 0) -> None:
    """Llama: with tied embeddings, a tiny random model repeats itself whatever it is asked."""
    tiny_llama(seed).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)


def make_adapter(folder: Path, seed: int) -> None:
    """A LoRA adapter that changes what the base in ./tiny says; its configuration holds the base's full path."""
    import torch

    torch.manual_seed(seed)
    base = AutoModelForCausalLM.from_pretrained(Path("tiny").resolve())
    config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
    get_peft_model(base, config).save_pretrained(folder)


def make_decision(passed: bool = True) -> None:
    """What the report has decided about adapters/trained."""
    conditions = [{**CONDITIONS[0], "passed": passed}]
    decision = {"passed": passed, "conditions": conditions, "adapter_sha256": adapter_sha256(ADAPTER)}
    write_json(Path("metrics/report.json"), {"promotion": decision})


def _shot(lang: str, question: str, solution: str) -> Question:
    return Question(
        problem_id="s0", lang=lang, split="shots", family="f", unseen_family=False, question=question, answer="5",
        solution=solution,
    )  # fmt: skip


@pytest.fixture
def finished(repository: Path) -> Path:  # noqa: F811 - the fixture
    # in bfloat16 a batch may well answer otherwise than each question alone
    write_values({"models.dtype": "float32"}, "the test")
    make_base(Path("tiny"))
    entry = ModelEntry(name="./tiny", path="tiny", fingerprint="0123", has_chat_template=False, num_parameters=1)
    write_json(Path("models/manifest.json"), ModelManifest(policy=entry, pivot=entry, self_pivot=True).model_dump())
    shots = [_shot("es", "¿2 + 3?", "Son 5."), _shot("en", "2 + 3?", "It is 5.")]
    write_records(Path("data/problems/shots.jsonl"), shots)
    write_json(Path("runs/train.json"), {"run_id": "a" * 32, "git": {"commit": "b" * 40}})
    write_text(Path("report/model_card.md"), CARD)
    make_adapter(ADAPTER, seed=1)
    assert str(repository) in json.loads((ADAPTER / "adapter_config.json").read_text())["base_model_name_or_path"]
    make_decision()
    return repository
