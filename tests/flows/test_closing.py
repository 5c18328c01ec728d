"""The table at the end of a run."""

import json
from pathlib import Path

import pytest

from components import closing


def test_table_shows_every_system_with_its_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def row(value: float) -> dict[str, object]:
        system = {"accuracy": value, "low": value - 0.04, "high": value + 0.04}
        return {
            **dict.fromkeys(("base", "warmup", "trained"), system),
            "gain": {"mean": 0.05, "low": -0.01, "high": 0.11},
            "trained_lang": value > 0.3,
        }

    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/report.json").write_text(
        json.dumps(
            {
                "languages": {"es": row(0.5), "th": row(0.25)},
                "macro": {"trained_languages": row(0.4)},
                "gap_to_english": {"base": 0.2, "warmup": 0.15, "trained": 0.1},
            }
        )
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(closing.console, "width", 120)
    closing.print_closing()
    lines = capsys.readouterr().out.splitlines()
    cells = {
        line.split("│")[1].strip(): [cell.strip() for cell in line.split("│")[2:-1]] for line in lines if "│" in line
    }
    assert cells["es (trained)"] == ["50.0 [46, 54]"] * 3 + ["+5.0 [-1, +11]"]
    assert cells["th"][0] == "25.0 [21, 29]"
    assert "trained languages" in cells
    assert cells["gap to English"] == ["20.0", "15.0", "10.0", ""]
    assert any("report/report.html" in line for line in lines)
