"""The page that `pb-rlsvr evaluate` writes, in headless Chromium: samples that try to break it, and long names."""

from contextlib import chdir
from pathlib import Path

import pytest

from components.benchmarks.run import write_results
from components.benchmarks.summary import summarise
from tests.benchmarks.made_up import made, sample
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

LANGUAGES = ("en", "ar", "zh", "es")
NASTY = {("0", "en"): SCRIPT, ("0", "ar"): ARABIC, ("0", "zh"): CHINESE, ("0", "es"): ENDLESS}
NUM_RIGHT = {"base": {"en": 6, "ar": 2, "zh": 4, "es": 3}, "rl/1": {"en": 6, "ar": 5, "zh": 1, "es": 7}}
NUM_PROBLEMS = 8
MODEL = "/home/somebody/models/" + "a-name-without-any-end-" * 12


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of 8 questions in 4 languages, asked of the base and of two seeds of a training."""
    right = NUM_RIGHT | {"rl/2": NUM_RIGHT["rl/1"]}
    samples = [
        sample(
            system, number, lang, number < own[lang],
            response=NASTY.get((str(number), lang), f"It is {number}."), question=f"How many? {SCRIPT}",
        )
        for system, own in right.items() for lang in LANGUAGES for number in range(NUM_PROBLEMS)
    ]  # fmt: skip
    folder = tmp_path_factory.mktemp("benchmark")
    with chdir(folder):
        write_results(Path("out"), {"made": made(*LANGUAGES, model=MODEL), **summarise(samples)}, samples)
    return (folder / "out/report.html").as_uri()


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_is_wider_than_the_window(page, url: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(url)
    assert num_outside(page, width) == 0
    assert page.locator(BLOCKS).count() > 50


def test_languages_are_sorted_within_each_system(page, url: str) -> None:
    page.goto(url)
    table = page.locator("table").first
    assert [name.split()[0] for name in cells(table, 0, 0)] == ["English", "Arabic", "Chinese", "Spanish", "mean"]
    table.get_by_role("button", name="accuracy, % [95 %]").click()
    assert [name.split()[0] for name in cells(table, 0, 0)] == ["Arabic", "Spanish", "Chinese", "English", "mean"]
    assert [name.split()[0] for name in cells(table, 1, 0)] == ["Chinese", "Arabic", "English", "Spanish", "mean"]


def test_samples_are_found_by_language_system_verdict_and_change(page, url: str) -> None:
    page.goto(url)
    assert choose(page) == NUM_PROBLEMS * len(LANGUAGES)
    assert choose(page, lang="ar") == NUM_PROBLEMS
    assert choose(page, lang="ar", who="base", verdict="right") == 2
    assert choose(page, lang="zh", who="rl/1", verdict="wrong") == 7
    assert choose(page, lang="ar", change="became right") == 3
    assert choose(page, lang="zh", change="became wrong") == 3
    assert page.locator("article").count() == 3
    assert page.locator("article").first.locator("pre").count() == 3


def test_markup_in_questions_and_responses_is_shown_as_text(page, url: str) -> None:
    page.goto(url)
    check_markup_is_text(page)


@pytest.mark.parametrize(("lang", "text", "direction"), [("ar", ARABIC, "rtl"), ("zh", CHINESE, "ltr")])
def test_text_runs_in_its_own_direction(page, url: str, lang: str, text: str, direction: str) -> None:
    page.goto(url)
    choose(page, lang=lang)
    response = page.locator("article pre").first
    assert response.inner_text() == text
    assert response.get_attribute("lang") == lang
    assert response.evaluate("one => getComputedStyle(one).direction") == direction
