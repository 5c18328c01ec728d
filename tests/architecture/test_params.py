"""Wrong parameters through the command: all at once, a line each."""

import os
import subprocess
import sys
from pathlib import Path

from tests.architecture.imports import ROOT


def check(folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "components.cli", "params"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_repositorys_own_are_right() -> None:
    done = check(ROOT)
    assert (done.returncode, done.stdout) == (0, "params.yaml: OK\n")


def test_every_wrong_key_and_value_is_listed_at_once(tmp_path: Path) -> None:
    text = (ROOT / "params.yaml").read_text()
    for old, new in (
        ("seed: 17", "sede: 17"),
        ("\n  steps: ", "\n  steps: many # "),
        ("group_size: 2", "group_size: 1"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    (tmp_path / "params.yaml").write_text(text)
    done = check(tmp_path)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    for key in ("base.seed", "base.sede", "train.steps", "train.group_size"):
        assert [line for line in lines if line.startswith("pb-rlsvr: params.yaml: ") and f"`{key}`" in line], key
    assert len(lines) == 4


def test_no_file_says_where_to_stand(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert done.returncode == 1
    assert done.stderr == "pb-rlsvr: params.yaml: No such file or directory; run from the repository's root\n"
