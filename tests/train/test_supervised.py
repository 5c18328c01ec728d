"""Supervised steps: micro-batches change nothing, lessons are what was asked for, a budget ends them."""

import math

import pytest
import torch
from transformers import TrainerCallback

from components.contracts import PipelineError
from components.generation.prompts import PromptFormat
from components.journal import Journal
from components.train.callbacks import Budget
from components.train.data import TrainingData
from components.train.lessons import english_lessons, translated_lessons, write_lessons
from components.translation import Translation
from tests.made_up import question, reference
from tests.tiny import tiny_gemma, tiny_tokenizer
from tests.train.small import LESSONS, taught

ENGLISH = "There are 3 + 4 = 7 apples left here. The answer is 7."
SPANISH = "Quedan en la mesa 3 + 4 = 7 manzanas. La respuesta es 7."


def data(num=3):
    english, rollouts = (
        [(question(number, lang), reference(number, text=ENGLISH)) for number in range(num)] for lang in ("en", "es")
    )
    return TrainingData(shots=[], warmup=english, english=english, rollouts=rollouts, validation=rollouts)


class Canned:
    """A translator that says what it is told to, in turn."""

    def __init__(self, *texts):
        self.texts, self.asked = texts, []

    def translate(self, texts, target, source="en"):
        self.asked.append((list(texts), target, source))
        return [Translation.of(text, is_whole=True) for text in self.texts]


def test_the_loss_is_the_mean_negative_log_probability_of_a_response_token(tmp_path):
    """In the first step LoRA's B is 0, so that the base alone, lesson by lesson, tells what it must be."""
    model, prompt_format = tiny_gemma(), PromptFormat(tiny_tokenizer(), [])
    told = []
    for asked, text in LESSONS:
        prompt, response = prompt_format.prompt_ids(asked.asked, asked.lang), prompt_format.response_ids(text)
        with torch.no_grad():
            table = model(torch.tensor([prompt + response])).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
        told.append(table.gather(1, torch.tensor(response)[:, None])[:, 0])
    expected = -float(torch.cat(told).mean())
    assert expected != pytest.approx(-sum(float(own.mean()) for own in told) / len(told), rel=1e-3), "of lessons"
    _, log = taught(tmp_path, steps=1, batch_size=len(LESSONS), micro_batch_tokens=60)
    assert log[0]["loss"] == pytest.approx(expected, rel=1e-4)
    assert log[0]["loss"] > 0
    assert log[0]["tokens_learned"] == sum(map(len, told))


@pytest.mark.slow
def test_the_learning_rate_falls_to_zero_like_a_cosine(tmp_path):
    _, log = taught(tmp_path, steps=4)
    rates = [5e-4 * (1 + math.cos(math.pi * step / 4)) for step in range(4)]
    assert [entry["learning_rate"] for entry in log] == pytest.approx(rates)


@pytest.mark.slow
def test_micro_batches_take_the_same_step(tmp_path):
    whole, whole_log = taught(tmp_path / "whole", steps=1)
    parts, parts_log = taught(tmp_path / "parts", steps=1, micro_batch_tokens=40)
    assert whole_log[0]["loss"] == pytest.approx(parts_log[0]["loss"], rel=1e-5)
    assert whole_log[0]["grad_norm"] == pytest.approx(parts_log[0]["grad_norm"], rel=1e-4)
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, atol=1e-5, rtol=0)


@pytest.mark.slow
def test_steps_tell_loss_tokens_and_time(tmp_path):
    _, log = taught(tmp_path, steps=30)
    assert [entry["step"] for entry in log] == list(range(1, 31))
    assert log[-1]["loss"] < log[0]["loss"]
    assert all(entry["step_time"] > 0 for entry in log)
    # 12 lessons of 2, 4 or 6 letters between a space and a line break, half of them a step
    assert log[0]["tokens_learned"] + log[1]["tokens_learned"] == 4 * (2 + 4 + 6) + 12 * 2


