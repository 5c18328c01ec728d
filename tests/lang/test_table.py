"""The table of languages."""

import unicodedata

import pytest

from components.answers import read_answer
from components.lang import languages
from components.lang.table import group_marks, nearest_language


@pytest.mark.parametrize("lang", languages())
def test_own_answer_sentence_is_read_by_its_phrase(lang):
    answer = read_answer("3 " + languages()[lang].answer_sentence.format(answer=17), lang)
    assert (answer.value, answer.path) == ("17", "phrase")


@pytest.mark.parametrize(
    ("tag", "marks"),
    [
        ("en", ","), ("de", "."), ("fr", ""), ("ru", ""), ("bn", ","), ("ar", ","), ("de-CH", ""), ("es-MX", ","),
        ("es", "."),
        ("pt-BR", "."), ("pt_BR", "."), ("en-IN", ","), ("zh-Hant", ","), ("de-XX", "."),
        ("xx", ","), ("", ","), ("?", ","),
    ],
)  # fmt: skip
def test_group_marks_come_from_cldr(tag, marks):
    assert group_marks(tag) == marks


@pytest.mark.parametrize(
    ("tag", "code"), [("pt-BR", "pt"), ("zh-Hant", "zh"), ("DE", "de"), ("de_AT", "de"), ("xx", None)]
)
def test_nearest_language_of_a_tag(tag, code):
    row = nearest_language(tag)
    assert (row and row.code) == code


@pytest.mark.parametrize("row", languages().values(), ids=lambda row: row.code)
def test_words_are_written_as_text_is_compared(row):
    """Small letters, composed: `plain_text` of a response must be able to equal `plain_text` of a word."""
    words = [*row.scale_words, *row.minus_words, *row.not_before, *row.not_after, *row.or_words, *row.not_numerals]
    assert [word for word in words if unicodedata.normalize("NFC", word.lower()) != word] == []
    assert len(set(row.answer_phrases)) == len(row.answer_phrases)
