"""Rollouts as method.md's table has them: nine languages, a strong answer term, three weak semantic ones."""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

LANGS = ("es", "fr", "de", "ru", "zh", "ja", "th", "sw", "bn")
ACCURACY = (0.94, 0.89, 0.90, 0.93, 0.90, 0.84, 0.87, 0.46, 0.80)
COSINE_AUC = (0.737, 0.809, 0.692, 0.686, 0.705, 0.701, 0.725, 0.660, 0.615)
MEAN_COSINE = (0.79, 0.79, 0.76, 0.76, 0.69, 0.67, 0.71, 0.25, 0.15)
NAMES = ("answer", "embedding", "steps", "numbers")


class Rollouts(NamedTuple):
    terms: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    langs: np.ndarray

    def only(self, rows):
        return Rollouts(*(column[rows] for column in self))


def simulate(seed, num_questions, informative=1.0):
    """One response to each question in each language.

    Questions are hard in all languages at once; the pivot is right in 95 %, and a wrong response shares its wrong
    answer in 60 %. Semantic terms see correctness by the table's AUC times `informative` (in standard deviations).
    """
    random = np.random.default_rng(seed)
    ease = random.normal(size=num_questions)

    def right(accuracy):
        return np.sqrt(0.75) * ease + np.sqrt(0.25) * random.normal(size=num_questions) > norm.ppf(1 - accuracy)

    pivot = right(0.95)
    terms, labels = [], []
    for accuracy, auc, centre in zip(ACCURACY, COSINE_AUC, MEAN_COSINE, strict=True):
        correct = right(accuracy)
        same = np.where(correct, pivot, ~pivot & (random.random(num_questions) < 0.6))
        shift = informative * np.sqrt(2) * norm.ppf(auc) * np.array([1.0, 0.7, 0.4])
        noise = random.normal(size=(num_questions, 1)) + random.normal(size=(num_questions, 3))
        semantic = centre + 0.06 * (correct[:, None] * shift + np.sqrt(0.5) * noise)
        terms.append(np.column_stack([same, semantic]))
        labels.append(correct)
    groups = np.tile([f"q{number}" for number in range(num_questions)], len(LANGS))
    return Rollouts(np.concatenate(terms), np.concatenate(labels), groups, np.repeat(LANGS, num_questions))
