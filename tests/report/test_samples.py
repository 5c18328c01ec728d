"""The samples: which there are, what training did to each, and how they stand inside a page."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from components.contracts import Prediction, read_table
from components.report.as_html import html_page
from components.report.as_markdown import markdown
from components.report.document import Answer, Sample, Samples, Section
from components.report.inputs import PREDICTIONS, read_inputs
from components.report.samples import samples_of
from components.report.searchable import script_json
from tests.report.made_up import LANGUAGES, Kind, make_run, params

NASTY = "</script><!--<script>alert(1)</script> & \u2028 كم \\u003c"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sample(*verdicts: str, response: str = "r") -> Sample:
    answers = [Answer(f"system {number}", verdict, "1", response) for number, verdict in enumerate(verdicts)]
    return Sample("title", "es", "question", "1", answers)


@pytest.mark.parametrize(
    ("verdicts", "change"),
    [
        (("wrong", "wrong", "right"), "became right"),
        (("right", "wrong", "wrong"), "became wrong"),
        (("right", "wrong", "right"), ""),
        (("not graded", "not graded", "not graded"), ""),
    ],
)
def test_change_is_from_the_first_system_to_the_last(verdicts: tuple[str, ...], change: str) -> None:
    assert sample(*verdicts).change == change


def test_answer_tells_what_was_read_and_how_it_was_judged() -> None:
    assert Answer("base", "right", "12", "r").told == "answers 12, right"
    assert Answer("base", "wrong", None, "r").told == "no answer could be read, wrong"


def test_json_in_a_script_comes_back_whole_and_holds_no_tag() -> None:
    told = script_json([{"text": NASTY}])
    assert "<" not in told
    assert json.loads(told) == [{"text": NASTY}]


def test_page_holds_every_sample_and_markdown_the_excerpt() -> None:
    many = [sample("wrong", "right", response=f"{NASTY} {number}.") for number in range(3)]
    content = [Section("Samples", [Samples(many, many[:1], "The first_one.")])]
    html, text = html_page("T", content), markdown("T", content)
    (data,) = re.findall(r'<script type="application/json" id="samples-data">(.*?)</script>', html, re.DOTALL)
    held = json.loads(data)
    assert [own["answers"][0]["response"] for own in held] == [f"{NASTY} {number}." for number in range(3)]
    assert {own["change"] for own in held} == {"became right"}
    assert "The first\\_one. report.html has all 3." in text
    assert text.count("### title") == 1


def test_every_prediction_is_in_a_sample() -> None:
    make_run(params(), lambda system, _: {"base": 0.3, "warmup": 0.5, "trained": 0.8}[system])
    rows = read_table(PREDICTIONS, Prediction)
    found = samples_of(read_inputs(), LANGUAGES)
    assert Counter(answer.response for own in found.every for answer in own.answers) == Counter(
        row.response for row in rows
    )
    assert {len(own.answers) for own in found.every} == {3}
    assert [own.lang for own in found.every[:5]] == list(LANGUAGES)  # one problem in every language, then the next
    right = {(row.problem_id, row.lang) for row in rows if row.system == "trained" and row.correct}
    before = {(row.problem_id, row.lang) for row in rows if row.system == "base" and row.correct}
    assert sum(own.change == "became right" for own in found.every) == len(right - before) > 0


def test_excerpt_is_the_first_of_a_seen_and_of_an_unseen_family_in_every_language() -> None:
    make_run(params(), lambda *_: 0.5, kind=Kind(is_unseen=lambda number: number == 2))
    found = samples_of(read_inputs(), ["en", "es"])
    assert "not chosen by outcome" in found.chosen
    titles = [own.title for own in found.excerpt]
    assert titles == [
        "English (en), problem p0, family seen in training",
        "English (en), problem p2, family only in test",
        "Spanish (es), problem p0, family seen in training",
        "Spanish (es), problem p2, family only in test",
    ]
