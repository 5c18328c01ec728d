"""Scored responses of a made-up policy, with a pivot whose reference is wrong in a share of the problems."""

import numpy as np

from components.comparison.scored import ScoredRow

LANGS = ("es", "de", "zh", "sw")


def scored_rows(num_problems=60, num_samples=4, wrong_references=0.2, share_in_language=0.85, seed=3):
    """Rows and whether each is right: `steps` hears that, `numbers` is noise, `answer` follows the reference."""
    rng = np.random.default_rng(seed)
    rows, right = [], []
    for problem in range(num_problems):
        reference_wrong = rng.random() < wrong_references
        for lang in LANGS:
            for _ in range(num_samples):
                truth = bool(rng.random() < 0.4)
                # a wrong reference agrees with no right response, and now and then with a wrong one
                agrees = (not truth and rng.random() < 0.2) if reference_wrong else truth
                inside = bool(rng.random() < share_in_language)
                terms = {
                    "answer": float(agrees),
                    "steps": None if lang == "sw" else float(np.clip(rng.normal(0.55 + 0.2 * truth, 0.12), 0, 1)),
                    "numbers": float(rng.random()),
                    "repetition": float(1 - rng.random() * 0.1),
                    "language": float(rng.uniform(0.5, 1) if inside else rng.uniform(0, 0.49)),
                }
                rows.append(ScoredRow(f"p{problem}", lang, terms, inside))
                right.append(truth)
    return rows, np.array(right)
