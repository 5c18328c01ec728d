"""Validation: agreement with the references, remembered on disk, and the choice of a step."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.generation.responder import Response
from components.generation.sampler import Decoding
from components.train.validation import Validation
from tests.made_up import question, reference


def asked(number, lang, **changes):
    return question(number, lang, split="validation", **changes)


QUESTIONS = [asked(1, "es", answer="99"), asked(2, "es", answer="99"), asked(1, "zh", answer="99")]
REFERENCES = {"p-1": reference(1, answer="12"), "p-2": reference(2, answer="7")}
PAIRS = [(q, REFERENCES[q.problem_id]) for q in QUESTIONS]


class Responder:
    """Answers what it was told to, and remembers how it was asked."""

    def __init__(self, *texts):
        self.texts, self.asked = texts, []

    def respond(self, questions, decoding):
        self.asked.append((list(questions), decoding))
        return [[Response(text, 3, False)] for text in self.texts]


def validation(path, history=None):
    if history is not None:
        path.write_text(json.dumps({str(step): {"macro": score} for step, score in history.items()}))
    return Validation(PAIRS, Decoding(8), path)


def test_agreement_with_the_reference_counts_and_gold_does_not(tmp_path):
    responder = Responder("La respuesta es 12.", "99", "答案是99。")
    scores = validation(tmp_path / "history.json").measure(5, responder)
    assert scores == {"es": 0.5, "zh": 0.0, "macro": 0.25}
    ((told, decoding),) = responder.asked
    assert told == [(q.question, q.lang) for q in QUESTIONS]
    assert decoding.temperature == 0


def test_choices_are_asked_and_read_as_such(tmp_path):
    pairs = [(asked(3, lang, choices=("1", "2"), answer=None), reference(3, answer="B")) for lang in ("es", "zh")]
    responder = Responder("La respuesta es (B).", "答案是3。")
    scores = Validation(pairs, Decoding(8), tmp_path / "history.json").measure(5, responder)
    assert scores == {"es": 1.0, "zh": 0.0, "macro": 0.5}
    assert responder.asked[0][0] == [(f"¿{lang} q3? (A) 1 (B) 2", lang) for lang in ("es", "zh")]


def test_languages_weigh_alike_however_many_questions_they_have(tmp_path):
    scores = validation(tmp_path / "history.json").measure(5, Responder("no idea", "8", "12"))
    assert scores == {"es": 0.0, "zh": 1.0, "macro": 0.5}


def test_the_history_survives_the_process(tmp_path):
    path = tmp_path / "deep" / "history.json"
    first = Validation(PAIRS, Decoding(8), path)
    assert first.history == {}
    first.measure(0, Responder("12", "7", "12"))
    first.measure(10, Responder("12", "7", "1"))
    again = Validation(PAIRS, Decoding(8), path)
    assert (
        again.history
        == first.history
        == {
            0: {"es": 1.0, "zh": 1.0, "macro": 1.0},
            10: {"es": 1.0, "zh": 0.0, "macro": 0.5},
        }
    )
    again.measure(10, Responder("1", "1", "1"))  # a resumed run measures the step again
    assert Validation(PAIRS, Decoding(8), path).history[10]["macro"] == 0
    assert again.best_step() == 10, "step 0 is better and no candidate"


@pytest.mark.parametrize(
    ("history", "best"),
    [
        ({0: 0.9, 10: 0.1, 20: 0.3, 30: 0.2}, 20),
        ({0: 0.9, 10: 0.4, 20: 0.4, 30: 0.4}, 10),
        ({30: 0.4, 0: 0.0, 20: 0.4}, 20),
        ({5: 0.0, 0: 1.0}, 5),
    ],
)
def test_the_best_step_is_the_earliest_of_the_highest_after_zero(tmp_path, history, best):
    assert validation(tmp_path / "history.json", history).best_step() == best


@given(st.dictionaries(st.integers(1, 50), st.sampled_from([0.0, 0.25, 0.5]), min_size=1))
def test_no_other_step_is_better_and_no_earlier_one_as_good(tmp_path_factory, history):
    path = tmp_path_factory.getbasetemp() / "history.json"
    best = validation(path, {0: 1.0} | history).best_step()
    assert history[best] == max(history.values())
    assert not any(step < best and score == history[best] for step, score in history.items())
