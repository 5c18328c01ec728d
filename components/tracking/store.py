"""The MLflow store and its experiments, behind calls that survive an outage.

A stage's results are in its files first; MLflow is a second copy. So a store that cannot be reached is
retried briefly, reported once, marked as `degraded` and asked again a minute later; no training dies of it.
"""

import logging
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from components.contracts import PipelineError
from components.environment import MLRUNS, tracking_uri
from components.progress import say

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")

EXPERIMENT = "pb-rlsvr"
WAITS_S = (0.5, 2.0)
PAUSE_S = 60.0


def check_store() -> None:
    """See that runs can be written before any work is done.

    Raises:
        PipelineError: The repository's own store (`mlruns/`) is not writable.
    """
    if not tracking_uri().startswith("sqlite:///"):
        return
    database = Path(tracking_uri().removeprefix("sqlite:///"))
    for folder in (database.parent, MLRUNS / "artifacts"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            raise PipelineError(f"{folder}: cannot write here ({error.strerror}); make it writable") from None
    if database.exists() and not os.access(database, os.W_OK):
        raise PipelineError(f"{database}: cannot write to it; make it writable")


class Store:
    """A connection to one experiment that is opened at first use."""

    def __init__(self, experiment: str = EXPERIMENT) -> None:
        self.experiment = experiment
        self.degraded = False
        self._client: MlflowClient | None = None
        self._experiment_id = ""
        self._paused_until = 0.0

    def attempt(self, action: Callable[["MlflowClient", str], T]) -> T | None:
        """Call `action(client, experiment_id)`; None where the store could not be reached."""
        if time.monotonic() < self._paused_until:
            return None
        waits = () if self.degraded else WAITS_S
        for wait in waits:
            try:
                return self._call(action)
            except _errors():
                time.sleep(wait)
        try:
            return self._call(action)
        except _errors() as error:
            self._give_up(error)
            return None

    def resume(self) -> None:
        """Forget the pause: the next call matters more than the seconds it may wait."""
        self._paused_until = 0.0

    def _call(self, action: Callable[["MlflowClient", str], T]) -> T:
        if self._client is None:
            self._client, self._experiment_id = _connect(self.experiment)
        return action(self._client, self._experiment_id)

    def _give_up(self, error: Exception) -> None:
        self._paused_until = time.monotonic() + PAUSE_S
        if not self.degraded:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            say(f"warning: MLflow at {tracking_uri()} does not take this run's numbers ({reason}); going on")
        self.degraded = True


def _connect(name: str) -> tuple["MlflowClient", str]:
    logging.getLogger("alembic").setLevel(logging.WARNING)  # else 60 lines at the creation of the database
    from mlflow import MlflowClient

    uri = tracking_uri()
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name(name)
    if experiment is not None:
        return client, str(experiment.experiment_id)
    # A server chooses its own place for artifacts; the repository's own store keeps them beside the database.
    place = (MLRUNS / "artifacts").resolve().as_uri() if uri.startswith("sqlite:///") else None
    return client, client.create_experiment(name, artifact_location=place)


def _errors() -> tuple[type[Exception], ...]:
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return (MlflowException, SQLAlchemyError, OSError)
