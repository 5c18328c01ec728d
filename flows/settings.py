"""Prefect's settings, all through the environment. Apply them before prefect is imported."""

import os
import urllib.request
from pathlib import Path

from components.contracts import PipelineError
from components.environment import child_environment

HOST = "127.0.0.1"
PREFECT_PORT = "PBRLSVR_PREFECT_PORT"
MLFLOW_PORT = "PBRLSVR_MLFLOW_PORT"


def prefect_environment() -> dict[str, str]:
    """The environment of every process that uses Prefect: data in the repository, JSON results."""
    defaults = {
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
        # Without a server one is started for the run; a cold disk needs more than the default 20 s.
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
    }
    return defaults | child_environment()


def use_prefect() -> bool:
    """Set this process up for Prefect; whether it talks to a server that is running already.

    The server of `make ui` is used where it answers, else the one that PREFECT_API_URL names.
    """
    os.environ.update(prefect_environment())
    if "PREFECT_API_URL" not in os.environ and answers(f"{prefect_url()}/api/health"):
        os.environ["PREFECT_API_URL"] = f"{prefect_url()}/api"
    Path(os.environ["PREFECT_HOME"]).mkdir(parents=True, exist_ok=True)
    return "PREFECT_API_URL" in os.environ


def prefect_url() -> str:
    """Where `make ui` puts the Prefect server."""
    return f"http://{HOST}:{port(PREFECT_PORT, 4200)}"


def port(variable: str, default: int) -> int:
    """The port that `variable` names, else `default`.

    Raises:
        PipelineError: It is no port number.
    """
    text = os.environ.get(variable, str(default))
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise PipelineError(f"{variable}={text}: not a port number; set it to a number from 1 to 65535")
    return int(text)


def answers(url: str) -> bool:
    """Whether a GET of `url` succeeds at once."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own http address
            return bool(response.status == 200)
    except OSError:
        return False
