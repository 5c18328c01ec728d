"""Rounds: whom each asks, what stays of it."""

import pytest

from components.reference.rounds import ask_in_rounds
from components.reference.samples import make_sample
from components.reference.vote import Pivot
from tests.reference.made_up import question, rules

ME = Pivot("me", True)


def sample(question, number, text):
    return make_sample(question, number, text=text, thought=None, truncated=False, num_tokens=5, seconds=0.1)


class Scripted:
    """Says what each question's row has for the round."""

    def __init__(self, script):
        self.script, self.asked = script, []

    def ask(self, asked, first, on_progress):
        self.asked.append([question.problem_id for question, _ in asked])
        on_progress(2 * len(asked))
        return [
            [sample(question, number, text) for number, text in enumerate(self._of(question, first), first)]
            for question, _ in asked
        ]

    def _of(self, question, first):
        return self.script[question.problem_id][first // 2]


def asked(*splits):
    return [(question(number, split=split), ()) for number, split in enumerate(splits)]


def test_training_problems_without_a_reference_are_asked_again_until_they_have_one():
    pivot = Scripted({
        "p-0": [["It is 12.", "So 12."]],
        "p-1": [["no idea", "none"], ["nothing", "5 + 7 = 13"], ["It is 12.", "12"]],
        "p-2": [["?", "?"], ["??", "??"], ["5 + 7 = 13", "???"]],
        "p-3": [["no idea", "none"]],
    })  # fmt: skip
    questions = asked("train", "train", "train", "calibration")
    samples, references, made = ask_in_rounds(pivot, questions, rules(num_samples=2, num_rounds=3), ME)
    assert pivot.asked == [["p-0", "p-1", "p-2", "p-3"], ["p-1", "p-2"], ["p-1", "p-2"]]
    assert [(r.problem_id, r.kept, r.answer) for r in references] == [
        ("p-0", True, "12"), ("p-1", True, "12"), ("p-2", False, None), ("p-3", False, None),
    ]  # fmt: skip
    assert references[1].text == "12", "of the round that made it"
    assert made == [1, 0, 1]
    counts = {"p-0": 2, "p-1": 6, "p-2": 6, "p-3": 2}
    assert [(s.problem_id, s.sample) for s in samples] == [
        (name, n) for name, num in counts.items() for n in range(num)
    ]


def test_a_round_votes_by_itself():
    """Of the samples of both rounds the winner would have 1 in 4, too few."""
    pivot = Scripted({"p-0": [["?", "!"], ["It is 12.", "no idea"]]})
    own = rules(num_samples=2, num_rounds=2, min_agreement=0.5)
    _, (reference,), _ = ask_in_rounds(pivot, asked("train"), own, ME)
    assert (reference.kept, reference.agreement) == (True, pytest.approx(1 / 2))


@pytest.mark.parametrize("num_rounds", [1, 2])
def test_nothing_is_asked_again_where_all_have_one(num_rounds):
    pivot = Scripted({"p-0": [["12", "12"]]})
    _, _, made = ask_in_rounds(pivot, asked("train"), rules(num_samples=2, num_rounds=num_rounds), ME)
    assert (len(pivot.asked), made) == (1, [1])
