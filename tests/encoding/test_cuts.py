"""Long texts are cut, not truncated."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer

from components.contracts import PipelineError
from components.encoding.cuts import WholeTexts
from tests.encoding.conftest import CORPUS, byte_pairs, save_tiny_encoder, word_pieces

LIMIT = 16
LONG = "Ana has 12 apples. She buys 5 more apples!\nShe has 17 apples now, and eats one. " * 6


@pytest.fixture(scope="module")
def texts_model(tiny):
    return WholeTexts(SentenceTransformer(tiny, device="cpu"))


def num_tokens(model: WholeTexts, text: str) -> int:
    return len(model.model.tokenizer(text)["input_ids"])


@given(
    text=st.text(max_size=300) | st.lists(st.sampled_from([*CORPUS, "\n", " ", "。", "ﷺ", "🇩🇪", "x" * 40])).map("".join)
)
def test_pieces_fit_and_are_the_text(text, texts_model):
    pieces = texts_model._cutter.pieces(text)
    assert "".join(piece for piece, _ in pieces) == text
    for piece, weight in pieces:
        assert num_tokens(texts_model, piece) <= LIMIT
        assert weight == max(1, num_tokens(texts_model, piece) - 2)
    if num_tokens(texts_model, text) <= LIMIT:
        assert pieces == [(text, max(1, num_tokens(texts_model, text) - 2))]


def test_pieces_end_with_sentences_else_words_else_characters(tmp_path):
    model = WholeTexts(SentenceTransformer(save_tiny_encoder(tmp_path, word_pieces(), 8), device="cpu"))
    cut = {
        "Ana has 12 apples. She buys 5 more apples!": ["Ana has 12 apples. ", "She buys 5 more apples!"],
        "12 12 12\n12 12 12 12 12": ["12 12 12\n", "12 12 12 12 12"],
        "12 12 12。12 12 12 12": ["12 12 12。", "12 12 12 12"],
        "12 12 12 12 12 12 12 12": ["12 12 12 12 12 12 ", "12 12"],
        "苹果苹果苹果苹果": ["苹果苹果苹果", "苹果"],
    }
    assert {text: [piece for piece, _ in model._cutter.pieces(text)] for text in cut} == cut


def test_the_end_of_a_long_text_matters(texts_model, tiny):
    texts = [LONG + "Ana", LONG + "苹果", LONG]
    found = texts_model.encode(texts)
    truncated = SentenceTransformer(tiny, device="cpu").encode(texts)
    np.testing.assert_allclose(truncated[0], truncated[1], atol=1e-6)  # what we must not do
    assert np.abs(found[0] - found[1]).max() > 1e-3
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_a_long_texts_vector_is_the_weighted_mean_of_its_pieces(texts_model):
    pieces = texts_model._cutter.pieces(LONG)
    assert len(pieces) > 5
    parts = texts_model.model.encode([piece for piece, _ in pieces], normalize_embeddings=True)
    mean = np.average(parts, axis=0, weights=[num_tokens(texts_model, piece) - 2 for piece, _ in pieces])
    found = texts_model.encode(["Ana", LONG, "Ana tiene"])
    np.testing.assert_allclose(found[1], mean / np.linalg.norm(mean), atol=1e-5)


def test_short_texts_are_left_to_the_model(texts_model):
    texts = ["Ana", "", "Ana has 12 apples."]
    expected = texts_model.model.encode(texts, normalize_embeddings=True)
    np.testing.assert_allclose(texts_model.encode(texts), expected, atol=1e-5)


def test_the_models_prompt_takes_room(tmp_path):
    name = save_tiny_encoder(
        tmp_path, word_pieces(), prompts={"query": "Ana has apples: "}, default_prompt_name="query"
    )
    model = WholeTexts(SentenceTransformer(name, device="cpu"))
    pieces = [piece for piece, _ in model._cutter.pieces(LONG)]
    assert "".join(pieces) == LONG
    assert max(num_tokens(model, "Ana has apples: " + piece) for piece in pieces) <= LIMIT


def test_no_room_for_a_character_is_one_line(tmp_path):
    model = WholeTexts(SentenceTransformer(save_tiny_encoder(tmp_path, byte_pairs(), 4), device="cpu"))
    with pytest.raises(PipelineError, match=r"`reward\.encoder`.*4 tokens.*'🇩'"):
        model.encode(["🇩🇪"])


def test_a_tokenizer_without_offsets_is_refused():
    model = SimpleNamespace(max_seq_length=16, tokenizer=str.split)
    with pytest.raises(ValueError, match="offsets"):
        WholeTexts(model)
