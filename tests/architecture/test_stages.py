"""params.yaml, dvc.yaml and the code agree."""

from pathlib import PurePosixPath
from typing import Any

import pytest
import yaml

from components.params import Params
from components.stage import PACKAGED
from tests.architecture.imports import ROOT, closure, room

STAGES = ("models", "problems", "reference", "calibrate", "train", "audit", "evaluate", "report")
# Sections of params.yaml that belong to no stage alone: every stage that takes them says so in dvc.yaml.
SHARED = {"base", "sampling", "reward", "gate"}
# No result depends on them; dvc.yaml says why for each.
NOT_DEPENDED_ON = {
    "components",
    "components/stage.py",
    "components/environment.py",
    "components/progress.py",
    "components/tracking",
    "components/params",
}
PIPELINE: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
COMPARISON: dict[str, Any] = yaml.safe_load((ROOT / "compare/dvc.yaml").read_text())["stages"]


def paths(stage: str, key: str) -> list[str]:
    """The entries of deps, outs, metrics or plots, without their options."""
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in PIPELINE[stage].get(key, [])]


def test_dvc_has_exactly_these_stages() -> None:
    assert tuple(PIPELINE) == STAGES
    for stage in STAGES:
        assert (ROOT / "components" / stage / "__main__.py").is_file(), stage


@pytest.mark.parametrize("stage", STAGES)
def test_one_name_for_everything(stage: str) -> None:
    assert PIPELINE[stage]["cmd"] == f"exec python -m components.{stage}"
    assert paths(stage, "metrics") == [f"metrics/{stage}.json", f"runs/{stage}.json"]
    assert stage in PIPELINE[stage]["params"]
    assert stage in Params.model_fields


def test_no_shell_stands_between_dvc_and_a_stage() -> None:
    # What ends DVC tells DVC's children alone (components/environment.end_with_parent).
    assert all(stage["cmd"].startswith("exec python -m components.") for stage in COMPARISON.values())


@pytest.mark.parametrize("stage", STAGES)
def test_outputs_leave_dvcs_run_cache_at_work(stage: str) -> None:
    # A plain output with `cache: false` keeps a stage out of the run cache; `report` is made in seconds.
    if stage != "report":
        assert all(isinstance(entry, str) for entry in PIPELINE[stage]["outs"])


def test_every_section_is_claimed_and_every_claim_is_a_section() -> None:
    stages = [*PIPELINE.values(), *COMPARISON.values()]
    claimed = {key.split(".")[0] for stage in stages for key in stage["params"]}
    assert claimed == set(Params.model_fields) == {*STAGES, *SHARED, "compare"}
    assert claimed == set(yaml.safe_load((ROOT / "params.yaml").read_text()))


@pytest.mark.parametrize("stage", STAGES)
def test_deps_cover_the_code_that_the_stage_imports(stage: str) -> None:
    code = {dep for dep in paths(stage, "deps") if dep.startswith("components")}
    used = {room(name) for name in closure(f"components.{stage}")} - NOT_DEPENDED_ON
    assert code == used


@pytest.mark.parametrize(
    ("stage", "starts"),
    [
        ("base", ["components.compare.on_test"]),
        ("warmup", ["components.compare.on_test", "components.train"]),
        ("arm", ["components.compare.on_test", "components.compare.rates"]),
        ("table", ["components.compare.table"]),
    ],
)
def test_deps_of_the_comparison_cover_its_code(stage: str, starts: list[str]) -> None:
    code = {dep for dep in COMPARISON[stage]["deps"] if dep.startswith("components")}
    used = {name for start in starts for name in closure(start)}
    rooms = {room(name) for name in used} - NOT_DEPENDED_ON - {"components/compare"}
    own = {f"{name.replace('.', '/')}.py" for name in used if name.startswith("components.compare.")}
    assert code == rooms | own


def test_an_arm_depends_on_all_that_training_and_evaluation_depend_on() -> None:
    arm = set(COMPARISON["arm"]["deps"])
    for stage, own in (("train", set()), ("evaluate", {"adapters/trained", "adapters/warmup"})):
        assert set(paths(stage, "deps")) - own <= arm, stage
        assert set(PIPELINE[stage]["params"]) <= set(COMPARISON["arm"]["params"]), stage


def test_test_split_is_read_by_evaluate_and_report_alone() -> None:
    readers = {stage for stage in STAGES if "data/problems/test.jsonl" in paths(stage, "deps")}
    assert readers == {"evaluate", "report"}
    for stage in STAGES:
        for dep in paths(stage, "deps"):  # nor through the folder that holds it
            assert not PurePosixPath("data/problems/test.jsonl").is_relative_to(dep) or stage in readers


def test_receipts_are_no_dependencies_and_outputs_have_one_maker() -> None:
    made = [path for stage in STAGES for key in ("outs", "metrics", "plots") for path in paths(stage, key)]
    assert len(made) == len(set(made))
    for stage in STAGES:
        deps = paths(stage, "deps")
        assert not [dep for dep in deps if dep.startswith("runs/")]
        assert {dep for dep in deps if not dep.startswith("components")} <= set(made) | {"sources"}  # the user's


def test_packaged_names_are_those_of_the_code() -> None:
    model, encoder = PACKAGED  # read as text: importing them takes seconds
    assert f'PACKAGED_MODEL = "{model}"' in (ROOT / "components/models/packaged.py").read_text()
    assert f'PACKAGED_ENCODER = "{encoder}"' in (ROOT / "components/encoding/encoder.py").read_text()
