"""Servers for others: what is refused, and a login that everything goes through (docs/sharing.md)."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from components.environment import child_environment
from tests.architecture.imports import ROOT
from tests.flows.conftest import start, toy
from tests.flows.test_ui import free_ports, lines_until
from tests.security.test_secrets import told_in

__all__ = ["toy"]

PREFECT, MLFLOW = ("somebody", "s3cret-prefect"), ("somebody", "s3cret-mlflow")
LOGINS = {
    "PREFECT_SERVER_API_AUTH_STRING": ":".join(PREFECT),
    "MLFLOW_TRACKING_USERNAME": MLFLOW[0],
    "MLFLOW_TRACKING_PASSWORD": MLFLOW[1],
}
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is tested


def refused(**environment: str) -> str:
    """The one line that `make ui` ends with."""
    done = start("-m", "flows.ui", **environment)
    output, _ = done.communicate(timeout=60)
    assert done.returncode == 1
    (line,) = output.splitlines()
    assert not [secret for secret in ("s3cret", "short") if secret in line]
    return str(line)


@pytest.mark.slow
@pytest.mark.usefixtures("repository")
def test_a_wide_address_without_logins_is_refused() -> None:
    line = refused(PBRLSVR_HOST=EVERYWHERE)
    assert line == (
        "pb-rlsvr ui: PBRLSVR_HOST=0.0.0.0: others could reach the servers there without a login; "
        "set PREFECT_SERVER_API_AUTH_STRING (user:password), MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD, "
        "or leave PBRLSVR_HOST out (docs/sharing.md)"
    )
    for missing in LOGINS:
        if not missing.startswith("MLFLOW"):  # half of MLflow's is another mistake
            assert missing in refused(PBRLSVR_HOST=EVERYWHERE, **{k: v for k, v in LOGINS.items() if k != missing})
    assert "MLFLOW_TRACKING_USERNAME" in refused(PBRLSVR_HOST=EVERYWHERE, PREFECT_SERVER_API_AUTH_STRING="a:b")
    assert not Path(".cache/ui").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("host", ["192.0.2.1", "::", "::1", "no such name", "example.invalid", "a..b", "127.0.0.1:80"])
def test_what_is_no_address_of_this_machine_is_told(host: str) -> None:
    assert f"PBRLSVR_HOST={host}: no IPv4 address or name of this machine" in refused(PBRLSVR_HOST=host)


@pytest.mark.slow
@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("login", "told"),
    [
        ({"MLFLOW_TRACKING_USERNAME": "somebody"}, "set MLFLOW_TRACKING_PASSWORD too, or neither"),
        ({"MLFLOW_TRACKING_PASSWORD": MLFLOW[1]}, "set MLFLOW_TRACKING_USERNAME too, or neither"),
        ({"MLFLOW_TRACKING_USERNAME": "a", "MLFLOW_TRACKING_PASSWORD": "short"}, "takes 12 characters or more"),
        ({"PREFECT_SERVER_API_AUTH_STRING": "s3cret"}, "not of the form user:password"),
        ({"PREFECT_SERVER_API_AUTH_STRING": "somebody:"}, "not of the form user:password"),
    ],
)
def test_half_a_login_is_refused_on_loopback_too(login: dict[str, str], told: str) -> None:
    assert told in refused(**login)


@pytest.mark.usefixtures("repository")
def test_runs_on_another_server_have_no_server_here() -> None:
    assert "that server shows its runs itself" in refused(PBRLSVR_TRACKING_URI="http://127.0.0.1:5000")


@dataclass(frozen=True)
class Shared:
    """Running servers, and where they are reached from here."""

    folder: Path
    prefect: str
    mlflow: str
    said: list[str]

    def client(self, *without: str, **changed: str) -> dict[str, str]:
        """The environment of somebody who uses them."""
        own = {
            "PBRLSVR_TRACKING_URI": self.mlflow, "MLFLOW_TRACKING_USERNAME": MLFLOW[0],
            "MLFLOW_TRACKING_PASSWORD": MLFLOW[1], "PREFECT_API_URL": f"{self.prefect}/api",
            "PREFECT_API_AUTH_STRING": ":".join(PREFECT),
        }  # fmt: skip
        return {name: value for name, value in (own | changed).items() if name not in without}


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[Shared]:
    """`make ui` in a folder of its own, until the block ends."""
    ports = free_ports()
    own = {
        "PBRLSVR_PREFECT_PORT": str(ports[0]), "PBRLSVR_MLFLOW_PORT": str(ports[1]), "PBRLSVR_TRACKING_URI": "",
        "PREFECT_HOME": str(folder / ".prefect"), "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.ui"], cwd=folder, env=child_environment() | own | environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        said = lines_until(process, "Ctrl-C")
        yield Shared(folder, f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}", said)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """Servers with logins that listen everywhere."""
    with serving(tmp_path_factory.mktemp("server"), PBRLSVR_HOST=EVERYWHERE, **LOGINS) as running:
        yield running


def run(shared: Shared, *arguments: str, without: tuple[str, ...] = (), **changed: str) -> "tuple[int, str]":
    """Status and output of python here, as somebody who uses the servers."""
    inherited = {
        key: value for key, value in child_environment().items() if not key.startswith(("PREFECT_", "PBRLSVR_"))
    }
    environment = inherited | {"PREFECT_HOME": str(Path.cwd() / ".prefect")} | shared.client(*without, **changed)
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


SEARCH = "/api/2.0/mlflow/experiments/search?max_results=5"


@pytest.mark.slow
def test_nothing_is_told_without_the_login(shared: Shared) -> None:
    assert httpx.get(f"{shared.prefect}/api/health").status_code == 200
    for login, status in ((None, 401), (("somebody", "wrong-password"), 401), (("", ""), 401), (PREFECT, 200)):
        answer = httpx.post(f"{shared.prefect}/api/flow_runs/filter", json={}, auth=login)
        assert answer.status_code == status, login
    for login, status in ((None, 401), (("somebody", "wrong-password"), 401), (PREFECT, 401), (MLFLOW, 200)):
        assert httpx.get(shared.mlflow + SEARCH, auth=login).status_code == status, login
        path = "/api/2.0/mlflow-artifacts/artifacts?path="
        assert httpx.get(shared.mlflow + path, auth=login).status_code == status, login
    upload = httpx.put(f"{shared.mlflow}/api/2.0/mlflow-artifacts/artifacts/planted.txt", content=b"x")
    assert upload.status_code == 401
    assert not list(shared.folder.rglob("planted.txt"))
    assert (
        httpx.post(
            f"{shared.mlflow}/api/2.0/mlflow/users/create", json={"username": "a", "password": "b" * 12}
        ).status_code
        == 401
    )


@pytest.mark.slow
def test_other_sites_pages_and_other_names_are_kept_out(shared: Shared) -> None:
    create = f"{shared.mlflow}/api/2.0/mlflow/experiments/create"
    foreign = httpx.post(create, json={"name": "planted"}, auth=MLFLOW, headers={"Origin": "http://elsewhere.example"})
    assert foreign.status_code == 403
    assert httpx.get(shared.mlflow + SEARCH, auth=MLFLOW, headers={"Host": "elsewhere.example"}).status_code == 403
    asked = {"Origin": "http://elsewhere.example", "Access-Control-Request-Method": "POST"}
    allowed = httpx.options(f"{shared.prefect}/api/flow_runs/filter", headers=asked).headers
    assert "access-control-allow-origin" not in allowed


@pytest.mark.slow
def test_runs_and_artifacts_go_through_the_server(shared: Shared, tree: Path) -> None:
    status, output = run(shared, "-m", "components.problems")
    assert status == 0, output
    assert "warning" not in output
    found = httpx.post(
        f"{shared.mlflow}/api/2.0/mlflow/runs/search", auth=MLFLOW,
        json={"experiment_ids": ["1"], "filter": "tags.`dvc.stage` = 'problems'"},
    ).raise_for_status().json()["runs"]  # fmt: skip
    assert [one["info"]["status"] for one in found] == ["FINISHED"]
    assert found[0]["info"]["artifact_uri"].startswith("mlflow-artifacts:/1/")
    artifacts = shared.folder / "mlruns" / "artifacts" / "1" / found[0]["info"]["run_id"] / "artifacts"
    assert (artifacts / "params.json").is_file()
    assert not (tree / "mlruns" / "artifacts").exists()
    assert told_in(tree) == {}


@pytest.mark.slow
@pytest.mark.parametrize("changed", [{}, {"MLFLOW_TRACKING_PASSWORD": "s3cret-but-wrong"}])
def test_a_stage_without_the_login_ends_in_one_line_before_its_work(
    shared: Shared, tree: Path, changed: dict[str, str]
) -> None:
    without = () if changed else ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
    status, output = run(shared, "-m", "components.problems", without=without, **changed)
    assert status == 1
    assert output == (
        f"pb-rlsvr problems: MLflow at {shared.mlflow} does not take this login; "
        "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to its own\n"
    )
    assert not (tree / "data").exists()


@pytest.mark.slow
@pytest.mark.parametrize("module", ["flows", "flows.deploy"])
@pytest.mark.parametrize("changed", [{}, {"PREFECT_API_AUTH_STRING": "somebody:s3cret-but-wrong"}])
@pytest.mark.usefixtures("toy")
def test_a_flow_without_the_login_ends_in_one_line(shared: Shared, module: str, changed: dict[str, str]) -> None:
    without = () if changed else ("PREFECT_API_AUTH_STRING",)
    status, output = run(shared, "-m", module, without=without, **changed)
    assert status == 1
    assert output == (
        f"pb-rlsvr: Prefect at {shared.prefect}/api does not take this login; "
        "set PREFECT_API_AUTH_STRING to its user:password\n"
    )


@pytest.mark.slow
def test_a_flow_with_the_login_runs_and_nobodys_files_hold_it(shared: Shared, toy: Path) -> None:
    status, output = run(shared, "-m", "flows", "--target=last")
    assert status == 0, output
    runs = httpx.post(f"{shared.prefect}/api/flow_runs/filter", json={}, auth=PREFECT).raise_for_status().json()
    assert [one["state_type"] for one in runs] == ["COMPLETED"]
    for folder in (toy, shared.folder):
        assert told_in(folder) == {}
    assert "s3cret" not in output + "".join(shared.said)


@pytest.mark.slow
def test_an_experiment_is_written_where_it_began(shared: Shared, tree: Path) -> None:
    """Artifacts of a run would else lie on the disk of whoever wrote it."""
    assert run(shared, "-m", "components.problems")[0] == 0
    (tree / "mlruns" / "mlflow.db").unlink()
    shutil.copy(shared.folder / "mlruns" / "mlflow.db", tree / "mlruns" / "mlflow.db")
    status, output = run(shared, "-m", "components.problems", without=("PBRLSVR_TRACKING_URI",))
    assert status == 1
    assert output.endswith("its experiment is written through an MLflow server; set PBRLSVR_TRACKING_URI to it\n")
    assert len(output.splitlines()) == 1


@pytest.mark.slow
def test_artifacts_on_the_servers_own_disk_are_refused(tree: Path, tmp_path_factory: Any) -> None:
    """A store that was used without a server, served from another machine (here: its folder is gone)."""
    assert run_alone("components.problems") == 0
    folder = tmp_path_factory.mktemp("server")
    shutil.move(tree / "mlruns", folder / "mlruns")
    with serving(folder) as running:
        done = start("-m", "components.problems", PBRLSVR_TRACKING_URI=running.mlflow)
        output, _ = done.communicate(timeout=120)
    assert done.returncode == 1
    (line,) = output.splitlines()
    assert "a folder of its own machine; let it serve a store of its own (docs/sharing.md)" in line


def run_alone(module: str) -> int:
    return subprocess.run([sys.executable, "-m", module], env=os.environ, capture_output=True, check=False).returncode


@pytest.mark.slow
def test_the_login_is_what_the_environment_says_at_each_start(tmp_path: Path) -> None:
    for password in ("the-first-s3cret", "the-second-s3cret"):
        login = {"MLFLOW_TRACKING_USERNAME": "somebody", "MLFLOW_TRACKING_PASSWORD": password}
        with serving(tmp_path, **login) as running:
            found = {
                tried: httpx.get(running.mlflow + SEARCH, auth=("somebody", tried)).status_code
                for tried in ("the-first-s3cret", "the-second-s3cret")
            }
        assert found.pop(password) == 200
        assert list(found.values()) == [401]