@pytest.mark.slow
def test_a_spent_budget_ends_them_and_a_resumption_adds_nothing(tmp_path):
    _, whole = taught(tmp_path / "whole", steps=4)
    two_steps = int(whole[0]["tokens_learned"] + whole[1]["tokens_learned"])
    first, log = taught(tmp_path / "cut", steps=4, callbacks=[Budget(two_steps, 1)])
    assert [entry["step"] for entry in log] == [1, 2]
    again, resumed = taught(tmp_path / "cut", steps=4, callbacks=[Budget(two_steps, 1)])
    assert [entry["step"] for entry in resumed] == [1, 2]
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    _, unbounded = taught(tmp_path / "none", steps=4, callbacks=[Budget(0, 1)])
    assert len(unbounded) == 4


class Poison(TrainerCallback):
    """Makes the policy's states infinite in the given steps."""

    def __init__(self, *steps):
        self.steps, self.now = steps, 0

    def on_step_begin(self, args, state, control, **_):  # noqa: ARG002 - transformers names them
        self.now = state.global_step

    def into(self, decoder):
        decoder.norm.register_forward_hook(lambda _m, _i, out: out * math.inf if self.now in self.steps else out)


@pytest.mark.slow
def test_a_loss_that_is_not_finite_changes_nothing_and_three_in_a_row_end_it(tmp_path):
    said, poison = [], Poison(1)
    one, _ = taught(tmp_path / "one", steps=1)
    two, log = taught(tmp_path / "two", steps=2, callbacks=[poison], spoil=poison.into, warn=said.append)
    assert all(torch.equal(value, two[name]) for name, value in one.items())
    assert [entry["faults/skipped_steps"] for entry in log] == [0, 1]
    assert said == ["train: warning: loss or gradient was not finite: the step changes nothing"]
    poison = Poison(0, 1, 2)
    with pytest.raises(PipelineError, match=r"3 times in a row; lower `train.learning_rate`"):
        taught(tmp_path / "ended", steps=5, callbacks=[poison], spoil=poison.into)


def starved(decoder):
    """No memory for more than four lessons at once."""

    def refuse(_module, _inputs, keywords):
        if len(keywords["input_ids"]) > 4:
            raise torch.OutOfMemoryError("no memory")

    decoder.register_forward_pre_hook(refuse, with_kwargs=True)


@pytest.mark.slow
def test_out_of_memory_is_tried_once_more_with_smaller_micro_batches(tmp_path):
    said = []
    expected, _ = taught(tmp_path / "whole", steps=2)
    found, log = taught(tmp_path / "starved", steps=2, micro_batch_tokens=240, spoil=starved, warn=said.append)
    assert [entry["faults/retries"] for entry in log] == [1, 1]
    assert ["once more with 120" in line for line in said] == [True]
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, atol=1e-4, rtol=1e-3)


def test_english_lessons_are_questions_with_their_references():
    assert english_lessons(data(2).english) == [(question(0, "en"), ENGLISH), (question(1, "en"), ENGLISH)]


def test_translated_lessons_leave_out_what_is_of_no_use_and_say_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said, translator = [], Canned(SPANISH, SPANISH.replace("4", "5"), ENGLISH)
    journal = Journal("lessons", "f")
    lessons = translated_lessons(data(3), translator, journal, said.append)
    assert lessons == [(question(0, "es"), SPANISH)]
    assert translator.asked == [([ENGLISH] * 3, "es", "en")]
    assert said == ["1 of 3 references translated; es: number lost 1; es: other language 1"]
    again = translated_lessons(data(3), translator, journal, said.append)
    assert again == lessons
    assert len(translator.asked) == 1, "what is translated stays translated"
    write_lessons(tmp_path / "lessons.parquet", lessons)
    journal.close()


def test_no_lesson_at_all_is_an_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PipelineError, match=r"no reference could be translated: take another `reward\.translator`"):
        translated_lessons(data(1), Canned(""), Journal("lessons", "f"), lambda _: None)
