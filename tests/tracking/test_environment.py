"""What a process sets up, and what it hands to its children."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.environment import child_environment, num_cores, tracking_uri


def test_a_prepared_process_reports_nothing_and_keeps_the_users_choice() -> None:
    program = (
        "import os; from components.environment import prepare_process; prepare_process(offline=True);"
        "print(*(os.environ.get(k) for k in ('DO_NOT_TRACK','MLFLOW_DISABLE_TELEMETRY','DVC_NO_ANALYTICS',"
        "'PREFECT_SERVER_ANALYTICS_ENABLED','HF_HUB_DISABLE_TELEMETRY','HF_HUB_OFFLINE','OMP_NUM_THREADS')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"OMP_NUM_THREADS": "7", "HF_HUB_OFFLINE": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["true", "true", "1", "false", "1", "0", "7"]


@pytest.mark.slow
def test_setting_torchs_threads_changes_nothing_in_mkl() -> None:
    """Else a step after scoring, which does that, could differ in its last digits from the same one when resumed."""
    program = (
        "from components.environment import prepare_process; prepare_process(offline=True);"
        "import ctypes, pathlib, torch;"
        "library = ctypes.CDLL(pathlib.Path(torch.__file__).with_name('lib') / 'libtorch_cpu.so');"
        "told = getattr(library, 'mkl_serv_get_dynamic', lambda: 'no MKL');"
        "before = told(); torch.set_num_threads(1); torch.set_num_threads(2); print(before, told(), sep=',')"
    )
    environment = {name: value for name, value in os.environ.items() if name != "MKL_DYNAMIC"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    before, after = done.stdout.strip().split(",")
    if before == "no MKL":
        pytest.skip("this torch comes without MKL")
    assert (before, after) == ("0", "0")


def test_children_get_the_venv_first_and_the_repositorys_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFECT_HOME", "/elsewhere")
    monkeypatch.delenv("PBRLSVR_TRACKING_URI", raising=False)
    monkeypatch.delenv("DVC_SITE_CACHE_DIR", raising=False)
    environment = child_environment()
    assert environment["PATH"].split(os.pathsep)[0] == str(Path(sys.prefix) / "bin")
    assert environment["PREFECT_HOME"] == "/elsewhere"
    assert environment["DVC_SITE_CACHE_DIR"] == str(tmp_path / ".cache/dvc")
    assert environment["PBRLSVR_TRACKING_URI"] == f"sqlite:///{tmp_path}/mlruns/mlflow.db"


def test_tracking_uri_is_the_environments_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PBRLSVR_TRACKING_URI", "http://tracking:5000")
    assert tracking_uri() == "http://tracking:5000"


def test_cores_are_those_of_this_process() -> None:
    assert 1 <= num_cores() <= (os.cpu_count() or 1)
