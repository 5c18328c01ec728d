"""Identity by content: what a result was made from, in sixteen digits."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def fingerprint(values: Any, inputs: Sequence[Path]) -> str:  # noqa: ANN401 - whatever json can write
    """16 hexadecimal digits over `values` and the inputs' content: files, and folders with the names of their files.

    Where an input lies does not count, so a moved folder keeps its fingerprint.
    """
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for path in inputs:
        folder = path.is_dir()
        for file in sorted(file for file in path.rglob("*") if file.is_file()) if folder else [path]:
            digest.update(str(file.relative_to(path) if folder else file.name).encode())
            with file.open("rb") as handle:
                digest.update(hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()[:16]
