"""Finished pieces of a long generation, kept outside DVC's outputs so that a killed stage goes on where it was.

DVC deletes a stage's outputs before it runs, so unfinished work lives in `.checkpoints/<stage>/<fingerprint>/`. The
fingerprint covers all that shapes the result: other parameters or inputs find an empty journal.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from components.contracts import read_records, write_records

R = TypeVar("R", bound=BaseModel)
ROOT = Path(".checkpoints")


class Journal:
    """One stage's finished pieces. Pieces of other fingerprints are removed when a new journal opens."""

    def __init__(self, stage: str, stage_fingerprint: str) -> None:
        self.folder = ROOT / stage / stage_fingerprint
        for other in (ROOT / stage).glob("*"):
            if other != self.folder:
                shutil.rmtree(other)
        self.folder.mkdir(parents=True, exist_ok=True)

    def piece(self, key: str, model: type[R], compute: Callable[[], Sequence[R]]) -> list[R]:
        """The records of one piece: read if they are there, else computed and written (whole, or not at all)."""
        path = self.folder / f"{key}.jsonl"
        if path.is_file():
            return read_records(path, model)
        records = list(compute())
        write_records(path, records)
        return records

    def close(self) -> None:
        """Remove the journal, after the stage's outputs are written."""
        shutil.rmtree(self.folder, ignore_errors=True)
