"""Who may import whom."""

import os
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions

import pytest

from tests.architecture.imports import ROOT, closure, imported_by, modules, room
from tests.architecture.test_stages import STAGES

INSTALLED = packages_distributions()  # by module: those that bring it
HEAVY = {"torch", "transformers", "trl", "peft", "sentence_transformers"}


def top_levels(package: str) -> dict[str, set[str]]:
    """By module: the top-level packages that it imports."""
    return {name: {part.split(".")[0] for part in imported_by(path)} for name, path in modules(package).items()}


def test_only_tracking_and_the_registry_import_mlflow() -> None:
    everything = top_levels("components") | top_levels("flows")
    importers = {name for name, tops in everything.items() if "mlflow" in tops}
    registry = {"components.promotion.registry", "components.promotion.served_model"}
    assert {name for name in importers if not name.startswith("components.tracking.")} == registry


def test_rooms_import_each_other_in_one_direction() -> None:
    graph: dict[str, set[str]] = {}
    for name, path in modules("components").items():
        others = {room(other) for other in imported_by(path) if other in modules("components")}
        graph.setdefault(room(name), set()).update(others - {room(name), "components"})
    TopologicalSorter(graph).prepare()  # a CycleError names those of a circle


def test_components_know_neither_flows_nor_prefect_nor_dvc() -> None:
    found = {name: tops & {"flows", "prefect", "dvc"} for name, tops in top_levels("components").items()}
    assert {name: tops for name, tops in found.items() if tops} == {}


def test_flows_import_no_stage_and_nothing_heavy() -> None:
    for name, path in modules("flows").items():
        stages = {other for other in imported_by(path) if other.split(".")[1:2] and other.split(".")[1] in STAGES}
        assert not stages, name
    assert {name: tops & HEAVY for name, tops in top_levels("flows").items() if tops & HEAVY} == {}


@pytest.mark.parametrize("stage", STAGES)
def test_stages_never_import_each_other(stage: str) -> None:
    others = {name for name in closure(f"components.{stage}") if name.split(".")[1:2] and name.split(".")[1] in STAGES}
    assert {name for name in others if name.split(".")[1] != stage} == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    "module",
    ["flows.pipeline", "components.params", "components.contracts", "components.tracking"]
    + [f"components.{stage}.__main__" for stage in STAGES],
)
def test_importing_loads_nothing_heavy(module: str) -> None:
    program = f"import sys, {module}; print(*sorted({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"DO_NOT_TRACK": "true", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_help_waits_for_no_library_that_its_command_line_does_not_bring() -> None:
    least = "from typer import Typer\napp = Typer()\napp.command()(lambda: None)"
    assert _libraries_of_help("from components.cli import app") - _libraries_of_help(least) <= {"pb-rlsvr"}


def _libraries_of_help(app: str) -> set[str]:
    tell = "atexit.register(lambda: print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr))"
    program = f"import atexit, sys\n{tell}\n{app}\napp(['--help'])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for part in set(done.stderr.split()) & set(INSTALLED) for name in INSTALLED[part]}
