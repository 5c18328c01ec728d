"""Prefect's settings, all through the environment. Apply them before prefect is imported."""

import os
import urllib.request
from pathlib import Path

from components.contracts import PipelineError
from components.environment import child_environment, tracking_uri
from flows.shared import address_for_others, address_here

PREFECT_PORT = "PBRLSVR_PREFECT_PORT"
MLFLOW_PORT = "PBRLSVR_MLFLOW_PORT"
API_URL, LOGIN = "PREFECT_API_URL", "PREFECT_API_AUTH_STRING"


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

    Raises:
        PipelineError: That server does not answer, or not to this login.
    """
    os.environ.update(prefect_environment())
    if API_URL not in os.environ and answers(f"{prefect_url()}/api/health"):
        os.environ[API_URL] = f"{prefect_url()}/api"
    Path(os.environ["PREFECT_HOME"]).mkdir(parents=True, exist_ok=True)
    if API_URL in os.environ:
        check_prefect(os.environ[API_URL])
    return API_URL in os.environ


def check_prefect(api: str) -> None:
    """See that the server at `api` takes this process's requests.

    Raises:
        PipelineError: It does not answer, or not to this login; or `api` holds a password, which would be shown.
    """
    if "@" in api:
        raise PipelineError(f"{API_URL}: leave user and password out of the address; set {LOGIN} to user:password")
    from httpx import HTTPError, HTTPStatusError
    from prefect.client.orchestration import get_client

    try:
        with get_client(sync_client=True) as client:
            client.hello()
    except HTTPStatusError as error:
        if error.response.status_code not in (401, 403):
            raise PipelineError(
                f"Prefect at {api} is out of order ({error.response.status_code}); see its log"
            ) from None
        raise PipelineError(f"Prefect at {api} does not take this login; set {LOGIN} to its user:password") from None
    except HTTPError as error:
        raise PipelineError(f"Prefect at {api} does not answer ({error}); start it or unset {API_URL}") from None


def prefect_url() -> str:
    """Where `make ui` puts the Prefect server."""
    return f"http://{address_here()}:{port(PREFECT_PORT, 4200)}"


def mlflow_page(experiment_id: str, run_id: str) -> str:
    """Where a browser finds a run: on the server that the runs go to, else on the one of `make ui`."""
    uri = tracking_uri()
    own = f"http://{address_for_others()}:{port(MLFLOW_PORT, 5000)}"
    base = uri.rstrip("/") if uri.startswith("http") else own
    return f"{base}/#/experiments/{experiment_id}/runs/{run_id}"


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
