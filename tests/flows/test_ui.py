"""`make ui`: both servers answer, stop cleanly, show earlier runs, and mind taken ports."""

import json
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from flows.settings import answers
from tests.flows.conftest import processes_in, start

pytestmark = pytest.mark.slow


def free_ports() -> tuple[int, int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return sockets[0].getsockname()[1], sockets[1].getsockname()[1]


def start_ui(ports: tuple[int, int]) -> "subprocess.Popen[str]":
    return start("-m", "flows.ui", PBRLSVR_PREFECT_PORT=str(ports[0]), PBRLSVR_MLFLOW_PORT=str(ports[1]))


def lines_until(process: "subprocess.Popen[str]", last: str) -> list[str]:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if last in line:
            return lines
    raise AssertionError(lines)


def post(url: str) -> list[dict[str, Any]]:
    request = urllib.request.Request(url, data=b"{}", headers={"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request) as response:  # noqa: S310
        return list(json.load(response))


def commit_all(folder: Path) -> None:
    (folder / ".gitignore").write_text("mlruns/\n.cache/\n.prefect/\n")
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    author = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *author, "commit", "-qm", "begin"], cwd=folder, check=True)


@pytest.fixture
def ui(toy: Path) -> Iterator[tuple["subprocess.Popen[str]", int, int]]:
    assert toy.exists()
    ports = free_ports()
    process = start_ui(ports)
    yield process, *ports
    process.kill()
    process.wait()


def test_both_answer_show_earlier_runs_and_stop_on_ctrl_c(toy: Path, ui) -> None:
    process, prefect, mlflow = ui
    lines = lines_until(process, "Ctrl-C")
    assert f"Prefect: http://127.0.0.1:{prefect}" in lines
    assert f"MLflow: http://127.0.0.1:{mlflow}" in lines
    for page in (f"http://127.0.0.1:{prefect}/", f"http://127.0.0.1:{mlflow}/"):
        assert answers(page)

    flow = start("-m", "flows", PBRLSVR_PREFECT_PORT=str(prefect), PBRLSVR_MLFLOW_PORT=str(mlflow))
    output, _ = flow.communicate(timeout=120)
    assert f"watch it at http://127.0.0.1:{prefect}" in output
    runs = post(f"http://127.0.0.1:{prefect}/api/flow_runs/filter")
    assert [run["state_type"] for run in runs] == ["COMPLETED"], output

    commit_all(toy)  # the deployments work in a clone
    schedule = start("-m", "flows.deploy", PBRLSVR_PREFECT_PORT=str(prefect))
    deadline, deployments = time.monotonic() + 60, []
    while len(deployments) < 2 and time.monotonic() < deadline:
        deployments = post(f"http://127.0.0.1:{prefect}/api/deployments/filter")
        time.sleep(0.3)
    schedule.terminate()
    schedule.communicate(timeout=60)
    assert {(one["name"], one["schedules"][0]["schedule"]["cron"]) for one in deployments} == {
        ("nightly", "0 2 * * *"),
        ("weekly-reward-comparison", "0 6 * * 0"),
    }
    assert [one["global_concurrency_limit"]["limit"] for one in deployments] == [1, 1]

    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert rest == "stopped\n"
    assert process.returncode == 0
    assert processes_in(toy) == []
    assert not answers(f"http://127.0.0.1:{prefect}/api/health")
    assert not answers(f"http://127.0.0.1:{mlflow}/health")

    again = start_ui((prefect, mlflow))  # the run of the first server is still there
    lines_until(again, "Ctrl-C")
    assert len(post(f"http://127.0.0.1:{prefect}/api/flow_runs/filter")) == 1
    again.terminate()
    again.communicate(timeout=60)
    assert again.returncode == 143
    assert processes_in(toy) == []


def test_a_taken_port_is_one_line_and_nothing_starts(toy: Path) -> None:
    ports = free_ports()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports[1]))
        taken.listen()
        before = time.monotonic()
        process = start_ui(ports)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert output == (
        f"pb-rlsvr ui: port {ports[1]} is in use, and MLflow needs it; "
        "stop what uses it or set PBRLSVR_MLFLOW_PORT to a free port\n"
    )
    assert time.monotonic() - before < 20
    assert processes_in(toy) == []
    assert not (toy / ".prefect").exists()


def test_what_is_no_port_is_told(toy: Path) -> None:
    assert toy.exists()
    process = start("-m", "flows.ui", PBRLSVR_PREFECT_PORT="web")
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert output == "pb-rlsvr ui: PBRLSVR_PREFECT_PORT=web: not a port number; set it to a number from 1 to 65535\n"
