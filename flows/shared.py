"""Where the servers of `make ui` listen, and the logins without which they listen to this machine alone.

All from the environment (docs/sharing.md). No message holds a password.
"""

import os
import secrets
import socket
from ipaddress import ip_address
from pathlib import Path

from components.contracts import PipelineError, write_text

HOST = "PBRLSVR_HOST"
LOOPBACK, EVERY_ADDRESS = "127.0.0.1", "0.0.0.0"  # noqa: S104 - named to be told apart, not to be bound
PREFECT_LOGIN = "PREFECT_SERVER_API_AUTH_STRING"
MLFLOW_USER, MLFLOW_PASSWORD = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
MIN_PASSWORD_LENGTH = 12
"""MLflow's own; a shorter one stops it with a page of log."""

# One login, which is what the environment says at every start: MLflow would keep the first password for ever.
LOGIN_SETTINGS, LOGINS = Path(".cache/ui/mlflow-login.ini"), Path(".cache/ui/mlflow-login.db")
SETTINGS = f"[mlflow]\ndefault_permission = NO_PERMISSIONS\ndatabase_uri = sqlite:///{LOGINS}\n"


def bound_address() -> str:
    """The IPv4 address that the servers bind: that of PBRLSVR_HOST, else of loopback.

    Raises:
        PipelineError: It is no address of this machine, or others could reach the servers there without a login.
    """
    host = os.environ.get(HOST) or LOOPBACK
    try:
        with socket.socket() as probe:
            probe.bind((host, 0))
            address = str(probe.getsockname()[0])
    except (OSError, UnicodeError):
        raise PipelineError(f"{HOST}={host}: no IPv4 address or name of this machine; correct it") from None
    missing = [*_missing_prefect_login(), *_missing_mlflow_login()]
    if missing and not ip_address(address).is_loopback:
        raise PipelineError(
            f"{HOST}={host}: others could reach the servers there without a login; "
            f"set {', '.join(missing)}, or leave {HOST} out (docs/sharing.md)"
        )
    return address


def address_here() -> str:
    """Where this machine reaches the servers."""
    host = os.environ.get(HOST) or LOOPBACK
    return LOOPBACK if host == EVERY_ADDRESS else host


def address_for_others() -> str:
    """Where a browser finds them: as PBRLSVR_HOST says, or by the machine's name where that is every address."""
    host = os.environ.get(HOST) or LOOPBACK
    return socket.gethostname() if host == EVERY_ADDRESS else host


def check_logins() -> None:
    """See that no login is half set: a server would start without it.

    Raises:
        PipelineError: One is; or a password is too short for MLflow.
    """
    if os.environ.get(PREFECT_LOGIN) and _missing_prefect_login():
        raise PipelineError(f"{PREFECT_LOGIN}: not of the form user:password; correct it")
    if len(missing := _missing_mlflow_login()) == 1:
        raise PipelineError(f"half a login for MLflow: set {missing[0]} too, or neither")
    if not missing and len(os.environ[MLFLOW_PASSWORD]) < MIN_PASSWORD_LENGTH:
        raise PipelineError(
            f"{MLFLOW_PASSWORD}: MLflow takes {MIN_PASSWORD_LENGTH} characters or more; choose a longer one"
        )


def has_mlflow_login() -> bool:
    """Whether MLflow's server asks for one."""
    return not _missing_mlflow_login()


def login_environment() -> dict[str, str]:
    """What MLflow's server reads its login from; makes it forget the login of its start before."""
    LOGINS.unlink(missing_ok=True)
    write_text(LOGIN_SETTINGS, SETTINGS)
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(LOGIN_SETTINGS),
        "MLFLOW_AUTH_ADMIN_USERNAME": os.environ[MLFLOW_USER],
        "MLFLOW_AUTH_ADMIN_PASSWORD": os.environ[MLFLOW_PASSWORD],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": os.environ.get("MLFLOW_FLASK_SERVER_SECRET_KEY") or secrets.token_hex(32),
    }


def _missing_prefect_login() -> list[str]:
    user, _, password = os.environ.get(PREFECT_LOGIN, "").partition(":")
    return [] if user and password else [f"{PREFECT_LOGIN} (user:password)"]


def _missing_mlflow_login() -> list[str]:
    return [name for name in (MLFLOW_USER, MLFLOW_PASSWORD) if not os.environ.get(name)]
