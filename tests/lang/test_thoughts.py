"""A thought and its answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.answers import read_answer
from components.lang.thoughts import split_thought


@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        ("It is 12.", None, "It is 12."),
        ("<think>5 + 7</think>It is 12.", "5 + 7", "It is 12."),
        ("\n<think>\n5 + 7\n</think>\n\nIt is 12.\n", "5 + 7", "It is 12."),
        ("5 + 7</think> It is 12.", "5 + 7", "It is 12."),
        ("<think>a</think>b</think>c", "a</think>b", "c"),
        ("<think>\n\n</think>\n12", None, "12"),
        ("</think>12", None, "12"),
        ("<think>5 + 7", "5 + 7", ""),
        ("<think>5 + 7</think>", "5 + 7", ""),
        ("<think>5 + 7</think> \n", "5 + 7", ""),
        ("<think>a</think> b <think> c", "a</think> b <think> c", ""),
        ("", None, ""),
        ("<think>", None, ""),
    ],
)
def test_golden_split(text, thought, answer):
    assert split_thought(text) == (thought, answer)


plain = st.text(st.characters(exclude_characters="<>", exclude_categories=["Cs"]), max_size=20)


@given(thought=plain, answer=plain, opened=st.booleans())
def test_what_is_joined_is_split(thought, answer, opened):
    text = f"{'<think>' * opened}{thought}</think>{answer}"
    assert split_thought(text) == (thought.strip() or None, answer.strip())


def test_an_answer_is_read_behind_the_thought_and_in_it_where_nothing_follows():
    assert read_answer("<think>is it 3?</think>The answer is 12.", "en").value == "12"
    assert read_answer("<think>The answer is 12.</think>", "en").value == "12"
