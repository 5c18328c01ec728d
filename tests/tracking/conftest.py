"""A folder that is a repository in little: the real params.yaml and dvc.yaml, an empty store, no results."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.environment import child_environment

ROOT = Path(__file__).parents[2]


def pytest_configure() -> None:
    """Tests that import mlflow in this process report nothing home either."""
    quiet = {key: value for key, value in child_environment().items() if key.startswith(("MLFLOW", "DO_NOT"))}
    os.environ.update(quiet)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables: making them takes seconds, copying them none."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def repository(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "mlruns").mkdir()
    shutil.copy(empty_store, tmp_path / "mlruns")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("PBRLSVR_TRACKING_URI", "PBRLSVR_PARENT_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def all_runs(repository: Path) -> Callable[[], list[Any]]:
    """The runs in the repository's store, oldest first."""

    def read() -> list[Any]:
        from mlflow import MlflowClient

        client = MlflowClient(f"sqlite:///{repository}/mlruns/mlflow.db")
        experiment = client.get_experiment_by_name("pb-rlsvr")
        if experiment is None:
            return []
        return list(client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"]))

    return read
