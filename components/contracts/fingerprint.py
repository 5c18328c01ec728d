"""Identity by content: what a result was made from, in sixteen digits."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any


def fingerprint(values: Any, inputs: Sequence[Path]) -> str:  # noqa: ANN401 - whatever json can write
    """16 hexadecimal digits over `values` and the inputs' content: files, and folders with the names of their files.

    Where an input lies does not count, so a moved folder keeps its fingerprint; nor does Python's bytecode.
    """
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for path in inputs:
        folder = path.is_dir()
        for file in sorted(_files_of(path)) if folder else [path]:
            digest.update(str(file.relative_to(path) if folder else file.name).encode())
            with file.open("rb") as handle:
                digest.update(hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()[:16]


def weights_fingerprint(folder: Path) -> str:
    """Identity of a checkpoint's weights alone, whatever else lies beside them."""
    return fingerprint(None, sorted(folder.glob("*.safetensors")))


def _files_of(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
