"""Translation by tiny checkpoints that learn four translations by heart, through the real loading code."""

import json

import pytest
import torch
import yaml
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    M2M100Config,
    M2M100ForConditionalGeneration,
    MarianConfig,
    MarianMTModel,
    NllbTokenizer,
    PreTrainedTokenizerFast,
)

from components.contracts import PipelineError
from components.lang import languages
from components.translation import Translation, load_translator
from components.translation.seq2seq import CODES

ENGLISH = ["I have 5 apples.", "How many?"]
LEARNT = {"es": ["Tengo 5 manzanas.", "¿Cuántas?"], "de": ["Ich habe 5 Äpfel.", "Wie viele?"]}
FLORES = {"es": "spa_Latn", "de": "deu_Latn"}
OPUS = {"es": ">>spa<<", "de": ">>deu<<"}
SIZES = {
    "d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": 64, "dropout": 0.0,
    "attention_dropout": 0.0, "activation_dropout": 0.0, "encoder_layerdrop": 0.0, "decoder_layerdrop": 0.0,
    "pad_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2,
}  # fmt: skip


def characters():
    known = sorted(set("".join([*ENGLISH, *LEARNT["es"], *LEARNT["de"], "abcdefghijklmnopqrstuvwxyz"])) - {" "})
    return {token: i for i, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", "▁", *known])}


def learn(model, sources, targets):
    """Teach a few pairs of (S,) and (T,) token ids by heart."""
    torch.manual_seed(0)
    pad = torch.nn.utils.rnn.pad_sequence
    inputs = pad([torch.tensor(ids) for ids in sources], batch_first=True, padding_value=1)
    labels = pad([torch.tensor(ids) for ids in targets], batch_first=True, padding_value=-100)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    model.train()
    for _ in range(150):
        loss = model(input_ids=inputs, attention_mask=(inputs != 1).long(), labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05
    return model.eval()


@pytest.fixture(scope="module")
def nllb(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nllb")
    codes = ["eng_Latn", *FLORES.values()]
    tokenizer = NllbTokenizer(vocab=characters(), merges=[], extra_special_tokens=codes)
    torch.manual_seed(0)
    model = M2M100ForConditionalGeneration(M2M100Config(vocab_size=len(tokenizer), bos_token_id=0, **SIZES))
    sources, targets = [], []
    for lang, texts in LEARNT.items():
        for english, text in zip(ENGLISH, texts, strict=True):
            sources.append(tokenizer(english)["input_ids"])
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
            targets.append([tokenizer.convert_tokens_to_ids(FLORES[lang]), *ids, 2])
    learn(model, sources, targets).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def marian_tokenizer(**settings):
    tokenizer = Tokenizer(models.BPE(vocab=characters(), merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="never")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="never")
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", **settings
    )


@pytest.fixture(scope="module")
def opus(tmp_path_factory):
    """Several targets, told by a token in front of the text."""
    folder = tmp_path_factory.mktemp("opus")
    tokenizer = marian_tokenizer()
    tokenizer.add_tokens(list(OPUS.values()))
    torch.manual_seed(0)
    sizes = SIZES | {"decoder_start_token_id": 1, "forced_eos_token_id": 2}
    model = MarianMTModel(MarianConfig(vocab_size=len(tokenizer), **sizes))
    pairs = [(f"{OPUS[lang]} {e}", text) for lang in LEARNT for e, text in zip(ENGLISH, LEARNT[lang], strict=True)]
    ids = [(tokenizer(english)["input_ids"], tokenizer(text)["input_ids"]) for english, text in pairs]
    learn(model, *zip(*ids, strict=True)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("lang", ["es", "de"])
def test_the_first_token_chooses_the_language(nllb, lang):
    translator = load_translator(str(nllb))
    first, second = LEARNT[lang]
    texts = [" ".join(ENGLISH), *ENGLISH]
    expected = [Translation(text=text) for text in (f"{first} {second}", first, second)]
    assert translator.translate(texts, lang) == expected
    assert translator.translate(texts, lang) == expected


@pytest.mark.parametrize("lang", ["es", "de"])
def test_a_token_in_front_chooses_the_language(opus, lang):
    assert load_translator(str(opus)).translate(ENGLISH, lang) == [Translation(text=text) for text in LEARNT[lang]]


def test_what_does_not_end_or_does_not_fit_is_no_translation(nllb):
    translator = load_translator(str(nllb))
    assert translator.translate(["many " * 40], "es") == [Translation(text=None, reason="too long")]
    with torch.no_grad():  # a model that never ends a text
        translator.model.get_output_embeddings().weight[2] = 0
        translator.model.get_input_embeddings().weight[2] = 0
    assert {one.reason for one in translator.translate(ENGLISH, "es")} == {"cut off"}


def test_an_unknown_target_and_a_bad_checkpoint_are_told(nllb, opus, tmp_path):
    for folder in (nllb, opus):
        with pytest.raises(PipelineError, match=r"`problems.translator`: .* names no token for `fr`"):
            load_translator(str(folder)).translate(ENGLISH, "fr")
    with pytest.raises(PipelineError, match=r"codes\.yaml: no language `it`"):
        load_translator(str(nllb)).translate(ENGLISH, "it")
    with pytest.raises(PipelineError) as caught:
        load_translator(str(tmp_path))
    assert "`problems.translator`" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_without_a_tokenizer_are_refused(nllb, tmp_path):
    for name in ("config.json", "model.safetensors", "generation_config.json"):
        (tmp_path / name).write_bytes((nllb / name).read_bytes())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "NllbTokenizer"}))
    with pytest.raises(PipelineError, match=r"`problems\.translator`"):
        load_translator(str(tmp_path))


def test_a_model_of_one_pair_says_its_target(opus, tmp_path):
    for name in ("config.json", "model.safetensors", "generation_config.json"):
        (tmp_path / name).write_bytes((opus / name).read_bytes())
    tokenizer = marian_tokenizer(target_lang="spa")
    tokenizer.add_tokens(["<a>", "<b>"])  # as many as the weights know
    tokenizer.save_pretrained(tmp_path)
    translator = load_translator(str(tmp_path))
    assert len(translator.translate(ENGLISH, "es")) == 2
    with pytest.raises(PipelineError, match="names no token for `de`"):
        translator.translate(ENGLISH, "de")


def test_codes_are_of_known_languages_in_the_order_of_the_families():
    codes = yaml.safe_load(CODES.read_text())
    assert codes.keys() <= languages().keys()
    assert {len(row["first"]) for row in codes.values()} == {3}
