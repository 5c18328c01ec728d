"""The sections on rewards, attacks and the audit, from figures that the stages' own code has made."""

import copy
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from components.attacks import ATTACKS
from components.contracts import PipelineError, write_json
from components.report.__main__ import MARKDOWN, PAGE, work
from components.report.as_html import html_page
from components.report.as_markdown import markdown
from components.report.attacks import _honest
from components.report.document import Figure, Table, Text
from components.report.figures import auc_map, reliability_plot
from components.report.rewards import reward_sections
from components.report.words import MISSING, auc_cell, verdict_sentence
from tests.architecture.imports import ROOT
from tests.report.made_up import make_run, params, stage_run
from tests.report.made_up_rewards import audit_metrics, calibrate_metrics, held

pytestmark = pytest.mark.slow

LANGUAGES = ("en", "es", "bn")
PARAMS = params(LANGUAGES, ("es",))


def told(calibrate, audit=None):
    """Blocks by section."""
    found = reward_sections(calibrate, audit or audit_metrics(LANGUAGES), PARAMS)
    return {section.title: section.blocks for section in found}


def tables(blocks):
    return [block for block in blocks if isinstance(block, Table)]


def words(blocks):
    return " ".join(block.text for block in blocks if isinstance(block, Text))


def rows_of(group):
    return {row[0]: row[1:] for row in group.rows}


@pytest.fixture
def calibrate():
    return copy.deepcopy(calibrate_metrics(LANGUAGES))


def test_every_reward_stands_with_its_figures_against_each_label(calibrate):
    blocks = told(calibrate)["What each reward tells apart"]
    figures = tables(blocks)[0]
    assert [group.title.split(",")[0] for group in figures.groups] == [
        "against the vote of the pivot's half B", "against the English gold",
    ]  # fmt: skip
    for group, label in zip(figures.groups, calibrate["labels"].values(), strict=True):
        rows = rows_of(group)
        assert [*rows] == [*label["rewards"], "answer only, two levels"]
        pooled = label["rewards"]["calibrated"]["pooled"]
        assert rows["calibrated"][1] == f"{pooled['auc']:.2f} [{pooled['auc_low']:.2f}, {pooled['auc_high']:.2f}]"
        assert rows["calibrated"][2:5] == [f"{pooled[key]:.3f}" for key in ("ece", "brier", "log_loss")]
        # 12 problems, 3 responses; the embedding is not used in the language that the encoder does not declare
        assert (rows["answer"][5], rows["embedding"][5]) == ("108", "72")
        assert rows["answer"][6] == f"{calibrate['cost_s_per_1000']['answer']:.1f}"
        assert rows["answer only, two levels"][2:5] == [
            f"{label['answer_only'][key]:.3f}" for key in ("ece", "brier", "log_loss")
        ]
    assert "hybrid_hidden and calibrated_hidden look at no answer" in words(blocks)


def test_the_map_has_a_number_a_reward_and_language(calibrate):
    blocks = told(calibrate)["What each reward tells apart"]
    drawn, _ = (block for block in blocks if isinstance(block, Figure))
    assert drawn.numbers.header == ("reward", "en", "es", "bn †")
    rows = rows_of(drawn.numbers.groups[0])
    gold = calibrate["labels"]["gold"]["rewards"]
    assert rows["embedding"] == [f"{gold['embedding']['languages'][lang]['auc']:.2f}" for lang in ("en", "es")] + ["–"]
    assert all(number in drawn.svg for row in rows.values() for number in row)
    assert "bn †" in drawn.svg
    assert "does not declare" in words(blocks)
    sections = [*reward_sections(calibrate, audit_metrics(LANGUAGES), PARAMS)]
    assert "<details><summary>As a table</summary>" in html_page("T", sections)
    assert "| reward | en | es | bn † |" in markdown("T", sections)


def test_drawings_are_plain_svg_in_the_pages_colour():
    bins = calibrate_metrics(LANGUAGES)["labels"]["gold"]["rewards"]["calibrated"]["reliability"]
    for svg in (auc_map({"a": [0.9, None], "b": [0.1, 0.5]}, ["en", "es"]), reliability_plot({"calibrated": bins})):
        ET.fromstring(svg)  # noqa: S314 - our own
        assert "currentColor" in svg
        assert not re.search(r"<image|<script|#010203|#000000|https?:", svg)
        text = re.sub(r"<[^>]+>", " ", svg)
        assert "calibrated" in text or {"0.90", "0.10", "0.50", MISSING} <= set(text.split())


