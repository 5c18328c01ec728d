"""`make ui`: the Prefect server and the MLflow UI over this repository's runs, until Ctrl-C.

They listen on loopback, or where PBRLSVR_HOST says (`flows.shared`).
"""

import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.contracts import PipelineError
from components.environment import TRACKING_URI, exit_on_sigterm, tracking_uri
from components.progress import say
from components.repro import stop_group
from components.tracking.store import artifacts_folder, check_own_store
from flows.settings import MLFLOW_PORT, PREFECT_PORT, answers, port, prefect_environment, prefect_url
from flows.shared import (
    LOOPBACK,
    address_for_others,
    address_here,
    bound_address,
    check_logins,
    has_mlflow_login,
    login_environment,
)

LOGS = Path(".cache/ui")
START_S = 120.0


@dataclass(frozen=True)
class Server:
    """One of the two servers."""

    name: str
    port: int
    variable: str
    """The environment variable that moves it to another port."""
    health: str
    command: tuple[str, ...]

    @property
    def url(self) -> str:
        """Its address in a browser."""
        return f"http://{address_for_others()}:{self.port}"

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return LOGS / f"{self.name.lower()}.log"


def main() -> None:
    """Start both, print both addresses, wait, stop both."""
    exit_on_sigterm()
    try:
        check_logins()
        bound = bound_address()
        check_own_store()
        servers = [prefect_server(bound), mlflow_server(bound)]
        for server in servers:
            check_port(server, bound)
        serve(servers)
    except PipelineError as error:
        sys.exit(f"pb-rlsvr ui: {error}")
    except KeyboardInterrupt:
        say("stopped")


def prefect_server(bound: str) -> Server:
    """The Prefect server, its data under PREFECT_HOME."""
    number = port(PREFECT_PORT, 4200)
    command = ("prefect", "server", "start", "--host", bound, "--port", str(number))
    return Server("Prefect", number, PREFECT_PORT, "/api/health", command)


def mlflow_server(bound: str) -> Server:
    """The MLflow UI over the store that the stages write to.

    Experiments that are made through it keep their artifacts behind it: who writes needs no disk of this machine.

    Raises:
        PipelineError: The store is another server.
    """
    uri = tracking_uri()
    if uri.startswith("http"):
        raise PipelineError(f"{TRACKING_URI}={uri}: that server shows its runs itself; unset it for `make ui`")
    number = port(MLFLOW_PORT, 5000)
    place = ("--backend-store-uri", uri, "--artifacts-destination", str(artifacts_folder(uri)))
    where = ("--host", bound, "--port", str(number), "--workers", "1")
    names = ("--allowed-hosts", ",".join(own_names(number)), "--cors-allowed-origins", origins(number))
    login = ("--app-name", "basic-auth") if has_mlflow_login() else ()
    return Server("MLflow", number, MLFLOW_PORT, "/health", ("mlflow", "server", *place, *where, *names, *login))


def own_names(number: int) -> list[str]:
    """What a browser may call the server at port `number`."""
    return [f"{host}:{number}" for host in dict.fromkeys((address_for_others(), LOOPBACK, "localhost"))]


def origins(number: int) -> str:
    """Whose pages may ask the server at port `number`: its own, and no other site's through the user's browser."""
    return ",".join(f"http://{name}" for name in own_names(number))


def check_port(server: Server, bound: str) -> None:
    """See that `server` can have its port.

    Raises:
        PipelineError: Another program has it.
    """
    with socket.socket() as probe:
        # As the servers do: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bound, server.port))
        except OSError:
            raise PipelineError(
                f"port {server.port} is in use, and {server.name} needs it; "
                f"stop what uses it or set {server.variable} to a free port"
            ) from None


def serve(servers: Sequence[Server]) -> None:
    """Run the servers until one ends or this process is stopped; none outlives the call."""
    LOGS.mkdir(parents=True, exist_ok=True)
    environment = server_environment()
    running: list[subprocess.Popen[str]] = []
    try:
        for server in servers:
            running.append(start(server, environment))
        for server, process in zip(servers, running, strict=True):
            wait_until_healthy(server, process)
        for server in servers:
            say(f"{server.name}: {server.url}")
        say("Ctrl-C stops both")
        while all(process.poll() is None for process in running):
            time.sleep(0.2)
        ended = [server for server, process in zip(servers, running, strict=True) if process.poll() is not None]
        raise PipelineError(f"{ended[0].name} ended by itself; {ended[0].log} says why")
    finally:
        for process in running:
            stop_group(process)


def server_environment() -> dict[str, str]:
    """Of both servers."""
    number = port(PREFECT_PORT, 4200)
    settings = {
        "PREFECT_API_URL": f"{prefect_url()}/api",
        "PREFECT_UI_API_URL": f"http://{address_for_others()}:{number}/api",
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": origins(number),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    return prefect_environment() | settings | (login_environment() if has_mlflow_login() else {})


def start(server: Server, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start `server` in a process group of its own, so that its workers can be stopped with it."""
    with server.log.open("w") as log:
        return subprocess.Popen(
            server.command,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def wait_until_healthy(server: Server, process: subprocess.Popen[str]) -> None:
    """Wait for `server` to answer.

    Raises:
        PipelineError: It ended, or took too long.
    """
    deadline = time.monotonic() + START_S
    while not answers(f"http://{address_here()}:{server.port}{server.health}"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise PipelineError(f"{server.name} did not start; {server.log} says why")
        time.sleep(0.3)


if __name__ == "__main__":
    main()
