"""A repository that is served for real: `make ui` and `make serve` as processes, asked through Prefect's HTTP API."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from components.environment import child_environment
from flows.workspace import CLONE
from tests.flows.test_ui import free_ports, lines_until
from tests.processes import wait_until

LOG = ".cache/serve.log"
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "CRASHED")


@dataclass
class Served:
    """The servers of one repository, and what serves its deployments."""

    source: Path
    api: httpx.Client
    mlflow_port: int
    environment: Mapping[str, str]
    servers: "subprocess.Popen[str]"
    serving: "subprocess.Popen[str]"

    @property
    def clone(self) -> Path:
        """Where runs work."""
        return self.source / CLONE

    def restart(self) -> None:
        """Serve again after it was stopped, the servers too."""
        if self.servers.poll() is not None:
            self.servers = start_servers(self.source, self.environment)
        if self.serving.poll() is not None:
            self.serving = start_serving(self.source, self.environment)
        self.wait_for_deployment()

    def log(self) -> str:
        """What `make serve` has said."""
        return (self.source / LOG).read_text(encoding="utf-8")[-4000:]

    def wait_for_deployment(self) -> str:
        """The id of `nightly`."""
        found: list[dict[str, Any]] = []

        def there() -> bool:
            assert self.serving.poll() is None, self.log()
            found[:] = self.post("/deployments/filter", {"deployments": {"name": {"any_": ["nightly"]}}})
            return bool(found)

        wait_until(there, 120)
        return str(found[0]["id"])

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """JSON that the API answers with; asked again where its database is busy (503), as Prefect's client does."""
        answer = self.api.post(path, json=body)
        for _ in range(10):
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(1)
            answer = self.api.post(path, json=body)
        return answer.raise_for_status().json()

    def start_run(self, after_s: float = 0.0, **parameters: Any) -> str:
        """Schedule a run of `nightly`; its id."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + after_s))
        state = {"type": "SCHEDULED", "name": "Scheduled", "state_details": {"scheduled_time": at}}
        path = f"/deployments/{self.wait_for_deployment()}/create_flow_run"
        # with a key, asking again (`post`) is the same run, whether or not the first time was heard
        body = {"parameters": parameters, "state": state, "idempotency_key": uuid.uuid4().hex}
        return str(self.post(path, body)["id"])

    def run(self, run_id: str) -> dict[str, Any]:
        """A flow run as the API tells it."""
        told: dict[str, Any] = self.api.get(f"/flow_runs/{run_id}").raise_for_status().json()
        return told

    def end_of(self, run_id: str, limit_s: float = 240) -> str:
        """The type of the state that the run ends in."""
        wait_until(lambda: self.run(run_id)["state_type"] in ENDED, limit_s)
        return str(self.run(run_id)["state_type"])

    def cancel(self, run_id: str) -> None:
        """As the button in the UI does."""
        self.post(f"/flow_runs/{run_id}/set_state", {"state": {"type": "CANCELLING", "name": "Cancelling"}})

    def summary(self, run_id: str) -> str:
        """The Markdown that the run left."""
        body = {"artifacts": {"key": {"any_": ["stages"]}, "flow_run_id": {"any_": [run_id]}}}
        found: list[str] = []

        def there() -> bool:
            found[:] = [str(one["data"]) for one in self.post("/artifacts/filter", body)]
            return bool(found)

        wait_until(there, 20)
        return found[0]

    def passes(self) -> list[dict[str, Any]]:
        """The passes over the pipeline as MLflow's API tells them, newest first: status, tags and metrics."""
        url = f"http://127.0.0.1:{self.mlflow_port}/api/2.0/mlflow"
        named = httpx.get(f"{url}/experiments/get-by-name", params={"experiment_name": "pb-rlsvr"}).raise_for_status()
        body = {
            "experiment_ids": [named.json()["experiment"]["experiment_id"]],
            "filter": "tags.prefect.flow_run_id LIKE '%'",
            "order_by": ["attributes.start_time DESC"],
        }
        runs = httpx.post(f"{url}/runs/search", json=body).raise_for_status().json().get("runs", [])
        return [
            {
                "status": run["info"]["status"],
                "tags": {tag["key"]: tag["value"] for tag in run["data"].get("tags", [])},
                "metrics": {metric["key"]: metric["value"] for metric in run["data"].get("metrics", [])},
            }
            for run in runs
        ]


@contextmanager
def served(source: Path) -> Iterator[Served]:
    """Serve `source`, a Git repository with everything committed; nothing outlives the block."""
    ports = free_ports()
    own = {
        "PBRLSVR_PREFECT_PORT": str(ports[0]), "PBRLSVR_MLFLOW_PORT": str(ports[1]),
        "PREFECT_RUNNER_POLL_FREQUENCY": "1", "PREFECT_HOME": str(source / ".prefect"),
        "DVC_SITE_CACHE_DIR": str(source / ".cache/dvc"), "PREFECT_API_URL": f"http://127.0.0.1:{ports[0]}/api",
        "PBRLSVR_TRACKING_URI": f"sqlite:///{source}/mlruns/mlflow.db",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    environment = child_environment() | own
    servers = start_servers(source, environment)
    api = httpx.Client(base_url=f"http://127.0.0.1:{ports[0]}/api", timeout=30)
    this = Served(source, api, ports[1], environment, servers, start_serving(source, environment))
    try:
        this.wait_for_deployment()
        yield this
    finally:
        stop(this.serving)
        stop(this.servers)


def start_servers(source: Path, environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    """`make ui`, once both answer."""
    servers = subprocess.Popen(
        [sys.executable, "-m", "flows.ui"], cwd=source, env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        lines_until(servers, "Ctrl-C")
    except BaseException:
        stop(servers)
        raise
    return servers


def start_serving(source: Path, environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    """`make serve`; what it says goes into `LOG`."""
    (source / LOG).parent.mkdir(exist_ok=True)
    with (source / LOG).open("a") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "flows.deploy"], cwd=source, env=environment, stdout=log, stderr=subprocess.STDOUT,
            text=True,
        )  # fmt: skip


def stop(process: "subprocess.Popen[str]") -> None:
    """End a process as Ctrl-C in its terminal does; by force after half a minute."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def commit_all(folder: Path, message: str) -> None:
    """Commit whatever is there."""
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    author = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *author, "commit", "-qm", message], cwd=folder, check=True)