def test_weights_and_why_there_are_none(calibrate):
    (table,) = tables(told(calibrate)["Weights of the hybrid"])
    assert rows_of(table.groups[0]).keys() == calibrate["weights"]["by_term"].keys()
    assert "12 questions against the vote of the pivot's half B" in words(told(calibrate)["Weights of the hybrid"])
    calibrate["weights"] = {"status": "not identifiable: no response has a label"}
    blocks = told(calibrate)["Weights of the hybrid"]
    assert words(blocks) == "Not identifiable: no response has a label. The hybrid keeps its fixed weights."
    assert not tables(blocks)


def test_a_change_that_training_would_not_notice_is_warned_of(calibrate):
    title = "What another form of a reward changes in training"
    (table,) = tables(told(calibrate)[title])
    assert [(group.title, len(group.rows)) for group in table.groups] == [("embedding", 2), ("hybrid", 3)]
    # groups of three are raw rewards minus one constant: the same advantages
    warned = words(told(calibrate)[title])
    assert "Warning: embedding minus its language's mean is a no-op" in warned
    assert "Warning: hybrid calibrated" not in warned
    calibrate["advantages"] = {}
    assert words(told(calibrate)[title]).startswith("Cannot be told")


def test_attacks_by_language_and_what_was_left_out(calibrate):
    blocks = told(calibrate)["Attacks on the reward"]
    shown, hidden = tables(blocks)
    assert shown.header == hidden.header == ("attack", "en", "es", "bn †")
    assert sum(len(group.rows) for group in shown.groups[:-1]) == len(shown.groups[-1].rows) == len(ATTACKS)
    wrong, hollow = rows_of(shown.groups[0]), rows_of(shown.groups[1])
    assert wrong["final_number"] == ["100", "100", "100"]  # the reward is the answer's equality
    assert hollow["filler"] == ["0 ✗", "0 ✗", "0 ✗"]
    assert rows_of(shown.groups[2])["zero_width"] == ["100", "100", "100"]
    assert rows_of(shown.groups[-1])["final_number"] == ["+1.00"] * 3
    assert rows_of(hidden.groups[0])["final_number"] != ["100"] * 3
    assert f"each of {calibrate['num_honest']} honest responses" in words(blocks)
    assert "their reference is wrong: 1." in words(blocks)


def test_responses_that_could_not_be_attacked_are_counted() -> None:
    told = "Right responses left out because they are not read as their reference's answer: 3."
    calibrate = calibrate_metrics(("en", "es"), True)
    assert told not in _honest(calibrate)
    assert told in _honest(calibrate | {"num_misread": 3})


@pytest.mark.parametrize("missing", [(), ("num_honest", "num_wrong_references")])
def test_no_honest_responses_are_told(missing):
    calibrate = copy.deepcopy(calibrate_metrics(LANGUAGES, attacked=False))
    for key in missing:
        del calibrate[key]
    blocks = told(calibrate)["Attacks on the reward"]
    assert "The reward was not attacked: there are no honest responses" in words(blocks)
    assert not tables(blocks)


def test_before_and_after_stand_side_by_side(calibrate):
    after = audit_metrics(LANGUAGES)
    _, table, note = told(calibrate, after)["Does the calibration hold after training?"]
    rows = rows_of(table.groups[0])
    old, new = (found["labels"]["gold"]["rewards"]["calibrated"]["pooled"] for found in (calibrate, after))
    assert rows["calibrated"] == [auc_cell(old), auc_cell(new), f"{old['ece']:.3f}", f"{new['ece']:.3f}"]
    assert rows["calibrated_hidden"][1::2] == [MISSING, MISSING]  # the audit measures the one that was kept
    assert "calibration from before" in note.text


