"""Splitting texts of any language, so that nothing is lost."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.translation import Translation
from components.translation.sentences import LONG, cut, split_pieces, split_sentences, translate_parts

GOLDEN = json.loads(Path(__file__).with_name("sentences.json").read_text(encoding="utf-8"))
TEXTS = st.text("aA1 .,!?\n。，ก", max_size=1500) | st.text(max_size=200)


@pytest.mark.parametrize("case", GOLDEN, ids=[case["text"][:20] for case in GOLDEN])
def test_golden_sentences(case):
    assert split_sentences(case["text"]) == case["sentences"]


def letters(text):
    return "".join(text.split())


@given(TEXTS)
def test_nothing_is_lost(text):
    for parts in (split_sentences(text), split_pieces(text, 50), cut(text, 20)):
        assert letters("".join(parts)) == letters(text)
        assert all(part == part.strip() != "" for part in parts)


@given(st.lists(st.text("abก", min_size=1, max_size=30), max_size=80), st.sampled_from([" ", ", ", "，"]))
def test_a_long_sentence_is_cut_where_it_can_be(words, gap):
    text = gap.join(words)
    assert all(len(part) <= LONG for part in split_sentences(text))
    assert all(len(part) <= 50 for part in split_pieces(text, 50))


def test_a_comma_is_better_than_a_space():
    assert cut("one two three, four five six", 20) == ["one two three,", "four five six"]
    assert cut("x" * 50, 20) == ["x" * 50]


def test_parts_are_translated_once_and_put_together():
    asked = []

    def translate(parts):
        asked.extend(parts)
        return [Translation.of(part.upper(), is_whole=part != "c.") for part in parts]

    found = translate_parts(["A. bb. Cc.", "Cc. A.", "Dd. c.", ""], str.split, translate, "en")
    assert found == [
        Translation(text="A. BB. CC."),
        Translation(text="CC. A."),
        Translation(text=None, reason="cut off"),
        Translation(text=None, reason="empty"),
    ]
    assert asked == ["A.", "c.", "Cc.", "Dd.", "bb."]
    assert translate_parts(["a b"], str.split, translate, "zh") == [Translation(text="AB")]
