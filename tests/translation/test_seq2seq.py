"""Translation by tiny checkpoints that learn some translations by heart, through the real loading code."""

import json

import pytest
import torch
import yaml

from components.contracts import PipelineError
from components.lang import languages
from components.translation import Translation, load_translator
from components.translation.direction import CODES, find_direction
from tests.translation.checkpoints import ENGLISH, LEARNT, marian_tokenizer


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["es", "de"])
def test_the_first_token_chooses_the_language(nllb, lang):
    translator = load_translator(str(nllb))
    first, second = LEARNT[lang]
    texts = [" ".join(ENGLISH), *ENGLISH]
    expected = [Translation(text=text) for text in (f"{first} {second}", first, second)]
    assert translator.translate(texts, lang) == expected
    assert translator.translate(texts, lang) == expected


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["es", "de"])
def test_the_source_is_told_too(nllb, lang):
    translator = load_translator(str(nllb))
    first, second = LEARNT[lang]
    expected = [Translation(text=text) for text in (" ".join(ENGLISH), *ENGLISH)]
    assert translator.translate([f"{first}\n{second}", first, second], "en", lang) == expected
    assert translator.translate(ENGLISH, lang) == [Translation(text=text) for text in LEARNT[lang]]  # and back


@pytest.mark.slow
def test_a_sentence_that_fails_leaves_its_text_without_translation(nllb):
    one, other = load_translator(str(nllb)).translate([f"{ENGLISH[0]} {'many ' * 40}{ENGLISH[1]}", ENGLISH[1]], "es")
    assert (one, other) == (Translation(text=None, reason="too long"), Translation(text=LEARNT["es"][1]))


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["es", "de"])
def test_a_token_in_front_chooses_the_language(opus, lang):
    assert load_translator(str(opus)).translate(ENGLISH, lang) == [Translation(text=text) for text in LEARNT[lang]]


@pytest.mark.slow
def test_what_does_not_end_or_does_not_fit_is_no_translation(nllb):
    translator = load_translator(str(nllb))
    assert translator.translate(["many " * 40], "es") == [Translation(text=None, reason="too long")]
    with torch.no_grad():  # a model that never ends a text
        translator.model.get_output_embeddings().weight[2] = 0
        translator.model.get_input_embeddings().weight[2] = 0
    assert {one.reason for one in translator.translate(ENGLISH, "es")} == {"cut off"}


@pytest.mark.slow
def test_an_unknown_target_and_a_bad_checkpoint_are_told(nllb, opus, tmp_path):
    for folder in (nllb, opus):
        for target, source in (("fr", "en"), ("en", "fr")):
            with pytest.raises(PipelineError, match=rf"{folder.name}.* does not translate `{source}` to `{target}`"):
                load_translator(str(folder)).translate(ENGLISH, target, source)
    with pytest.raises(PipelineError, match=r"codes\.yaml: no language `xx`"):
        load_translator(str(nllb)).translate(ENGLISH, "xx")
    with pytest.raises(PipelineError) as caught:
        load_translator(str(tmp_path), "reward.translator")
    assert "`reward.translator`" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_weights_without_a_tokenizer_are_refused(nllb, tmp_path):
    for name in ("config.json", "model.safetensors", "generation_config.json"):
        (tmp_path / name).write_bytes((nllb / name).read_bytes())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "NllbTokenizer"}))
    with pytest.raises(PipelineError, match=r"`problems\.translator`"):
        load_translator(str(tmp_path))


@pytest.mark.parametrize(
    ("said", "works", "does_not"),
    [
        ({"source_lang": "eng", "target_lang": "spa"}, [("es", "en")], [("de", "en"), ("es", "de"), ("en", "es")]),
        ({"source_lang": "de", "target_lang": "en"}, [("en", "de")], [("de", "en"), ("en", "es")]),
        ({"source_lang": "roa", "target_lang": "eng"}, [("en", "es"), ("en", "fr")], [("en", "de"), ("es", "fr")]),
        ({"source_lang": "mul", "target_lang": "eng"}, [("en", "sw"), ("en", "th")], [("sw", "en")]),
        ({"target_lang": "spa"}, [("es", "en")], [("de", "en")]),
    ],
)
def test_a_model_of_one_pair_translates_in_its_direction_alone(said, works, does_not):
    tokenizer = marian_tokenizer([], **said)
    for target, source in works:
        assert find_direction(tokenizer, "m", target, source).prefix == ""
    for target, source in does_not:
        with pytest.raises(PipelineError, match=r"^m (translates from|does not translate)"):
            find_direction(tokenizer, "m", target, source)


def test_a_model_of_one_source_and_many_targets_takes_no_other_source():
    tokenizer = marian_tokenizer(source_lang="eng", target_lang="mul")
    assert find_direction(tokenizer, "m", "de", "en").prefix == ">>deu<< "
    with pytest.raises(PipelineError, match="translates from `eng`, not from `es`"):
        find_direction(tokenizer, "m", "de", "es")


@pytest.mark.slow
def test_a_model_of_one_pair_is_loaded_with_what_it_says(opus, tmp_path):
    for name in ("config.json", "model.safetensors", "generation_config.json"):
        (tmp_path / name).write_bytes((opus / name).read_bytes())
    tokenizer = marian_tokenizer(["<a>", "<b>"], source_lang="eng", target_lang="spa")  # as many as the weights know
    tokenizer.save_pretrained(tmp_path)
    translator = load_translator(str(tmp_path))
    assert len(translator.translate(ENGLISH, "es")) == 2
    with pytest.raises(PipelineError, match="does not translate `en` to `de`"):
        translator.translate(ENGLISH, "de")


def test_codes_are_of_known_languages_in_the_order_of_the_families():
    codes = yaml.safe_load(CODES.read_text())
    assert codes.keys() <= languages().keys()
    assert {len(row["first"]) for row in codes.values()} == {3}
    for place in range(3):
        tokens = [row["first"][place] for row in codes.values() if row["first"][place]]
        assert len(tokens) == len(set(tokens))
    names = [name for row in codes.values() for name in row["names"]]
    assert len(names) == len(set(names))
