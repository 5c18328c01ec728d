"""The clone that scheduled runs work in: this repository's code, DVC cache and MLflow store, never its working tree.

Standard library alone: a run renews the clone before it imports anything else of it.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

CLONE = Path(".cache/scheduled")
PINS = "constraints.txt"


class WorkspaceError(Exception):
    """The clone cannot be made or renewed; one line says why."""


def open_workspace(source: Path) -> Path:
    """The clone of `source`, made where it is missing, at the newest commit of the branch that is checked out there.

    Raises:
        WorkspaceError: `source` is no Git repository with a branch checked out.
    """
    clone = source / CLONE
    if not (clone / ".git").exists():
        branch = _run(source, "git", "symbolic-ref", "--short", "HEAD")
        _run(source, "git", "clone", "--quiet", "--single-branch", "--branch", branch, str(source), str(clone))
    # Links where the file system has them: a model is there once, however many folders use it.
    cache = _run(source, "dvc", "cache", "dir")
    (clone / ".dvc" / "config.local").write_text(f"[cache]\n    dir = {cache}\n    type = reflink,hardlink,copy\n")
    renew(clone)
    return clone


def renew(clone: Path) -> str:
    """Go to the newest commit; what the run before has changed is dropped, what DVC and Git ignore stays.

    Returns:
        The commit.

    Raises:
        WorkspaceError: The branch is gone, or wants other versions of packages than are installed.
    """
    _run(clone, "git", "fetch", "--quiet", "origin")
    _run(clone, "git", "reset", "--quiet", "--hard", "@{upstream}")
    _run(clone, "git", "clean", "--quiet", "-fd")
    pins, installed = clone / PINS, origin(clone) / PINS
    if pins.exists() and installed.exists() and pins.read_bytes() != installed.read_bytes():
        raise WorkspaceError(f"{pins} differs from {installed}: commit it there, run `make setup`, and serve again")
    return _run(clone, "git", "rev-parse", "HEAD")


def origin(clone: Path) -> Path:
    """The repository that `clone` was made from."""
    return Path(_run(clone, "git", "remote", "get-url", "origin"))


def keep_experiment(clone: Path, name: str, stages: Sequence[str]) -> None:
    """Save the run's values and results as a DVC experiment, and hand it to the repository (`dvc exp show` there).

    Args:
        stages: Those that were brought up to date: DVC asks for the outputs of each that it is to save.

    Raises:
        WorkspaceError: DVC or Git refuses.
    """
    _run(clone, "dvc", "exp", "save", "--force", "--name", name, *stages)
    _run(clone, "dvc", "exp", "push", "--force", "--no-cache", "origin", name)


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise WorkspaceError(f"{folder}: {' '.join(command)}: {said[-1] if said else 'failed'}")
    return done.stdout.strip()
