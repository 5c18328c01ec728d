"""Look-ups in MLflow for who asks where something comes from: runs by tag, registered versions, the lock of a pass."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from components.contracts import PipelineError
from components.environment import tracking_uri
from components.tracking.parent import LOCK
from components.tracking.store import EXPERIMENT, MODEL, open_client, store_errors

if TYPE_CHECKING:
    from mlflow.entities import Run


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A run as the store has it."""

    run_id: str
    status: str
    started: datetime
    seconds: float | None
    """None while it runs."""
    params: dict[str, str]
    tags: dict[str, str]

    def tags_under(self, prefix: str) -> dict[str, str]:
        """Tags whose keys begin with `prefix`, which is left out: `dvc.out.` gives hashes by path."""
        return {key.removeprefix(prefix): value for key, value in self.tags.items() if key.startswith(prefix)}


@dataclass(frozen=True, slots=True)
class KnownVersion:
    """A version of the registered model. Where nobody told, the last three are `none`."""

    name: str
    """As `pb-rlsvr/3`."""
    aliases: tuple[str, ...]
    train_run_id: str
    adapter_sha256: str
    commit: str


class Lookup:
    """Reads the store and creates nothing in it; every method raises a `PipelineError` where it cannot be read."""

    def __init__(self) -> None:
        """Open the store.

        Raises:
            PipelineError: There is none, or it has no runs of the pipeline.
        """
        uri = tracking_uri()
        empty = PipelineError(f"{uri}: this MLflow store has no runs of the pipeline; `pb-rlsvr repro` makes them")
        database = uri.removeprefix("sqlite:///")
        if database != uri and not Path(database).exists():  # MLflow would create it
            raise empty
        with _readable():
            self._client = open_client(uri)
            experiment = self._client.get_experiment_by_name(EXPERIMENT)
        if experiment is None:
            raise empty
        self._experiment_id = str(experiment.experiment_id)

    def run(self, run_id: str) -> KnownRun | None:
        """The run, if the store has it."""
        return next(iter(self._search(f"attributes.run_id = '{run_id}'")), None)

    def runs(self, tag: str, value: str) -> list[KnownRun]:
        """Runs whose `tag` is `value`, newest first."""
        return self._search(f"tags.`{tag}` = '{value}'")

    def lock_sha256(self, run_id: str) -> str | None:
        """SHA-256 of the `dvc.lock` that a pass left at its end; None where it left none."""
        with _readable(), tempfile.TemporaryDirectory() as scratch:
            if LOCK.name not in {file.path for file in self._client.list_artifacts(run_id)}:
                return None
            path = Path(self._client.download_artifacts(run_id, LOCK.name, scratch))
            return sha256(path.read_bytes()).hexdigest()

    def versions(self) -> list[KnownVersion]:
        """All versions of the registered model, newest first."""
        with _readable():
            models = self._client.search_registered_models(f"name = '{MODEL}'")
            found = self._client.search_model_versions(f"name = '{MODEL}'")
        aliases = dict(models[0].aliases) if models else {}
        return [
            KnownVersion(
                f"{MODEL}/{version.version}",
                tuple(sorted(alias for alias, number in aliases.items() if str(number) == str(version.version))),
                *(version.tags.get(key, "none") for key in ("train.run_id", "adapter.sha256", "git.commit")),
            )
            for version in sorted(found, key=lambda version: int(version.version), reverse=True)
        ]

    def _search(self, where: str) -> list[KnownRun]:
        found: list[KnownRun] = []
        token: str | None = None
        with _readable():
            while True:
                page = self._client.search_runs(
                    [self._experiment_id], where, order_by=["attributes.start_time DESC"], page_token=token
                )
                found += map(_known, page)
                token = page.token
                if not token:
                    return found


def _known(run: "Run") -> KnownRun:
    info = run.info
    seconds = (info.end_time - info.start_time) / 1000 if info.end_time else None
    started = datetime.fromtimestamp(info.start_time / 1000, UTC)
    return KnownRun(info.run_id, info.status, started, seconds, dict(run.data.params), dict(run.data.tags))


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except store_errors() as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise PipelineError(
            f"MLflow at {tracking_uri()} cannot be read ({reason}); start it, or set PBRLSVR_TRACKING_URI"
        ) from None
