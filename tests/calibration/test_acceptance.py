"""The whole chain on simulated rollouts of a strong model: 125 questions to fit, 125 others to judge, nine languages.

One split's figures are noisy (some 7 questions have a wrong reference), so six are averaged.
"""

import numpy as np
import pytest

from components.calibration.maps import fit_maps
from components.calibration.measures import auc, brier, expected_calibration_error, log_loss, two_level
from components.calibration.weights import cross_fit, fit_weights
from tests.calibration.simulation import LANGS, NAMES, simulate

SETTINGS = {"l2": 5.0, "num_folds": 5, "seed": 0, "min_rows": 2000, "shrinkage": 60.0}


def judge(seed, informative):
    """ECE, Brier and log-loss of the chain, the two losses of the two-level map by language, macro AUC of both."""
    rollouts = simulate(seed, 250, informative)
    first = np.array([int(group[1:]) < 125 for group in rollouts.groups])
    fit, held = rollouts.only(first), rollouts.only(~first)
    index = cross_fit(*fit, NAMES, num_folds=SETTINGS["num_folds"], seed=SETTINGS["seed"], l2=SETTINGS["l2"])
    maps = fit_maps(
        index, fit.labels, fit.langs, fit.groups, min_rows=SETTINGS["min_rows"], shrinkage=SETTINGS["shrinkage"]
    )
    said = maps(fit_weights(*fit, NAMES, l2=SETTINGS["l2"]).index(held.terms, held.langs), held.langs)
    base = two_level(fit.terms[:, 0], fit.labels, fit.langs, held.terms[:, 0], held.langs)
    figures = [expected_calibration_error(said, held.labels)]
    for one in (said, base):
        own = [auc(one[held.langs == lang], held.labels[held.langs == lang]) for lang in LANGS]
        figures += [brier(one, held.labels), log_loss(one, held.labels), np.mean(own)]
    return figures


@pytest.mark.slow
@pytest.mark.parametrize("informative", [1.0, 0.4])
def test_calibrated_probabilities_can_be_believed_and_beat_the_answer_alone(informative):
    ece, own_brier, own_log_loss, own_auc, base_brier, base_log_loss, base_auc = np.mean(
        [judge(seed, informative) for seed in range(6)], axis=0
    )
    assert ece <= 0.03
    assert own_brier < base_brier
    assert own_log_loss < base_log_loss
    assert own_auc > base_auc + 0.01
