"""Picking each question's worked examples: those that are most like it. Our own choice; TF-IDF needs no model."""

import re
from collections.abc import Sequence

from sklearn.feature_extraction.text import TfidfVectorizer

from components.contracts import Question

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_TERM = r"\w+|[^\w\s]"


def nearest_shots(questions: Sequence[str], shots: Sequence[Question], num_shots: int) -> list[list[Question]]:
    """For each question its `num_shots` nearest examples, in the order of `shots`.

    Likeness is the cosine of TF-IDF vectors over words and pairs of words, learned from the examples' questions. All
    numbers count as one word: they tell nothing about how a question is solved. Among equals the first in `shots` is
    the nearest. Where there are fewer than `num_shots`, all are taken. Questions with the same examples get them in
    the same order, so that the sampler computes that beginning of their prompts once.
    """
    if not questions or not shots or num_shots == 0:
        return [[] for _ in questions]
    vectorizer = TfidfVectorizer(preprocessor=_masked, token_pattern=_TERM, ngram_range=(1, 2))
    known = vectorizer.fit_transform([shot.asked for shot in shots])  # (S, terms), rows of length 1
    likeness = (vectorizer.transform(questions) @ known.T).toarray()  # (Q, S)
    orders = (-likeness).argsort(axis=1, kind="stable")[:, :num_shots]
    return [[shots[index] for index in sorted(order)] for order in orders.tolist()]


def _masked(question: str) -> str:
    return _NUMBER.sub("0", question.lower())
