"""Scoring of one language: letters and numbers, with and without gold."""

from types import SimpleNamespace

import numpy as np
import pytest

from components.calibrate.__main__ import _problems_with_reference
from components.calibrate.score import score_language
from components.contracts import PipelineError, Question, Reference
from components.generation.responder import Response
from components.generation.sampler import Decoding
from components.reward.functions import HybridReward


class SameVectors:
    """An encoder for which all texts mean the same."""

    def encode(self, texts):
        return np.ones((len(texts), 1), dtype=np.float32)


class Responder:
    """Answers what it was told to, and remembers what it was asked."""

    def __init__(self, groups):
        self.groups = groups

    def respond(self, questions, _decoding, _num_samples):
        self.asked = questions
        return [[Response(text, 3, False) for text in group] for group in self.groups]


def question(number, answer, choices=()):
    return Question(
        problem_id=f"p-{number}", lang="es", split="calibration", family="f", num_steps=None, unseen_family=False,
        question=f"¿{number}?", choices=choices, answer=answer,
    )  # fmt: skip


def reference(number, answer):
    return Reference(
        problem_id=f"p-{number}", split="calibration", answer=answer, text="It is so.", thought=None, agreement=1,
        num_samples=1, label=None, label_agreement=None, kept=True, reason=None, gold_correct=None, num_tokens=1,
        pivot="p", self_pivot=True,
    )  # fmt: skip


def test_choices_are_read_as_letters_and_without_gold_nothing_is_correct_or_wrong():
    questions = [question(0, "12"), question(1, "B", ("12", "7")), question(2, None, ("12", "7"))]
    references = {f"p-{n}": reference(n, answer) for n, answer in enumerate(("12", "A", "B"))}
    responder = Responder(
        [
            ("La respuesta es 12.", "La respuesta es B."),
            ("La respuesta es (B).", "La respuesta es (A)."),
            ("La respuesta es B.", "La respuesta es 8."),
        ]
    )
    reward = HybridReward(SameVectors(), 0.7, 0.3, 0.5)
    rows = score_language(questions, references, responder, reward, Decoding(8), 2, 1, "es")
    assert responder.asked == [("¿0?", "es"), ("¿1? (A) 12 (B) 7", "es"), ("¿2? (A) 12 (B) 7", "es")]
    assert [row.answer_read for row in rows] == ["12", None, "B", "A", "B", None]
    assert [row.correct for row in rows] == [True, False, True, False, None, None]
    assert [row.answer for row in rows] == [1, 0, 0, 1, 1, 0], "rewards follow the reference, not the gold"
    assert all(row.hybrid is not None for row in rows)


def test_a_language_without_questions_has_no_rows():
    reward = HybridReward(SameVectors(), 0.7, 0.3, 0.5)
    assert score_language([], {}, Responder([]), reward, Decoding(8), 2, 1, "es") == []


def test_without_any_kept_reference_there_is_nothing_to_calibrate():
    with pytest.raises(PipelineError, match=r"references\.jsonl: no calibration problem has a kept reference; lower"):
        _problems_with_reference([], {}, 4, SimpleNamespace(say=print))
