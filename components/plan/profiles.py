"""Profiles: values for params.yaml by dotted key, and the configuration of the model that they name."""

from pathlib import Path
from typing import Any

import yaml

from components.contracts import PipelineError
from components.params import Params
from components.params.edit import checked_values, write_values

FOLDER = Path("profiles")


def read_profile(name: str) -> dict[str, Any]:
    """`values` and `config` of profiles/NAME.yaml.

    Raises:
        PipelineError: There is no such profile.
    """
    path = FOLDER / f"{name}.yaml"
    known = sorted(own.stem for own in FOLDER.glob("*.yaml"))
    if name not in known:
        raise PipelineError(
            f"no profile `{name}`; there are {', '.join(known) or 'none here: run from the repository'}"
        )
    told: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return told


def with_profile(name: str) -> Params:
    """params.yaml's values with the profile's in place of some.

    Raises:
        PipelineError: The profile has a key or value that is wrong.
    """
    return checked_values(read_profile(name)["values"], f"{FOLDER / name}.yaml")


def use_profile(name: str) -> list[str]:
    """Write the profile's values into params.yaml, comments kept; the lines that say what changed."""
    return write_values(read_profile(name)["values"], f"{FOLDER / name}.yaml")
