"""Rewards as worker processes get them: TRL's contract is that they can be sent."""

from multiprocessing import Pipe
from multiprocessing.reduction import ForkingPickler
from typing import TypeVar

T = TypeVar("T")


def pickled(value: T) -> tuple[T, int]:
    """A copy as it comes out of a pipe between processes, and how many bytes went in."""
    data = ForkingPickler.dumps(value)
    assert len(data) < 60_000, "a pipe holds so much while nobody reads"
    receiver, sender = Pipe(duplex=False)
    with receiver, sender:
        sender.send_bytes(data)
        return receiver.recv(), len(data)
