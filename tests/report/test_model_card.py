"""The model card of a made-up run."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.params import Params
from components.report.__main__ import CARD, MARKDOWN, work
from components.report.words import points
from tests.report.made_up import Kind, make_run, params, stage_run
from tests.report.reported import better, make_undrawn


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_undrawn(monkeypatch)


def changed(given: Params, section: str, **values: Any) -> Params:
    return Params.model_validate(given.model_dump() | {section: getattr(given, section).model_dump() | values})


def card(given: Params, kind: Kind = Kind()) -> tuple[dict[str, Any], str, dict[str, Any]]:  # noqa: B008 - never changed
    """Its metadata, its text, and the report's numbers."""
    make_run(given, better, kind=kind)
    run, _ = stage_run(given)
    work(run)
    _, head, text = CARD.read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(head), text.replace("\\", ""), run.metrics


@pytest.mark.slow
def test_card_says_what_the_adapter_is_and_was_measured_to_do() -> None:
    given = params()
    metadata, text, metrics = card(given)
    assert metadata["language"] == ["en", "es", "de", "th", "bn"]
    assert metadata["library_name"] == "peft"
    gain = metrics["macro"]["all_but_english"]["gain"]
    for words in (
        f"Base: {given.models.policy}, 268 million parameters",
        f"rank {given.train.lora_rank} (alpha {given.train.lora_alpha}; all-linear)",
        "Trained: Spanish (es), German (de).",
        "Evaluated and not trained: English (en), Thai (th), Bengali (bn).",
        "Train: built-in: word problems from this project's own templates",
        "Gemma Terms of Use",
        "(self-pivot)",
        "hybrid (0.7 agreement of the answer with the reference, 0.3 closeness of meaning by packaged-use",
        "10 steps of RAFT",
        "Budget: 5,120 tokens sampled, 4,096 learned from.",
        f"{points(gain['low'])} to {points(gain['high'])}",
        "| Spanish (es) |",
        "One training run with one seed",
        "## Not shown",
    ):
        assert words in text, words


@pytest.mark.slow
def test_card_without_gold_claims_no_accuracy() -> None:
    _, text, _ = card(params(), Kind(has_gold=lambda _: False))
    assert "No accuracy is told" in text
    assert "| Spanish (es) |" not in text


def test_card_names_the_source_of_data_of_others() -> None:
    given = params()
    sources = given.problems.sources.model_dump() | {"train": {"format": "gsm8k", "path": "train.jsonl"}}
    _, text, _ = card(changed(given, "problems", sources=sources, translator="server:translator"))
    assert "Train: train.jsonl (gsm8k), data of others: its own licence" in text
    assert "translated by server:translator" in text
    assert "Test: built-in" in text


def test_card_tells_controls() -> None:
    _, text, _ = card(changed(params(), "train", english_prompts=True, shuffled_references=0.2))
    assert "Trained: English (en)." in text
    assert "20 % of the references are other problems'" in text


def test_supervised_training_has_no_reward() -> None:
    _, text, _ = card(changed(params(), "train", method="sft", sft_references="english"))
    assert "Trained: English (en)." in text
    assert "None: supervised training alone." in text
    assert "responses each" not in text


def test_a_gain_is_told_as_that_of_the_method() -> None:
    _, text, _ = card(params())
    for page in (text, MARKDOWN.read_text(encoding="utf-8")):
        assert "; RL after it added +" in page
        assert "| of it by RL |" in page
    _, text, _ = card(changed(params(), "train", method="sft", sft_references="english"))
    for page in (text, MARKDOWN.read_text(encoding="utf-8")):
        assert "; supervised training after it added +" in page
        assert "| of it by supervised training |" in page
        assert not re.search(r"RL after|by RL", page)


def test_without_a_warm_up_none_is_told() -> None:
    _, text, _ = card(changed(params(), "train", warmup_steps=0))
    assert "Warm-up: none." in text
    for page in (text, MARKDOWN.read_text(encoding="utf-8").replace("\\", "")):
        assert "All of that change is of RL: there was no warm-up" in page
        assert "points before, +" not in page
        assert not re.search(r"gave [+−0]|after the warm-up|minus warm-up|warmed-up", page)


def test_what_a_step_learned_from_is_told_by_method() -> None:
    _, text, _ = card(changed(params(), "train", method="raft", group_size=8))
    assert "160 different good ones of 768 responses that the warmed-up policy gave (8 a prompt), " in text
    assert "and 45 English references; " in text
    _, text, _ = card(changed(params(), "train", method="grpo", prompts_per_step=12, group_size=8))
    assert "A step: 12 prompts, 8 responses each." in text


def test_card_names_no_path_of_this_machine():
    given = changed(params(), "models", policy="/home/ana/models/llama", pivot="~/models/pivot")
    sources = given.problems.sources.model_dump() | {"test": {"format": "gsm8k", "path": "/home/ana/test.jsonl"}}
    given = changed(given, "problems", sources=sources, translator="/home/ana/models/nllb")
    _, text, _ = card(changed(given, "reward", encoder="/home/ana/models/labse"))
    assert "# LoRA adapter of llama" in text
    assert "Base: llama, 268 million parameters" in text
    assert "Test: test.jsonl (gsm8k)" in text
    assert "translated by nllb" in text
    assert "closeness of meaning by labse" in text
    assert "/home/ana" not in text
    assert "~/" not in text
