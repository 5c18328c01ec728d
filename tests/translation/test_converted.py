"""Checkpoints converted by CTranslate2's own converter say what they said before."""

import sys
from types import SimpleNamespace

import pytest
import torch
from transformers import AutoTokenizer, M2M100ForConditionalGeneration

from components.contracts import PipelineError
from components.translation import Translation, load_translator
from components.translation.converted import ConvertedTranslator, _on_best_device
from components.translation.seq2seq import Seq2SeqTranslator
from tests.translation.checkpoints import ENGLISH, LEARNT

pytest.importorskip("ctranslate2", reason="needs the extra `mt`")
TEXTS = [" ".join(ENGLISH), *ENGLISH, "an apple", "eleven hens have many eggs", "I have 5", "?", "Ww. Xx yy."]


def convert(folder, to):
    from ctranslate2.converters import TransformersConverter

    tokenizer_files = [path.name for path in folder.glob("tokenizer*")]
    TransformersConverter(str(folder), copy_files=tokenizer_files).convert(str(to))
    return to


@pytest.fixture(scope="module")
def converted_nllb(nllb, tmp_path_factory):
    """With as many positions as published ones: CTranslate2 makes no more up, as transformers does."""
    folder = tmp_path_factory.mktemp("converted")
    M2M100ForConditionalGeneration.from_pretrained(nllb, max_position_embeddings=512).save_pretrained(folder / "wide")
    AutoTokenizer.from_pretrained(nllb).save_pretrained(folder / "wide")
    return convert(folder / "wide", folder / "nllb")


@pytest.fixture(scope="module")
def converted_opus(opus, tmp_path_factory):
    return convert(opus, tmp_path_factory.mktemp("converted") / "opus")


@pytest.mark.parametrize(("num", "works", "device"), [(0, False, "cpu"), (1, True, "cuda"), (1, False, "cpu")])
def test_the_accelerator_is_taken_where_it_computes(num, works, device, capsys):
    class Translator:
        def __init__(self, folder, device):  # noqa: ARG002
            self.device = device

        def translate_batch(self, *_, **__):
            if not works:
                raise RuntimeError("Library libcublas.so.12 is not found or cannot be loaded")

    library = SimpleNamespace(get_cuda_device_count=lambda: num, Translator=Translator)
    assert _on_best_device(library, "nllb").device == device
    assert ("warning: nllb: on the processor" in capsys.readouterr().out) == (num == 1 and not works)


@pytest.mark.slow
@pytest.mark.parametrize(("target", "source"), [("es", "en"), ("de", "en"), ("en", "es"), ("en", "de")])
def test_many_to_many_says_the_same(nllb, converted_nllb, target, source):
    converted, original = load_translator(str(converted_nllb)), load_translator(str(nllb))
    assert isinstance(converted, ConvertedTranslator)
    assert isinstance(original, Seq2SeqTranslator)
    texts = [*TEXTS, *LEARNT["es"], *LEARNT["de"]]
    found = converted.translate(texts, target, source)
    assert found == original.translate(texts, target, source)
    assert len({translation.text for translation in found}) > 3


@pytest.mark.slow
@pytest.mark.parametrize("target", ["es", "de"])
def test_a_prefix_says_the_same(opus, converted_opus, target):
    converted = load_translator(str(converted_opus))
    assert isinstance(converted, ConvertedTranslator)
    assert converted.translate(TEXTS, target) == load_translator(str(opus)).translate(TEXTS, target)
    assert converted.translate(ENGLISH, target) == [Translation(text=text) for text in LEARNT[target]]


@pytest.mark.slow
def test_what_does_not_fit_or_end_is_no_translation(nllb, tmp_path):
    model = M2M100ForConditionalGeneration.from_pretrained(nllb, max_position_embeddings=512)
    with torch.no_grad():  # a model that never ends a text
        model.get_output_embeddings().weight[2] = 0
        model.get_input_embeddings().weight[2] = 0
    model.save_pretrained(tmp_path / "endless")
    AutoTokenizer.from_pretrained(nllb, model_max_length=64).save_pretrained(tmp_path / "endless")
    translator = load_translator(str(convert(tmp_path / "endless", tmp_path / "converted")))
    reasons = [one.reason for one in translator.translate([*ENGLISH, "many " * 40], "es")]
    assert reasons == ["cut off", "cut off", "too long"]


@pytest.mark.slow
def test_what_is_missing_is_one_line(converted_nllb, tmp_path, monkeypatch):
    (tmp_path / "model.bin").write_bytes(b"nothing")
    (tmp_path / "shared_vocabulary.json").write_text("[]")
    for path in converted_nllb.glob("tokenizer*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(PipelineError, match=rf"`problems\.translator`: {tmp_path}: ") as caught:
        load_translator(str(tmp_path))
    assert "\n" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    with pytest.raises(PipelineError, match=r"pip install -e '\.\[mt\]'"):
        load_translator(str(converted_nllb))
