"""The local model as translator: a tiny one that learns its few-shot prompts by heart, and what it is asked."""

import pytest
import torch

from components.contracts import ModelEntry, PipelineError
from components.translation import Translation
from components.translation.local import LocalTranslator
from tests.tiny import save_tiny, tiny_llama, tiny_tokenizer

PAIRS = {"es": [("Hola.", "Hi."), ("¿Y tú?", "And you?")]}
HEAD = "Spanish: Hola.\nEnglish: Hi.\n\nSpanish: ¿Y tú?\nEnglish: And you?\n\nSpanish: {}\nEnglish:"
BACK = "English: Hi.\nSpanish: Hola.\n\nEnglish: And you?\nSpanish: ¿Y tú?\n\nEnglish: {}\nSpanish:"
LEARNT = {
    HEAD.format("Tres gatos."): " Three cats.\n",
    HEAD.format("No."): " No.\n",
    HEAD.format("Va."): " It goes on and on and on and on and on and on and on and on.\n",
    HEAD.format("Nada."): "\n",
    BACK.format("Three cats."): " Tres gatos.\n",
}


def entry(path):
    return ModelEntry(name="own", path=str(path), fingerprint="0", has_chat_template=False, num_parameters=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model that goes on from each prompt as in `LEARNT`."""
    tokenizer, model = tiny_tokenizer(), tiny_llama()
    rows = [(tokenizer(prompt)["input_ids"], tokenizer(answer)["input_ids"]) for prompt, answer in LEARNT.items()]
    ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(p + a) for p, a in rows], batch_first=True)
    labels = torch.full_like(ids, -100)
    for row, (prompt, answer) in enumerate(rows):
        labels[row, len(prompt) : len(prompt) + len(answer)] = torch.tensor(answer)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(400):
        loss = model(input_ids=ids, attention_mask=(ids != 0).long(), labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss.item() < 0.01:
            break
    assert loss.item() < 0.01
    path = tmp_path_factory.mktemp("local")
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def translator(folder):
    return LocalTranslator.load(entry(folder), "float32", PAIRS)


@pytest.mark.slow
def test_sentences_are_translated_by_example(translator):
    texts = ["Tres gatos.", "No. Tres gatos.\nNo.", "No."]
    expected = ["Three cats.", "No. Three cats. No.", "No."]
    assert translator.translate(texts, "en", "es") == [Translation(text=text) for text in expected]


@pytest.mark.slow
def test_the_examples_serve_both_directions(translator):
    assert translator.translate(["Three cats."], "es") == [Translation(text="Tres gatos.")]


@pytest.mark.slow
def test_what_runs_on_or_says_nothing_is_no_translation(translator):
    reasons = [one.reason for one in translator.translate(["Va.", "Nada.", "No. Va. No.", ""], "en", "es")]
    assert reasons == ["cut off", "empty", "cut off", "empty"]


@pytest.mark.slow
def test_languages_without_examples_are_told(translator):
    for target, source in (("en", "de"), ("de", "en"), ("es", "de"), ("de", "es")):
        with pytest.raises(PipelineError, match=rf"no examples of `{source}` to `{target}`"):
            translator.translate(["Hi."], target, source)


def test_a_chat_model_is_asked_without_examples(tmp_path):
    translator = LocalTranslator.load(entry(save_tiny(tmp_path, chat=True)), "float32", {})
    asked = []
    form = translator.responder.prompt_format
    form.encode = lambda text: asked.append(text) or tiny_tokenizer()(text)["input_ids"]
    assert [one.text for one in translator.translate(["Hallo."], "fr", "de")] == [None]  # random weights do not end
    (prompt,) = asked
    assert prompt.startswith("<bos><start_of_turn>user\nTranslate the following text from German to French.")
    assert prompt.endswith("\n\nHallo.<end_of_turn>\n<start_of_turn>model\n")
