"""CONTRIBUTING.md holds: its family and its language, each added as one file to a copy, are asked by the stage."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from components.contracts import Question, read_records
from components.problems.families import load_families

ROOT = Path(__file__).parents[2]
FILES = dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL))
FAMILY = "components/problems/families/planting.yaml"
LANGUAGE = "components/lang/languages/sv.yaml"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The code and its parameters, asking in English, Swedish and Russian."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "components", folder / "components", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "sources", folder / "sources")
    shutil.copy(ROOT / "dvc.yaml", folder)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["base"] |= {"languages": ["en", "sv", "ru"], "trained_languages": ["sv"]}
    params["problems"]["max_steps"] = 4  # every family
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    return folder


def run_stage(folder):
    done = subprocess.run(
        [sys.executable, "-m", "components.problems"],
        cwd=folder, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(folder)},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def swedish(families):
    """The language of CONTRIBUTING.md, with the other families' texts borrowed from Spanish."""
    language = yaml.safe_load(FILES[LANGUAGE])
    borrowed = {family.name: family.text["es"].model_dump() for family in families}
    return language | {"problems": borrowed | language["problems"]}


@pytest.mark.slow
def test_a_language_and_a_family_are_one_file_each(copy):
    status, told = run_stage(copy)
    assert (status, "language `sv` is not known; add" in told) == (1, True)

    (copy / LANGUAGE).write_text(FILES[LANGUAGE])
    status, told = run_stage(copy)
    assert status == 1
    assert re.search(r"add-then-remove\.yaml: no text in language `sv`; add `text\.sv` there, or `problems\.add", told)

    (copy / LANGUAGE).write_text(yaml.safe_dump(swedish(load_families()), allow_unicode=True))
    (copy / FAMILY).write_text(FILES[FAMILY])
    status, told = run_stage(copy)
    assert status == 0, told
    questions = read_records(copy / "data/problems/train.jsonl", Question)
    planted = {q.lang: q.question for q in questions if q.family == "planting"}
    assert "rader med" in planted["sv"]
    assert re.search(r"ряд|ряда|рядов", planted["ru"])
    added = {q.question for q in questions if q.family == "change-add" and q.lang == "sv"}
    assert all("plockar" in text for text in added)
