"""Profiles: values for params.yaml by dotted key, and the configuration of the model that they name."""

from io import StringIO
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from ruamel.yaml import YAML

from components.contracts import PipelineError, write_text
from components.params import PARAMS_PATH, Params, load_params

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
    try:
        return load_params().with_values(read_profile(name)["values"])
    except KeyError as error:
        raise PipelineError(f"{FOLDER / name}.yaml: unknown key `{error.args[0]}`") from None
    except ValidationError as error:
        found = error.errors()[0]
        where = ".".join(map(str, found["loc"]))
        raise PipelineError(f"{FOLDER / name}.yaml: {where}: {found['msg']}") from None


def use_profile(name: str) -> list[str]:
    """Write the profile's values into params.yaml, comments kept; the lines that say what changed."""
    with_profile(name)
    editor = YAML()
    editor.preserve_quotes = True
    editor.width = 4096
    editor.representer.add_representer(float, _as_number)
    document = editor.load(PARAMS_PATH.read_text(encoding="utf-8"))
    changed = []
    for key, value in read_profile(name)["values"].items():
        section, _, own = key.partition(".")
        if document[section][own] != value:
            changed.append(f"{key}: {document[section][own]} → {value}")
            document[section][own] = value
    text = StringIO()
    editor.dump(document, text)
    write_text(PARAMS_PATH, text.getvalue())
    return changed


def _as_number(representer: Any, value: float) -> Any:  # noqa: ANN401 - ruamel's
    """1e-05 with a point, without which YAML 1.1 takes it for text."""
    text = repr(value)
    return representer.represent_scalar("tag:yaml.org,2002:float", text if "." in text else text.replace("e", ".0e"))
