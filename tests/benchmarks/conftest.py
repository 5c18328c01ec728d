"""An empty store for the command's runs: making MLflow's tables takes seconds, copying them none."""

from tests.tracking.conftest import empty_store

__all__ = ["empty_store"]
