"""Files that run something when they are loaded without care. What they run makes a folder, the mark."""

import os
import pickle
from pathlib import Path
from typing import Any

import torch


class Hostile:
    """What a pickle of it does is done by whoever unpickles it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def plain(path: Path, mark: Path) -> None:
    """A pickle as Python writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps({"state_dict": {"weight": Hostile(mark)}}, protocol=2))


def zipped(path: Path, mark: Path) -> None:
    """A pickle as torch saves it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"state_dict": {"weight": Hostile(mark)}}, path)


FORMS = [plain, zipped]


def code(path: Path, mark: Path) -> None:
    """A Python file that does the same when it is imported."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"import os\nos.mkdir({str(mark)!r})\n")