def test_without_gold_the_vote_is_used_and_nothing_passes():
    calibrate, after = calibrate_metrics(LANGUAGES, graded=False), audit_metrics(LANGUAGES, graded=False)
    verdict, table, _ = told(calibrate, after)["Does the calibration hold after training?"]
    assert verdict.text.startswith("Unverified")
    assert "half B" in table.groups[0].title
    found = told(calibrate, after)["What each reward tells apart"]
    assert "108 responses have no gold" in words(found)


def test_no_labels_at_all_and_figures_that_nobody_could_measure(calibrate):
    figures = calibrate["labels"]["gold"]["rewards"]["answer"]
    figures["pooled"] = {**dict.fromkeys(figures["pooled"]), "n": 0}
    figures["auc_macro"], figures["reliability"] = None, []
    figures["languages"] = {lang: dict.fromkeys(own) for lang, own in figures["languages"].items()}
    rows = rows_of(tables(told(calibrate)["What each reward tells apart"])[0].groups[1])
    assert rows["answer"][:6] == [MISSING] * 5 + ["0"]
    calibrate["labels"] = {}
    found = told(calibrate)
    assert "no kind of label knows both" in words(found["What each reward tells apart"])
    assert "nothing to compare" in words(found["Does the calibration hold after training?"])


@pytest.mark.parametrize(
    ("verdict", "start"),
    [("passed", "The audit passed:"), ("failed", "The audit failed:"), ("unverified", "Unverified:")],
)
def test_verdicts_in_words(verdict, start):
    assert verdict_sentence({"verdict": verdict, "reasons": []}).startswith(start)
    assert verdict_sentence({"verdict": verdict, "reasons": ["one", "two"]}).endswith(": one; two.")


def failed_run(strict: bool):
    given = params(LANGUAGES, ("es",))
    given = given.model_copy(update={"gate": given.gate.model_copy(update={"strict": strict})})
    make_run(given, lambda *_: 0.5)
    write_json(Path("metrics/audit.json"), audit_metrics(LANGUAGES, strength=-0.2))
    return given


def test_a_failed_audit_is_in_the_headline_and_ends_nothing_unless_strict(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run, said = stage_run(failed_run(strict=False))
    work(run)
    assert (run.metrics["promoted"], run.metrics["audit_verdict"]) == (0, "failed")
    assert '<p class="strong">Not promoted: ' in PAGE.read_text("utf-8").split("</section>")[0]
    assert "**Not promoted: " in MARKDOWN.read_text("utf-8")
    assert any(line.startswith("Not promoted: ") for line in said)
    run, _ = stage_run(failed_run(strict=True))
    with pytest.raises(PipelineError) as caught:
        work(run)
    first, *failures = str(caught.value).splitlines()
    assert re.match(r"Not promoted: .*transport audit\. `gate\.strict` makes this an error", first)
    assert any(re.match("transport audit fails: .*AUC of embedding fell", line) for line in failures)


def test_a_strict_gate_lets_pass_what_has_not_failed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = failed_run(strict=True)
    make_run(given, lambda system, _: 0.9 if system == "trained" else 0.3)
    write_json(Path("metrics/calibrate.json"), held(calibrate_metrics(LANGUAGES)))
    run, said = stage_run(given)
    for graded, start in ((True, "Promoted: "), (False, "Not promoted: transport audit.")):
        write_json(Path("metrics/audit.json"), audit_metrics(LANGUAGES, graded=graded))
        work(run)
        assert any(line.startswith(start) for line in said)
    assert run.metrics["promoted"] is None
    assert said.count("registered") == 1


def test_the_strict_gate_ends_the_real_stage_after_all_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = failed_run(strict=True)
    shutil.copy(ROOT / "dvc.yaml", "dvc.yaml")
    Path("params.yaml").write_text(yaml.safe_dump(given.model_dump(mode="json")), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "components.report"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.startswith("pb-rlsvr report: ")]
    assert lines[0].startswith("pb-rlsvr report: Not promoted: ")
    assert lines[-1].startswith("pb-rlsvr report: transport audit fails: ")
    told = json.loads(Path("metrics/report.json").read_text())
    assert (told["promoted"], told["audit_verdict"]) == (0, "failed")
    assert all(path.exists() for path in (Path("runs/report.json"), PAGE, MARKDOWN))
