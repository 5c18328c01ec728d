"""Predictions and their summary, with and without gold."""

import pytest

from components.contracts import Question
from components.evaluate.__main__ import ADAPTERS, summarise
from components.evaluate.predict import predict
from components.generation.responder import Response
from components.generation.sampler import Decoding


class Responder:
    """Answers what it was told to, and remembers what it was asked."""

    def __init__(self, *texts):
        self.texts = texts

    def respond(self, questions, _decoding):
        self.asked = questions
        return [[Response(text, 3, False)] for text in self.texts]


def question(number, answer, choices=(), lang="es"):
    return Question(
        problem_id=f"p-{number}", lang=lang, split="test", family="mine.jsonl", num_steps=None, unseen_family=True,
        question=f"¿{number}?", choices=choices, answer=answer,
    )  # fmt: skip


QUESTIONS = [question(0, "12"), question(1, "B", ("12", "7")), question(2, None), question(3, None, ("12", "7"))]


def predictions(system, *texts, questions=QUESTIONS):
    return predict(system, Responder(*texts), questions, Decoding(8), trained_languages=["es"])


def test_letters_and_numbers_are_judged_against_gold_and_without_it_not_at_all():
    responder = Responder("Son 12.", "La respuesta es (A).", "Son 12.", "La respuesta es (B).")
    rows = predict("base", responder, QUESTIONS, Decoding(8), trained_languages=["es"])
    assert responder.asked == [("¿0?", "es"), ("¿1? (A) 12 (B) 7", "es"), ("¿2?", "es"), ("¿3? (A) 12 (B) 7", "es")]
    assert [row.answer_read for row in rows] == ["12", "A", "12", "B"]
    assert [row.correct for row in rows] == [True, False, None, None]


def test_accuracy_is_that_of_the_graded_rows():
    right = ["Son 12.", "La respuesta es B.", "Son 12.", "No sé."]
    rows = predictions("base", "Son 12.", "No sé.", "Son 12.", "No sé.")
    rows += predictions("warmup", *right) + predictions("trained", *right)
    told = summarise(rows, QUESTIONS)
    assert told["num_problems"] == 4
    assert [told[system]["es"]["accuracy"] for system in ADAPTERS] == [0.5, 1, 1]
    assert [told[system]["es"]["num_ungraded"] for system in ADAPTERS] == [2, 2, 2]
    assert told["base"]["es"]["language_share"] == pytest.approx(sum(row.language_share for row in rows[:4]) / 4)


def test_right_in_another_language_is_right_but_not_joint():
    asked = [question(n, "12") for n in range(4)]
    said = ("Son 12 manzanas en total.", "There are 12 apples in the basket now.", "No sé cuántas son.", "Son 7.")
    rows = [row for system in ADAPTERS for row in predictions(system, *said, questions=asked)]
    told = summarise(rows, asked)["trained"]["es"]
    assert (told["accuracy"], told["joint_accuracy"], told["unparsed_share"]) == (0.5, 0.25, 0.25)
    assert told["truncated_share"] == 0


def test_nothing_graded_is_no_accuracy_and_not_zero():
    asked = [question(2, None), question(2, None, lang="de")]
    rows = [row for system in ADAPTERS for row in predictions(system, "Son 12.", "Es sind 12.", questions=asked)]
    told = summarise(rows, asked)
    for system in ADAPTERS:
        for lang in ("es", "de"):
            assert (told[system][lang]["accuracy"], told[system][lang]["num_ungraded"]) == (None, 1)


def test_a_language_without_questions_has_no_rows():
    assert predictions("base", questions=[]) == []
