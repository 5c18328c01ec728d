"""What the report says of promotion: in page, Markdown, model card, numbers, and to MLflow."""

import hashlib
import re
from pathlib import Path

import pytest

from components.contracts import write_json
from components.report.__main__ import CARD, MARKDOWN, PAGE, work
from tests.report.made_up import make_run, params, stage_run
from tests.report.made_up_rewards import calibrate_metrics, held

LANGUAGES = ("en", "es", "bn")
GIVEN = params(LANGUAGES, ("es",))


def reported(after: float) -> tuple[dict, list[str]]:
    """Numbers and what was said of a run whose trained system is right with this chance, the base with 0.5."""
    make_run(GIVEN, lambda system, _: after if system == "trained" else 0.5)
    write_json(Path("metrics/calibrate.json"), held(calibrate_metrics(LANGUAGES)))
    run, said = stage_run(GIVEN)
    work(run)
    return run.metrics, said


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def plain(path: Path) -> str:
    """Its text without Markdown's escapes and HTML's tags."""
    return re.sub(r"<[^>]*>", " ", path.read_text("utf-8").replace("\\", ""))


@pytest.mark.slow
def test_what_passes_is_registered_and_said_everywhere():
    metrics, said = reported(after=0.95)
    assert metrics["promoted"] == 1
    assert metrics["promotion"]["passed"]
    assert metrics["promotion"]["adapter_sha256"] == hashlib.sha256(b"weights").hexdigest()
    assert "Promoted: every condition holds." in said
    assert said[-1] == "registered"
    for path in (PAGE, MARKDOWN, CARD):
        assert "Promoted: every condition holds." in plain(path)
        assert "Not promoted" not in plain(path)
        assert "no attack pays in en, es" in plain(path)


@pytest.mark.slow
def test_what_fails_is_named_and_not_registered():
    metrics, said = reported(after=0.2)
    assert metrics["promoted"] == 0
    assert not metrics["promotion"]["passed"]
    assert "registered" not in said
    assert "Not promoted: gain over the base, losses by language." in said
    told = {condition["name"]: condition["told"] for condition in metrics["promotion"]["conditions"]}
    for path in (PAGE, MARKDOWN, CARD):
        text = " ".join(plain(path).split())
        assert "Not promoted: gain over the base, losses by language." in text
        for name in ("gain over the base", "losses by language"):
            assert told[name] in text
    assert "| losses by language | fails | too much lost: es −" in plain(MARKDOWN)
    assert "| attack audit | holds |" in plain(MARKDOWN)
    assert '<td class="words">too much lost' in PAGE.read_text("utf-8")
