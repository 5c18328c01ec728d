"""The report of a made-up run, made once for all tests that ask for the same."""

import copy
from contextlib import chdir
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from components.report import accuracy, rewards, training
from components.report.__main__ import MARKDOWN, PAGE, work
from tests.report.made_up import LANGUAGES, TRAINED, Chance, Kind, make_run, params, stage_run

DRAWINGS = ((accuracy, "accuracy_plot"), (training, "training_plot"), (rewards, "auc_map"),
            (rewards, "reliability_plot"))  # fmt: skip
Made = tuple[dict[str, Any], dict[Path, bytes]]


def better(system: str, _: str) -> float:
    return {"base": 0.3, "warmup": 0.5, "trained": 0.8}[system]


def report(
    chance: Chance = better,
    response: str = "So it is {answer}.",
    languages: tuple[str, ...] = LANGUAGES,
    trained: tuple[str, ...] = TRAINED,
    kind: Kind = Kind(),  # noqa: B008 - never changed
) -> tuple[dict[str, Any], str, str]:
    """Numbers, page and Markdown of a made-up run without drawings; its files are put into the current folder."""
    metrics, files = _undrawn(chance, response, languages, trained, kind)
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return copy.deepcopy(metrics), files[PAGE].decode(), files[MARKDOWN].decode()


def make_undrawn(patch: pytest.MonkeyPatch) -> None:
    """Leave the drawings out, which take most of a report's seconds."""
    for module, name in DRAWINGS:
        patch.setattr(module, name, lambda *_: "<svg></svg>")


@cache
def _undrawn(*arguments: Any) -> Made:
    with pytest.MonkeyPatch.context() as patch:
        make_undrawn(patch)
        return made(*arguments)


def made(
    chance: Chance = better,
    response: str = "So it is {answer}.",
    languages: tuple[str, ...] = LANGUAGES,
    trained: tuple[str, ...] = TRAINED,
    kind: Kind = Kind(),  # noqa: B008 - never changed
) -> Made:
    """Numbers and files of a run, drawings and all."""
    with TemporaryDirectory() as folder, chdir(folder):
        given = params(languages, trained)
        make_run(given, chance, response, kind=kind)
        run, _ = stage_run(given)
        work(run)
        return run.metrics, {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
