"""The table of languages."""

import pytest

from components.lang import languages, read_answer


@pytest.mark.parametrize("lang", languages())
def test_own_answer_sentence_is_read_by_its_phrase(lang):
    answer = read_answer("3 " + languages()[lang].answer_sentence.format(answer=17), lang)
    assert (answer.value, answer.path) == ("17", "phrase")


@pytest.mark.parametrize("row", languages().values(), ids=lambda row: row.code)
def test_marks_cannot_be_confused(row):
    assert row.decimal_mark not in row.group_marks
