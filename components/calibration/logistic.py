"""Logistic regression with non-negative slopes and soft targets, which scikit-learn does not have."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped] # ships no types
from scipy.special import expit  # type: ignore[import-untyped]
from threadpoolctl import threadpool_limits

FloatArray = NDArray[np.float64]


def fit_logistic(columns: FloatArray, targets: FloatArray, l2: float) -> tuple[FloatArray, float]:
    """Minimise Σ cross-entropy(targets, σ(columns · w + b)) + l2/2 · |w|² over w ≥ 0 and b (L-BFGS-B).

    Args:
        columns: (N, T), of about unit scale, so that the search is well conditioned.
        targets: (N,), 0 to 1; with l2 = 0 strictly inside, or the minimum may lie at infinity.
        l2: At least 0, in rows: 1 weighs about as much as one response.

    Returns:
        w (T,) and b.
    """
    num_rows, num_terms = columns.shape
    design = np.column_stack([columns, np.ones(num_rows)])  # (N, T + 1)
    penalty = np.r_[np.full(num_terms, l2), 0.0]

    def objective(theta: FloatArray) -> tuple[float, FloatArray]:
        logits = design @ theta
        loss = np.sum(np.logaddexp(0, logits) - targets * logits) + 0.5 * penalty @ theta**2
        gradient = design.T @ (expit(logits) - targets) + penalty * theta
        return float(loss) / num_rows, gradient / num_rows

    base_rate = np.clip(targets.mean(), 1e-6, 1 - 1e-6)
    start = np.r_[np.zeros(num_terms), np.log(base_rate / (1 - base_rate))]
    bounds = [(0.0, None)] * num_terms + [(None, None)]
    options = {"maxiter": 1000, "ftol": 1e-15, "gtol": 1e-9}
    with threadpool_limits(1):  # products this small are slower on several cores
        theta = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    return theta[:-1], float(theta[-1])
