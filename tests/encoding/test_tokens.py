"""Piece ids are the package's own, whatever the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.encoding import tokens
from tests.problems.test_sources import DATA, published

TRICKY = [
    "", " ", "\n", "\t \u3000\u00a0", "\u200b", "\ufeff", "\x00", "a\x00b", "\x01\x1f\x7f\x80", "▁", "▁▁", " ▁ a",
    "a▁b ", "<unk>", "<unk>☃<unk>", "<s>", "</s>", "<s>a</s>", "extra_token_id_1", "☃☃☃", "☃ a ☃☃", "ﷺ", "ｶﾞ",
    "한글", "½", "ﬁ", "\u1112\u1161\u11ab", "é e\u0301", "①②", "👩\u200d👩\u200d👧", "🇩🇪",
    "a\u0300\u0316\u0301\u0302" * 9, "  a  b  ", "a\r\nb", "…", "ไม่มี", "দুই তিন", "రెండు",
    "ٱلسَّلَامُ",
    "\U0010ffff", "\U000e0001", "12,345.67 €", "\ud7a3\u11a8", "x" * 5000, "한" * 3000, "☃" * 3000,
]  # fmt: skip


@pytest.mark.parametrize("text", TRICKY)
def test_tricky_texts(text, ours, packaged):
    assert ours.tokenizer.encode([text]) == [packaged._tokenizer.encode(text)]


@given(text=st.text() | st.lists(st.sampled_from([*TRICKY[:-3], "a", "the ", " sum", "和", "は"])).map("".join))
def test_any_text(text, ours, packaged):
    assert ours.tokenizer.encode([text]) == [packaged._tokenizer.encode(text)]


def published_lines(folder):
    files = [path for path in (DATA / folder).rglob("*") if path.suffix in (".tsv", ".txt", ".jsonl")]
    return [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]


@published
@pytest.mark.parametrize("folder", ["mgsm", "xcopa", "ntrex-128"])
def test_some_published_texts(folder, ours, packaged):
    texts = published_lines(folder)[::25]
    assert len(texts) > 100
    assert ours.tokenizer.encode(texts) == packaged._tokenizer.encode(texts)


@published
@pytest.mark.slow
@pytest.mark.parametrize("folder", ["mgsm", "xcopa", "ntrex-128"])
def test_all_published_texts(folder, ours, packaged):
    texts = published_lines(folder)
    assert len(texts) > 2500
    assert ours.tokenizer.encode(texts) == packaged._tokenizer.encode(texts)


def test_half_a_surrogate_pair_is_refused(ours):
    with pytest.raises(UnicodeEncodeError):
        ours.tokenizer.encode(["a\ud800b"])


def test_remembered_words_are_bounded(ours, monkeypatch):
    tokenizer = ours.tokenizer
    monkeypatch.setattr(tokens, "_MAX_WORDS", 50)
    for i in range(40):
        tokenizer.encode([f"a{i} b{i} c{i} {'長' * 40}"])
        assert len(tokenizer._words) <= 50 + 4
    assert not any("長" in word for word in tokenizer._words)


def test_pieces_over_spaces_are_refused(tmp_path, monkeypatch):
    class Pieces:
        def __init__(self, model_file):
            pass

        def get_piece_size(self):
            return 1

        def id_to_piece(self, _):
            return "▁of▁the"

        def get_score(self, _):
            return -1.0

    monkeypatch.setattr(tokens, "SentencePieceProcessor", Pieces)
    with pytest.raises(ValueError, match="over a space"):
        tokens.PieceTokenizer(tmp_path)
