"""Which parameters let a stage reach the Hugging Face hub."""

from pathlib import Path

import pytest

from components.params import ColumnsParams, SourceParams, load_params
from components.stage import names_hub_model

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")


def changed(**problems):
    return PARAMS.model_copy(update={"problems": PARAMS.problems.model_copy(update=problems)})


def with_train(source):
    return changed(sources=PARAMS.problems.sources.model_copy(update={"train": source}))


def hub(path):
    return SourceParams(format="hub", path=path, split="test", columns=ColumnsParams(question="q"))


@pytest.mark.parametrize("name", ["none", "server:big", "./nllb", "/models/nllb", "~/nllb", "components"])
def test_translators_that_need_no_hub(name):
    assert not names_hub_model(changed(translator=name))


def test_a_hub_translator_needs_it():
    assert names_hub_model(changed(translator="facebook/nllb-200-distilled-600M"))


def test_of_sources_only_hub_names_need_it(tmp_path):
    assert names_hub_model(with_train(hub("juletxara/mgsm")))
    assert not names_hub_model(with_train(hub(str(tmp_path))))
    assert not names_hub_model(with_train(SourceParams(format="gsm8k", path="somebody/train.jsonl")))
