"""Hashes of what is in the workspace now."""

from collections.abc import Mapping
from hashlib import file_digest
from pathlib import Path

from components.contracts import fingerprint


def dvc_md5(path: Path) -> str | None:
    """MD5 of a file, or of a folder (with `.dir`), as DVC has it in `dvc.lock`; None where nothing is there.

    The library is DVC's own; what .dvcignore leaves out of folders that are hashed is Python's bytecode.
    """
    from dvc_data.hashfile.hash import file_md5
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    if path.is_file():
        return file_md5(str(path))
    if not path.is_dir():
        return None
    tree = Tree()  # type: ignore[no-untyped-call] # DVC's
    for file in path.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            tree.add(file.relative_to(path).parts, None, HashInfo("md5", file_md5(str(file))))
    tree.digest()
    return str(tree.oid)


def sha256(path: Path) -> str | None:
    """SHA-256 of a file; None where none is there."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def params_hash(logged: Mapping[str, str]) -> str:
    """16 hexadecimal digits over a run's parameters."""
    return fingerprint(dict(logged), [])
