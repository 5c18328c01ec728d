"""From a response's scores to P(correct): weights of the terms, monotone maps by language, and measures of both.

Pure mathematics on numbers that others scored: no models, no files but its own record. Notation: N rows (responses),
T terms (named scores of one response), `groups` = problem ids, `langs` = BCP-47 codes, labels = whether correct.
"""

from components.calibration.maps import LanguageMaps, MonotoneMap, fit_isotonic, fit_maps, fit_platt
from components.calibration.record import Calibration
from components.calibration.weights import FittedWeights, cross_fit, fit_weights, folds_of

__all__ = [
    "Calibration",
    "FittedWeights",
    "LanguageMaps",
    "MonotoneMap",
    "cross_fit",
    "fit_isotonic",
    "fit_maps",
    "fit_platt",
    "fit_weights",
    "folds_of",
]
