"""Runs that nobody ended, because their process was killed or its machine went down: found and marked."""

import socket
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import psutil

from components.progress import say
from components.tracking.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient

HOST, PROCESS, CREATED = "process.host", "process.id", "process.created"
DIED = "died"


def process_tags() -> dict[str, str]:
    """Which process a run belongs to; with its start, because numbers are used again."""
    own = psutil.Process()
    return {HOST: socket.gethostname(), PROCESS: str(own.pid), CREATED: str(round(own.create_time()))}


def mark_dead_runs() -> None:
    """End runs as KILLED, with the tag `died`, whose process on this machine is no longer there.

    Their stage goes on in the same run where its checkpoint is still good (`components.tracking.unfinished`).
    """
    store = Store()
    found = store.attempt(lambda client, number: client.search_runs([number], "attributes.status = 'RUNNING'"))
    for run in found or ():
        if _is_dead(run.data.tags):
            store.attempt(partial(_end, run.info.run_id))
            say(f"MLflow run {run.info.run_id} ({run.info.run_name}) had no end: its process died; marked as killed")


def _end(run_id: str, client: "MlflowClient", _experiment_id: str) -> None:
    client.set_tag(run_id, DIED, "true")
    client.set_terminated(run_id, "KILLED")


def _is_dead(tags: Mapping[str, str]) -> bool:
    if tags.get(HOST) != socket.gethostname():
        return False
    try:
        created = psutil.Process(int(tags[PROCESS])).create_time()
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:  # somebody else's: the number was used again
        return True
    return abs(created - float(tags[CREATED])) > 1
