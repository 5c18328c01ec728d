"""The table at the end of a run."""

import json
from pathlib import Path

import pytest

from components import closing


def gain(passed: bool | None) -> dict[str, object]:
    return {"name": "gain over the base", "passed": passed, "told": "why"}


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
                "promotion": {"passed": True, "conditions": [gain(True)]},
                "languages": {"es": row(0.5), "th": row(0.25)},
                "macro": {"trained_languages": row(0.4)},
                "gap_to_english": {"base": 0.2, "warmup": 0.15, "trained": 0.1},
            }
        )
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(closing.console, "width", 80)
    closing.print_closing()
    lines = capsys.readouterr().out.splitlines()
    rows = [" ".join(line.split()) for line in lines]
    system = "50.0 [46, 54]"
    assert f"es (trained) {system} {system} {system} +5.0 [-1, +11]" in rows
    assert "gap to English 20.0 15.0 10.0" in rows
    assert any(row.startswith("trained mean 40.0 [36, 44]") for row in rows)
    assert any("report/report.html" in line for line in lines)
    assert any("Gate:    Promoted: every condition holds." in line for line in lines)


@pytest.mark.parametrize(("passed", "word"), [(False, "fails"), (None, "cannot be judged")])
def test_no_accuracy_is_told_where_no_answer_is_known(
    passed: bool | None, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "metrics").mkdir()
    promotion = {"passed": False, "conditions": [gain(passed)]}
    summary = {"promotion": promotion, "languages": {}, "macro": {}}
    (tmp_path / "metrics/report.json").write_text(json.dumps(summary))
    monkeypatch.chdir(tmp_path)
    closing.print_closing()
    told = capsys.readouterr().out
    assert "No accuracy on `test`" in told
    assert "report/report.html" in told
    assert f"Gate:    Not promoted: gain over the base.\n         gain over the base {word}: why\n" in told
    assert "%" not in told
