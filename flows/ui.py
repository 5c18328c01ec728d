"""`make ui`: the Prefect server and the MLflow UI on loopback, over this repository's runs, until Ctrl-C."""

import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.contracts import PipelineError
from components.environment import MLRUNS, exit_on_sigterm, tracking_uri
from components.progress import say
from components.repro import stop_group
from components.tracking import check_store
from flows.settings import HOST, MLFLOW_PORT, PREFECT_PORT, answers, port, prefect_environment

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
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return LOGS / f"{self.name.lower()}.log"


def main() -> None:
    """Start both, print both addresses, wait, stop both."""
    exit_on_sigterm()
    try:
        check_store()
        servers = [prefect_server(), mlflow_server()]
        for server in servers:
            check_port(server)
        serve(servers)
    except PipelineError as error:
        sys.exit(f"pb-rlsvr ui: {error}")
    except KeyboardInterrupt:
        say("stopped")


def prefect_server() -> Server:
    """The Prefect server, its data under PREFECT_HOME."""
    number = port(PREFECT_PORT, 4200)
    command = ("prefect", "server", "start", "--host", HOST, "--port", str(number))
    return Server("Prefect", number, PREFECT_PORT, "/api/health", command)


def mlflow_server() -> Server:
    """The MLflow UI over the store that the stages write to."""
    number = port(MLFLOW_PORT, 5000)
    hosts = f"localhost:{number},{HOST}:{number}"
    place = (
        "--backend-store-uri",
        tracking_uri(),
        "--default-artifact-root",
        str((MLRUNS / "artifacts").resolve()),
    )
    where = ("--host", HOST, "--port", str(number), "--allowed-hosts", hosts, "--workers", "1")
    return Server("MLflow", number, MLFLOW_PORT, "/health", ("mlflow", "server", *place, *where))


def check_port(server: Server) -> None:
    """See that `server` can have its port.

    Raises:
        PipelineError: Another program has it.
    """
    with socket.socket() as probe:
        # As the servers do: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, server.port))
        except OSError:
            raise PipelineError(
                f"port {server.port} is in use, and {server.name} needs it; "
                f"stop what uses it or set {server.variable} to a free port"
            ) from None


def serve(servers: Sequence[Server]) -> None:
    """Run the servers until one ends or this process is stopped; none outlives the call."""
    LOGS.mkdir(parents=True, exist_ok=True)
    running: list[subprocess.Popen[str]] = []
    try:
        for server in servers:
            running.append(start(server))
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


def start(server: Server) -> subprocess.Popen[str]:
    """Start `server` in a process group of its own, so that its workers can be stopped with it."""
    url = f"http://{HOST}:{port(PREFECT_PORT, 4200)}"
    environment = prefect_environment() | {
        "PREFECT_API_URL": f"{url}/api",
        # The API has no login: other sites' pages must not reach it through the user's browser.
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": f"{url},{url.replace(HOST, 'localhost')}",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
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
    while not answers(server.url + server.health):
        if process.poll() is not None or time.monotonic() > deadline:
            raise PipelineError(f"{server.name} did not start; {server.log} says why")
        time.sleep(0.3)


if __name__ == "__main__":
    main()
