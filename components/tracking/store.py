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
from urllib.parse import unquote, urlsplit

from components.contracts import PipelineError
from components.environment import MLRUNS, TRACKING_URI, quiet_libraries, tracking_uri
from components.progress import say

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")

EXPERIMENT = "pb-rlsvr"
MODEL, CHAMPION = "pb-rlsvr", "champion"
"""Of the model registry: the registered model, and the alias of the version in use."""
_SQLITE = "sqlite:///"
_REFUSALS = {
    "UNAUTHENTICATED": "does not take this login; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to its own",
    "PERMISSION_DENIED": "lets nobody in from here or under this name; ask who runs it (docs/sharing.md)",
}
WAITS_S = (0.5, 2.0)
PAUSE_S = 60.0


def check_store() -> None:
    """See that runs can be written before any work is done.

    Raises:
        PipelineError: As `check_own_store`; or a server refuses us, or artifacts can be written only from elsewhere.
    """
    check_own_store()
    uri = tracking_uri()
    try:
        found = open_client(uri).get_experiment_by_name(EXPERIMENT)
    except store_errors() as error:
        if told := _REFUSALS.get(getattr(error, "error_code", "")):
            raise PipelineError(f"MLflow at {uri} {told}") from None
        return  # an outage, which may be over before the first number
    if found is not None:
        _check_place(uri, str(found.artifact_location))


def check_own_store() -> None:
    """The same for the repository's own store alone, whoever writes to it.

    Raises:
        PipelineError: It is not writable.
    """
    if not tracking_uri().startswith(_SQLITE):
        return
    database = Path(tracking_uri().removeprefix(_SQLITE))
    for folder in (database.parent, artifacts_folder(tracking_uri())):
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
            except store_errors():
                time.sleep(wait)
        try:
            return self._call(action)
        except store_errors() as error:
            self._give_up(error)
            return None

    def resume(self) -> None:
        """Forget the pause: the next call matters more than the seconds it may wait."""
        self._paused_until = 0.0

    def _call(self, action: Callable[["MlflowClient", str], T]) -> T:
        if self._client is None:
            self._client, self._experiment_id = connect(self.experiment)
        return action(self._client, self._experiment_id)

    def _give_up(self, error: Exception) -> None:
        self._paused_until = time.monotonic() + PAUSE_S
        if not self.degraded:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            say(f"warning: MLflow at {tracking_uri()} does not take this run's numbers ({reason}); going on")
        self.degraded = True


def store_name() -> str:
    """Which store this is, as files hold it: without what follows a `?`, which can be a password."""
    return tracking_uri().partition("?")[0]


def artifacts_folder(uri: str) -> Path:
    """Where artifacts are kept on this machine: beside the database where that is a file."""
    return (Path(uri.removeprefix(_SQLITE)).parent if uri.startswith(_SQLITE) else MLRUNS).resolve() / "artifacts"


def connect(name: str) -> tuple["MlflowClient", str]:
    """A client, and the id of the experiment `name`, made where there is none.

    Raises:
        PipelineError: The store's address holds a password.
    """
    uri = tracking_uri()
    client = open_client(uri)
    experiment = client.get_experiment_by_name(name)
    if experiment is not None:
        return client, str(experiment.experiment_id)
    # A server chooses its own place for artifacts.
    place = artifacts_folder(uri).as_uri() if uri.startswith(_SQLITE) else None
    return client, client.create_experiment(name, artifact_location=place)


def open_client(uri: str) -> "MlflowClient":
    """A client of the store at `uri`; MLflow makes the database of one that is not there."""
    quiet_libraries()  # else MLflow waits four minutes for a server that is away
    logging.getLogger("alembic").setLevel(logging.WARNING)  # else 60 lines at the creation of the database
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


def _check_place(uri: str, place: str) -> None:
    """An experiment keeps its artifacts where it began to."""
    is_server = uri.startswith("http")
    if not is_server and place.startswith("mlflow-artifacts:"):
        raise PipelineError(f"{uri}: its experiment is written through an MLflow server; set {TRACKING_URI} to it")
    parts = urlsplit(place)
    folder = Path(unquote(parts.path))
    if is_server and parts.scheme in ("", "file") and not folder.is_dir():
        raise PipelineError(
            f"MLflow at {uri} keeps artifacts in {folder}, a folder of its own machine; "
            "let it serve a store of its own (docs/sharing.md)"
        )


def store_errors() -> tuple[type[Exception], ...]:
    """What a store that cannot be reached or does not take something raises."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return (MlflowException, SQLAlchemyError, OSError)
