"""The one place where tests read pickles: TRL sends rewards to worker processes so."""

import pickle
from typing import TypeVar

T = TypeVar("T")


def pickled(value: T) -> tuple[T, int]:
    """A copy by way of pickle, of our own bytes, and how many bytes it took."""
    data = pickle.dumps(value)
    return pickle.loads(data), len(data)  # noqa: S301 - our own bytes
