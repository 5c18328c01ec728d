"""Other values for params.yaml, checked before they are written."""

from collections.abc import Mapping
from io import StringIO
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML

from components.contracts import PipelineError, write_text
from components.params import PARAMS_PATH, Params, load_params


def checked_values(values: Mapping[str, Any], source: str) -> Params:
    """params.yaml's values with those of `source` in place of some, by dotted key (`train.steps`).

    Raises:
        PipelineError: A key or value is wrong; `source` and the key are named.
    """
    try:
        return load_params().with_values(values)
    except KeyError as error:
        raise PipelineError(f"{source}: unknown key `{error.args[0]}`") from None
    except ValidationError as error:
        found = error.errors()[0]
        where = ".".join(map(str, found["loc"]))
        raise PipelineError(f"{source}: {where}: {found['msg']}") from None


def write_values(values: Mapping[str, Any], source: str) -> list[str]:
    """Write values into params.yaml, comments kept; the lines that say what changed.

    Raises:
        PipelineError: As `checked_values`; nothing is written.
    """
    checked_values(values, source)
    editor = YAML()
    editor.preserve_quotes = True
    editor.width = 4096
    editor.representer.add_representer(float, _as_number)
    document = editor.load(PARAMS_PATH.read_text(encoding="utf-8"))
    changed = []
    for key, value in values.items():
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
