"""Work on many responses by several processes: reading and language statistics are plain Python.

A score depends on nothing but its own response and reference, so pieces can be scored anywhere.
"""

from bisect import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import accumulate, pairwise
from multiprocessing import get_context
from typing import Any, TypeVar

from components.environment import num_cores

R = TypeVar("R")
T = TypeVar("T")
Columns = Mapping[str, Sequence[Any]]
Work = Callable[[Columns], T]

PIECE = 64  # responses
_FEW = 512  # responses that are not worth a start of processes, each of which loads the models
_ON_ACCELERATOR = 4  # processes at most where each may load an encoder, COMET or a translator onto the one accelerator

_work: Work[Any]


def in_pieces(work: Work[T], columns: Columns) -> list[tuple[Sequence[int], T]]:
    """`work` on pieces of the columns, each with the places of its rows.

    Pieces are of one language, and a process has its languages to itself: what was found out about a word or a
    reference is not found out twice.

    Args:
        work: Picklable, with models that are loaded at their first use. Runs in this process where there is one core or
            there are few rows.
        columns: As TRL has them, with `completions` and `lang`; all of one length.
    """
    order = sorted(range(len(columns["lang"])), key=lambda row: columns["lang"][row])
    if len(order) < _FEW or (num_processes := _num_processes()) == 1:
        return [(rows, work(_taken(columns, rows))) for rows in _split(order)]
    ends = [*accumulate(len(columns["completions"][row]) for row in order)]
    cuts = (bisect(ends, ends[-1] * part / num_processes) for part in range(1, num_processes))
    bounds = [0, *cuts, len(order)]  # empty ones in front belong to the first
    shares = [_split(order[start:end]) for start, end in pairwise(bounds)]
    with ProcessPoolExecutor(num_processes, get_context("spawn"), _start, (work,)) as pool:
        results = pool.map(_apply, [[_taken(columns, rows) for rows in share] for share in shares])
        return [pair for share, found in zip(shares, results, strict=True) for pair in zip(share, found, strict=True)]


def in_order(pieces: Iterable[tuple[Sequence[int], Sequence[R]]]) -> list[R]:
    """One result a row, in the rows' order, from `in_pieces` of a work that gives one a row."""
    found = {row: result for rows, results in pieces for row, result in zip(rows, results, strict=True)}
    return [found[row] for row in range(len(found))]


def _num_processes() -> int:
    import torch

    return min(num_cores(), _ON_ACCELERATOR) if torch.cuda.is_available() else num_cores()


def _split(rows: Sequence[int]) -> list[Sequence[int]]:
    return [rows[start : start + PIECE] for start in range(0, len(rows), PIECE)]


def _taken(columns: Columns, rows: Sequence[int]) -> Columns:
    return {name: [values[row] for row in rows] for name, values in columns.items()}


def _start(work: Work[Any]) -> None:
    """In a new process: one thread, because every core has a process of its own."""
    global _work
    import torch

    torch.set_num_threads(1)
    _work = work


def _apply(pieces: Sequence[Columns]) -> list[Any]:
    return [_work(piece) for piece in pieces]
