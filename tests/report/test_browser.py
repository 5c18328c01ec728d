"""The page in headless Chromium, as a person sees and uses it."""

import re
from contextlib import chdir
from pathlib import Path
from typing import NamedTuple

import pytest

from components.contracts import Prediction, Question, read_records, read_table, write_records, write_table
from components.report.__main__ import PAGE, work
from components.report.as_html import html_page
from components.report.document import RowGroup, Section, Table
from components.report.inputs import PREDICTIONS, TEST
from tests.report.made_up import make_run, params, stage_run
from tests.report.pages import (
    ARABIC,
    BLOCKS,
    CHINESE,
    ENDLESS,
    SCRIPT,
    cells,
    check_markup_is_text,
    choose,
    num_outside,
)

pytestmark = pytest.mark.slow

CHANCES = {"en": 0.9, "es": 1.0, "de": 0.05, "th": 0.3, "bn": 0.6}


class Report(NamedTuple):
    """A report on disk and the rows that it was made from."""

    url: str
    rows: list[Prediction]

    def questions(self, system: str, correct: bool) -> set[tuple[str, str]]:
        return {(r.problem_id, r.lang) for r in self.rows if r.system == system and r.correct is correct}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Of 40 problems in 5 languages, with responses that try to break the page."""
    folder = tmp_path_factory.mktemp("report")
    nasty = {("p0", "en"): SCRIPT, ("p0", "es"): ARABIC, ("p0", "de"): CHINESE, ("p0", "th"): ENDLESS}
    with chdir(folder):
        given = params()
        make_run(given, lambda system, lang: CHANCES[lang] if system == "trained" else 0.5)
        rows = [
            row.model_copy(update={"response": nasty.get((row.problem_id, row.lang), row.response)})
            for row in read_table(PREDICTIONS, Prediction)
        ]
        write_table(PREDICTIONS, rows, Prediction)
        questions = [q.model_copy(update={"question": f"{q.question} {SCRIPT}"}) for q in read_records(TEST, Question)]
        write_records(TEST, questions)
        run, _ = stage_run(given)
        work(run)
    return Report((folder / PAGE).as_uri(), rows)


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_is_wider_than_the_window(page, report: Report, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(report.url)
    assert num_outside(page, width) == 0
    assert page.locator(BLOCKS).count() > 100


def test_columns_are_sorted_as_numbers_within_their_group(page, tmp_path: Path) -> None:
    values = ["9.5 [1, 20]", "–", "−10.0 [−20, 1]", "1,000", "+10.0 ▲"]
    rows = [[name, value] for name, value in zip("cabed", values, strict=True)]
    table = Table(("name", "value"), [RowGroup("first", rows, [["mean", "0"]]), RowGroup("second", [["x", "2"]])])
    file = tmp_path / "page.html"
    file.write_text(html_page("T", [Section("S", [table])]), encoding="utf-8")
    page.goto(file.as_uri())
    shown, head = page.locator("table"), page.locator("thead th").nth(1)
    button = head.get_by_role("button")
    button.click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert cells(shown, 0, 1) == ["−10.0 [−20, 1]", "9.5 [1, 20]", "+10.0 ▲", "1,000", "–", "0"]
    button.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert cells(shown, 0, 1) == ["1,000", "+10.0 ▲", "9.5 [1, 20]", "−10.0 [−20, 1]", "–", "0"]
    button.press("Space")
    assert head.get_attribute("aria-sort") is None
    assert cells(shown, 0, 1) == [*values, "0"]
    page.locator("thead button").first.click()
    assert cells(shown, 0, 0) == ["a", "b", "c", "d", "e", "mean"]
    assert cells(shown, 1, 0) == ["x"]


def test_languages_are_sorted_by_accuracy(page, report: Report) -> None:
    page.goto(report.url)
    table = page.locator("table").first
    assert [name.split()[0] for name in cells(table, 0, 0)] == ["Spanish", "German", "mean"]
    table.get_by_role("button", name="trained").click()
    assert [name.split()[0] for name in cells(table, 0, 0)] == ["German", "Spanish", "mean"]


def test_samples_are_found_by_language_verdict_and_change(page, report: Report) -> None:
    page.goto(report.url)
    right, wrong = report.questions("trained", True), report.questions("trained", False)
    before = report.questions("base", True)
    assert choose(page) == 200
    assert choose(page, who="trained", verdict="right") == len(right)
    assert choose(page, who="trained", verdict="wrong") == len(wrong)
    assert choose(page, verdict="not graded") == 0
    assert page.locator("article").count() == 0
    assert choose(page, change="became") == len(right ^ before) > 0
    assert choose(page, change="became right") == len(right - before) > 0
    became_wrong = {problem for problem, lang in before - right if lang == "de"}
    assert choose(page, lang="de", change="became wrong") == len(became_wrong) > 0
    titles = page.locator("article h3").all_inner_texts()
    assert {re.search(r"problem (p\d+)", title)[1] for title in titles} == became_wrong
    assert all(title.startswith("German (de)") and title.endswith(": became wrong") for title in titles)


def test_a_system_alone_is_shown_alone(page, report: Report) -> None:
    page.goto(report.url)
    choose(page, lang="es", who="after warm-up")
    assert page.locator("article").first.locator("pre").count() == 1
    assert page.locator("article .who").first.inner_text().startswith("after warm-up: answers ")
    choose(page, lang="es")
    assert page.locator("article").first.locator("pre").count() == 3


def test_more_samples_are_shown_when_asked_for(page, report: Report) -> None:
    page.goto(report.url)
    more = page.get_by_role("button", name="Show 50 more")
    for shown in (50, 100, 150):
        assert page.locator("article").count() == shown
        more.click()
    assert page.locator("article").count() == 200
    assert not more.is_visible()
    choose(page, lang="es")
    assert page.locator("article").count() == 40


def test_markup_in_questions_and_responses_is_shown_as_text(page, report: Report) -> None:
    page.goto(report.url)
    check_markup_is_text(page)


@pytest.mark.parametrize(("lang", "text", "direction"), [("es", ARABIC, "rtl"), ("de", CHINESE, "ltr")])
def test_text_runs_in_its_own_direction(page, report: Report, lang: str, text: str, direction: str) -> None:
    page.goto(report.url)
    choose(page, lang=lang)
    response = page.locator("article pre").first
    assert response.inner_text() == text
    assert response.get_attribute("lang") == lang
    assert response.evaluate("one => getComputedStyle(one).direction") == direction
