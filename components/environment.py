"""Machine facts: what a process sets up before it imports a heavy library, and what it hands to its children.

Everything is a default: a variable that the user has set is left alone. Folders are relative to the working
directory, which is the repository's root (DVC runs every stage there).
"""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from components.contracts.errors import PipelineError

TRACKING_URI = "PBRLSVR_TRACKING_URI"
PARENT_RUN_ID = "PBRLSVR_PARENT_RUN_ID"
ACCELERATORS = "PBRLSVR_ACCELERATORS"
"""Those that were given by CUDA's own variable, of which each process then sees one."""
MLRUNS = Path("mlruns")

# Nothing that runs here reports home or waits long for a remote service. MLflow takes DO_NOT_TRACK only as
# `true`, and Prefect's server needs a variable of its own.
_QUIET = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DVC_NO_ANALYTICS": "1",
    "ITERATIVE_DO_NOT_TRACK": "1",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "TOKENIZERS_PARALLELISM": "false",
    "TQDM_DISABLE": "1",  # our own progress is enough, and bars spoil a log
    "TRL_EXPERIMENTAL_SILENCE": "1",  # `rollout_func` is marked experimental; the version is pinned
}

# glibc's mallopt parameters (malloc.h).
_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""CUDA's variable: the accelerators that a process is given."""
SET_PARAMS = "PBRLSVR_SET_PARAMS"
"""Set by a flow whose run has values of its own in place of those of params.yaml."""

# Of prctl (linux/prctl.h).
_PR_SET_PDEATHSIG = 1


class Terminated(SystemExit):
    """SIGTERM as an exception: the stack unwinds (runs closed, children stopped), then exit status 143."""


def exit_on_sigterm() -> None:
    """Turn SIGTERM into `Terminated`, unless somebody (Prefect's engine) already handles it."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the signal module's signature
    # A second SIGTERM must not cut the unwinding short.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated(128 + number)


def end_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel send this process the signal when the one that started it ends, however that ends (Linux)."""
    prctl = _glibc("prctl")
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, number)


def prepare_process(offline: bool) -> None:
    """Set the variables and the allocator of a stage process, before torch or a hub client is imported.

    Args:
        offline: Forbid the Hugging Face hub altogether; false only where a parameter names a hub model.
    """
    # At a barrier threads spin for about a tenth of a millisecond, then sleep: sleeping at once made a part of a
    # training step 1.4 times slower; spinning on holds the core that another process needs (docs/LOG.md).
    threads = {"OMP_NUM_THREADS": str(num_cores()), "OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "10000"}
    # MKL may take fewer threads than it is given until torch's number of threads is first set, which scoring does: a
    # step after it and the same step in a resumed process must not differ in that.
    threads["MKL_DYNAMIC"] = "FALSE"
    hub = {"HF_HUB_OFFLINE": "1"} if offline else {}
    for key, value in (threads | hub).items():
        os.environ.setdefault(key, value)
    _take_one_accelerator()
    quiet_libraries()
    _keep_freed_memory()


def _take_one_accelerator() -> None:
    """A process has one accelerator, the first of those that it was given; TRL refuses more."""
    given = os.environ.get(VISIBLE)
    os.environ.setdefault(ACCELERATORS, given or "")
    os.environ[VISIBLE] = "0" if given is None else given.split(",")[0]


def nth_accelerator(number: int) -> str:
    """CUDA's name of an accelerator for another process than this one, which has number 0.

    Raises:
        PipelineError: Fewer were given (`CUDA_VISIBLE_DEVICES`).
    """
    given = [name for name in os.environ.get(ACCELERATORS, "").split(",") if name]
    if not given:
        return str(number)
    if number >= len(given):
        raise PipelineError(
            f"params.yaml: `train.num_processes` asks for accelerator {number + 1}, and {VISIBLE} names {len(given)}"
        )
    return given[number]


def quiet_libraries() -> None:
    """Have no library of this process report home or wait long for a remote service."""
    for key, value in _QUIET.items():
        os.environ.setdefault(key, value)


def child_environment() -> dict[str, str]:
    """The environment for `dvc`, the servers and whatever they start."""
    root = Path.cwd()
    defaults = _QUIET | {
        TRACKING_URI: tracking_uri(),
        # DVC's own default, /var/tmp/dvc, is writable by everybody and holds pickles.
        "DVC_SITE_CACHE_DIR": str(root / ".cache" / "dvc"),
        "PREFECT_HOME": str(root / ".prefect"),
    }
    binaries = str(Path(sys.prefix) / "bin")
    path = os.pathsep.join([binaries, os.environ.get("PATH", os.defpath)])
    return defaults | os.environ | {"PATH": path}


def tracking_uri() -> str:
    """Where MLflow keeps runs: the environment's choice, else the SQLite file of this repository.

    Raises:
        PipelineError: The choice holds a user or a password, and addresses are shown and stored.
    """
    uri = os.environ.get(TRACKING_URI) or f"sqlite:///{(MLRUNS / 'mlflow.db').resolve()}"
    if "@" in uri and not uri.startswith("sqlite:"):
        raise PipelineError(
            f"{TRACKING_URI}: leave user and password out of the address; "
            "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        )
    return uri


def num_cores() -> int:
    """Physical cores that this process may use; hyper-threads of one core slow each other down."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    cores = {_siblings(cpu) for cpu in os.sched_getaffinity(0)}
    return max(1, min(len(cores), _cgroup_cores()))


def _siblings(cpu: int) -> str:
    try:
        return Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text()
    except OSError:
        return str(cpu)


def _cgroup_cores() -> int:
    """The whole cores of a container's CPU quota (`docker --cpus`), which the affinity mask does not show."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except OSError:
        return sys.maxsize
    return sys.maxsize if quota == "max" else max(1, int(quota) // int(period))


def processor_flags() -> set[str]:
    """What the processor can do, as Linux names it; nothing is known on other systems."""
    return set(_processor_line("flags", "Features").split())


def processor_vendor() -> str:
    """Who made it (`GenuineIntel`, `AuthenticAMD`); empty where Linux does not say."""
    return _processor_line("vendor_id").strip()


def _processor_line(*names: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1] for line in lines if line.startswith(names)), "")


def release_freed_memory() -> None:
    """Give the kernel back what glibc keeps (`_keep_freed_memory`): between steps, or pieces add up to gigabytes."""
    trim = _glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _keep_freed_memory() -> None:
    """Have glibc keep freed blocks.

    Generation frees and takes the same large buffers at every token; giving them back to the kernel each time
    costs page faults that outweigh the arithmetic.
    """
    mallopt = _glibc("mallopt")
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def _glibc(name: str) -> Callable[..., int] | None:
    """A function of the C library; None where it is another than glibc, which needs no such settings."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
