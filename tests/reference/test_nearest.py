"""Worked examples that are like the question."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.reference.nearest import nearest_shots
from tests.reference.made_up import shot

TEXTS = [
    "Tom has 5 apples and buys 7 more. How many apples does he have?",
    "A train goes 60 km in an hour. How far does it go in 3 hours?",
    "Anna has 9 pencils and gives away 4. How many pencils are left?",
    "4 boxes hold 6 eggs each. How many eggs are there?",
]
SHOTS = [shot(i, text) for i, text in enumerate(TEXTS)]


def chosen(question, num_shots, shots=SHOTS):
    (found,) = nearest_shots([question], shots, num_shots)
    return [int(s.problem_id.removeprefix("p-shot-")) for s in found]


@pytest.mark.parametrize(
    ("question", "nearest"),
    [
        ("Sue has 12 apples and buys 30 more. How many apples does she have?", 0),
        ("A train goes 90 km in an hour. How far does it go in 7 hours?", 1),
        ("Ben has 20 pencils and gives away 11. How many pencils are left?", 2),
        ("9 BOXES HOLD 8 EGGS EACH.", 3),
    ],
)
def test_the_nearest_are_taken_in_the_order_of_the_file(question, nearest):
    assert chosen(question, 1) == [nearest]
    assert nearest in chosen(question, 3)
    assert chosen(question, 3) == sorted(chosen(question, 3))


def test_numbers_tell_nothing():
    assert chosen("It is 60 and 3.", 4) == chosen("It is 9,000.5 and 44.", 4)


def test_ties_go_to_the_first():
    same = [shot(i, "Tom has 5 apples.") for i in range(3)]
    assert chosen("Tom has 8 apples.", 2, same) == [0, 1]
    assert chosen("nothing whatsoever", 2) == [0, 1]


@pytest.mark.parametrize(("num_shots", "shots", "expected"), [(0, SHOTS, 0), (3, [], 0), (8, SHOTS, 4), (2, SHOTS, 2)])
def test_as_many_as_asked_for_or_there_are(num_shots, shots, expected):
    assert [len(found) for found in nearest_shots(["one", "two"], shots, num_shots)] == [expected] * 2
    assert nearest_shots([], shots, num_shots) == []


def masked_pairs(text):
    """Words and neighbouring pairs, all numbers alike."""
    words = ["0" if word[0].isdigit() else word for word in text.lower().split()]
    return [*words, *map(" ".join, pairwise(words))]


def by_hand(question, texts):
    """Cosine of TF-IDF with smoothed document frequencies, written out."""
    documents = [masked_pairs(text) for text in texts]
    terms = sorted({term for document in documents for term in document})
    idf = np.array([np.log((1 + len(texts)) / (1 + sum(t in d for d in documents))) + 1 for t in terms])

    def vector(found):
        weights = np.array([found.count(term) for term in terms]) * idf
        return weights / (np.linalg.norm(weights) or 1)

    return [float(vector(masked_pairs(question)) @ vector(document)) for document in documents]


words = st.lists(st.sampled_from(["tom", "has", "5", "17", "apples", "left"]), min_size=1, max_size=6).map(" ".join)


@given(words, st.lists(words, min_size=1, max_size=5), st.integers(1, 5))
def test_likeness_is_that_of_an_independent_calculation(question, texts, num_shots):
    likeness = by_hand(question, texts)
    found = chosen(question, num_shots, [shot(i, text) for i, text in enumerate(texts)])
    assert len(found) == min(num_shots, len(texts))
    left_out = set(range(len(texts))) - set(found)
    assert all(likeness[i] >= likeness[j] - 1e-9 for i in found for j in left_out)
