"""Seconds of the stages at the end of a pass, from the receipts of the runs that made the results."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from components import closing
from components.contracts import write_json
from tests.architecture.imports import ROOT

STAGES = list(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])
CONDITION = {"name": "gain over the base", "passed": None, "told": "no gold"}
NO_RESULT = {"promotion": {"conditions": [CONDITION]}, "languages": {}, "macro": {}}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_json(Path("metrics/report.json"), NO_RESULT)


def told(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    closing.print_closing()
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def write_receipt(stage: str, seconds: float) -> None:
    started = datetime(2026, 11, 28, 9, 5, tzinfo=UTC).isoformat()
    Path("runs").mkdir(exist_ok=True)
    Path(f"runs/{stage}.json").write_text(json.dumps({"stage": stage, "started": started, "seconds": seconds}))


def test_every_stage_is_told_in_the_pipelines_order_and_the_comparison_is_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number, stage in enumerate(sorted(STAGES)):
        write_receipt(stage, 100.4 + number)
    write_receipt("compare", 9999)
    rows = [line for line in told(capsys) if line and line[0] in {*STAGES, "compare"}]
    assert [row[0] for row in rows] == STAGES
    assert rows[0] == ["models", str(round(100.4 + sorted(STAGES).index("models"))), "2026-11-28", "09:05"]


def test_seconds_are_added_up(capsys: pytest.CaptureFixture[str]) -> None:
    write_receipt("models", 340)
    write_receipt("train", 792.2)
    assert ["in", "all", "1,132"] in told(capsys)


def test_without_receipts_no_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert not [line for line in told(capsys) if "seconds" in line]
