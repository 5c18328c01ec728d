"""Questions to token ids and back, for a base model and for one with turns."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers.processors import TemplateProcessing

from components.contracts import PipelineError, Question
from components.generation.prompts import PromptFormat
from components.lang.table import languages
from components.lang.thoughts import split_thought
from tests.tiny import tiny_tokenizer

BOS, EOS = 2, 1


def shot(number, lang):
    return Question(
        problem_id=f"shot-{number}", lang=lang, split="shots", family="f", num_steps=1, unseen_family=False,
        question=f"Q{number} in {lang}", answer="3", solution=f"S{number} in {lang}",
    )  # fmt: skip


SHOTS = [shot(number, lang) for number in (1, 2) for lang in languages()]


@cache
def prompt_format(chat: bool) -> PromptFormat:
    tokenizer = tiny_tokenizer(chat)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", BOS)])
    return PromptFormat(tokenizer, SHOTS)


@pytest.mark.parametrize("lang", list(languages()))
def test_a_base_model_sees_the_questions_own_examples_and_ends_with_the_answer_label(lang):
    text = prompt_format(False).prompt_text("How many?", lang)
    labels = languages()[lang]
    blocks = text.split("\n\n")
    assert blocks[:2] == [
        f"{labels.question_label} Q{n} in {lang}\n{labels.answer_label} S{n} in {lang}" for n in (1, 2)
    ]
    assert blocks[2:] == [f"{labels.question_label} How many?\n{labels.answer_label}"]


@pytest.mark.parametrize("lang", ["en", "th"])
def test_a_chat_model_sees_the_same_examples_as_turns(lang):
    turns = "".join(
        f"<start_of_turn>user\nQ{n} in {lang}<end_of_turn>\n<start_of_turn>assistant\nS{n} in {lang}<end_of_turn>\n"
        for n in (1, 2)
    )
    expected = f"<bos>{turns}<start_of_turn>user\nHow many?<end_of_turn>\n<start_of_turn>model\n"
    assert prompt_format(True).prompt_text("How many?", lang) == expected


@pytest.mark.parametrize("chat", [False, True])
def test_a_hint_is_the_last_example(chat):
    own, hint = prompt_format(chat), ("How many?", "There are 3.")
    plain, hinted = own.prompt_text("¿Cuántas?", "es"), own.prompt_text("¿Cuántas?", "es", hint)
    labels = languages()["es"]
    block = f"{labels.question_label} How many?\n{labels.answer_label} There are 3.\n\n"
    turns = "<start_of_turn>user\nHow many?<end_of_turn>\n<start_of_turn>assistant\nThere are 3.<end_of_turn>\n"
    last = "<start_of_turn>user\n¿Cuántas?" if chat else f"{labels.question_label} ¿Cuántas?"
    assert hinted == plain.replace(last, (turns if chat else block) + last)
    assert own.prompt_ids("¿Cuántas?", "es", hint) == own.encode(hinted)


def test_without_examples_only_the_question_is_left():
    labels = languages()["es"]
    text = PromptFormat(tiny_tokenizer(), []).prompt_text("¿Cuántas?", "es")
    assert text == f"{labels.question_label} ¿Cuántas?\n{labels.answer_label}"


def test_a_language_without_templates_is_one_line():
    with pytest.raises(PipelineError, match=r"language `fi` is not known; add .*languages/fi\.yaml"):
        prompt_format(False).prompt_text("Montako?", "fi")


@pytest.mark.parametrize("chat", [False, True])
def test_text_begins_once(chat):
    asked = prompt_format(chat)
    ids = asked.prompt_ids("How many?", "en")
    assert ids[0] == BOS
    assert ids.count(BOS) == 1
    assert ids == asked.encode(asked.prompt_text("How many?", "en"))


@pytest.mark.parametrize("chat", [False, True])
@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n<"), max_size=30))
def test_a_response_is_read_back_and_ends_in_a_stop(chat, text):
    asked = prompt_format(chat)
    ids = asked.response_ids(text)
    stops = asked.stop_ids.tolist()
    assert asked.response_text(ids) == text.strip()
    assert ids[-1] in stops
    assert not set(ids[:-1]) & set(stops), "sampling would have stopped before the end"
    assert BOS not in ids


LINES = "First 5 + 7 = 12.\n\n  So it is 12. \r\nThe answer is 12."


def test_a_base_model_learns_and_is_shown_an_answer_of_several_lines_on_one():
    asked = prompt_format(False)
    one_line = "First 5 + 7 = 12. So it is 12. The answer is 12."
    assert asked.response_text(asked.response_ids(LINES)) == one_line
    assert f"\n{languages()['es'].answer_label} {one_line}\n\n" in asked.prompt_text("¿Y 3?", "es", ("How?", LINES))


def test_a_chat_model_learns_an_answer_of_several_lines_as_it_is():
    asked = prompt_format(True)
    assert asked.response_text(asked.response_ids(LINES)) == LINES
    assert LINES in asked.prompt_text("¿Y 3?", "es", ("How?", LINES))


def test_what_a_base_model_writes_after_its_line_is_no_response():
    asked = prompt_format(False)
    ids = asked.tokenizer(" 5 + 7 = 12.\n\nQuestion: 1 + 1?", add_special_tokens=False)["input_ids"]
    assert asked.response_text(ids) == "5 + 7 = 12."
    assert asked.response_text([]) == ""


def test_a_thought_that_the_template_opens_is_one_even_where_it_is_cut_off():
    tokenizer = tiny_tokenizer(True)
    tokenizer.chat_template += "<think>\n"
    asked = PromptFormat(tokenizer, SHOTS)
    cut, whole = (
        asked.response_text(asked.tokenizer(text).input_ids) for text in ("5 + 7 is 12", "5 + 7</think>It is 12.")
    )
    assert split_thought(cut) == ("5 + 7 is 12", "")
    assert split_thought(whole) == ("5 + 7", "It is 12.")


def test_a_lesson_closes_the_thought_that_the_template_opens():
    tokenizer = tiny_tokenizer(True)
    tokenizer.chat_template += "<think>\n"
    asked = PromptFormat(tokenizer, SHOTS)
    assert split_thought(asked.response_text(asked.response_ids("5 + 7 is 12"))) == (None, "5 + 7 is 12")


def test_a_chat_model_may_write_several_lines():
    asked = prompt_format(True)
    assert asked.response_text(asked.response_ids("5 + 7\n= 12")) == "5 + 7\n= 12"


def test_stops_are_the_line_break_or_the_turns_end_and_always_the_texts_end():
    vocabulary = tiny_tokenizer().get_vocab()
    assert set(prompt_format(False).stop_ids.tolist()) == {EOS, vocabulary["Ċ"]}
    assert set(prompt_format(True).stop_ids.tolist()) == {EOS, vocabulary["<end_of_turn>"]}
