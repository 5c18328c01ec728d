"""Identity by content: what a result was made from, in sixteen digits."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def fingerprint(values: Any, inputs: Sequence[Path]) -> str:  # noqa: ANN401 - whatever json can write
    """16 hexadecimal digits over `values` and the content of the files (and the files of the folders) in `inputs`."""
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for path in inputs:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(str(file).encode())
                with file.open("rb") as handle:
                    digest.update(hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()[:16]
