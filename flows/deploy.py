"""`make serve`: the deployments with their schedules, on the server of `make ui`, until Ctrl-C.

Runs work in a clone of this repository (`flows.workspace`) at the newest commit of its branch: what is committed is
what runs, and nobody's tree is touched. The clone and its `dvc.lock` are one changeable thing, so one run is at work at
a time; one that finds another waits for its turn.
"""

import os
import sys
from pathlib import Path

from components.contracts import PipelineError
from components.environment import TRACKING_URI, tracking_uri
from flows.settings import use_prefect
from flows.workspace import WorkspaceError, open_workspace


def main() -> None:
    """Set the clone up, then become `flows.serve` there."""
    try:
        if not use_prefect():
            raise PipelineError("no Prefect server is running; start one with `make ui` in another terminal")
        os.environ[TRACKING_URI] = tracking_uri()
        clone = open_workspace(Path.cwd())
    except (PipelineError, WorkspaceError) as error:
        sys.exit(f"pb-rlsvr: {error}")
    inherited = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(clone), inherited]))
    os.chdir(clone)
    os.execv(sys.executable, [sys.executable, "-m", "flows.serve"])  # noqa: S606 - no shell is meant


if __name__ == "__main__":
    main()
