"""The three commands as processes, and their exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.reward.calibrated import load_reward
from tests.offline.made_up import references, rollouts, write

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def command(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "components.cli", *arguments], cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def files(tmp_path):
    write(tmp_path / "references.jsonl", references(6))
    write(tmp_path / "rollouts.jsonl", rollouts(6, ("es", "sw")))
    return tmp_path


def test_score_writes_rows_to_standard_output_and_nothing_else(files):
    lost = {"id": "lost", "problem_id": "?", "lang": "es", "text": "La respuesta es 3."}
    write(files / "rollouts.jsonl", [*rollouts(1, ("es", "sw")), lost])
    done = command(files, "score", "rollouts.jsonl", "--references", "references.jsonl")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["id"] for row in rows] == [row["id"] for row in [*rollouts(1, ("es", "sw")), lost]]
    assert rows[-1]["score"] is None
    assert "1 of 9 rollouts have no score: no reference has its problem_id" in done.stderr


def test_an_unknown_reward_is_one_line(files):
    done = command(files, "score", "rollouts.jsonl", "--references", "references.jsonl", "--reward", "bleurt")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("pb-rlsvr: no reward `bleurt`; there are answer, embedding, ")
    assert len(done.stderr.splitlines()) == 1


def test_a_missing_file_and_a_reward_without_its_calibration_are_one_line(files):
    for arguments, told in (
        (("nowhere.jsonl", "--references", "references.jsonl"), "nowhere.jsonl: No such file"),
        (("rollouts.jsonl", "--references", "references.jsonl", "--reward", "margin"), "--calibration DIR"),
    ):
        done = command(files, "score", *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert told in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_calibrate_writes_a_folder_that_load_reward_takes(files):
    write(files / "rollouts.jsonl", [{**row, "correct": row["id"][-1] in "02"} for row in rollouts(6, ("es", "sw"))])
    done = command(files, "calibrate", "rollouts.jsonl", "--references", "references.jsonl", "--out", "mine")
    assert done.returncode == 0, done.stderr
    assert "macro AUC" in done.stdout
    assert {path.name for path in (files / "mine").iterdir()} == {
        "calibration.json", "reward.json", "bank.safetensors", "metrics.json"
    }  # fmt: skip
    assert load_reward(files / "mine").__name__ == "hybrid"


def test_audit_attacks_built_in_problems(tmp_path):
    done = command(tmp_path, "audit", "--num-problems", "4")
    assert done.returncode == 0, done.stderr
    assert "`hybrid` on " in done.stdout
    assert "honest responses, languages that the encoder declares: " in done.stdout
