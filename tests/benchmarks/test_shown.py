"""What a benchmark's report says of its figures and samples."""

import pytest

from components.benchmarks.shown import sections
from components.benchmarks.summary import summarise
from components.report.as_markdown import markdown
from tests.benchmarks.made_up import grid, made, sample

VERDICTS = {"en": [True] * 6 + [False] * 2, "es": [False] * 7 + [True]}


def report(samples):
    langs = dict.fromkeys(row.lang for row in samples)
    return markdown("T", sections({"made": made(*langs), **summarise(samples)}, samples)).replace("\\", "")


def test_an_excerpt_chosen_by_outcome_says_so():
    text = report([*grid("base", VERDICTS), *grid("rl", VERDICTS | {"en": [True] * 7 + [False]})])
    assert text.index("### 6, English (en)") < text.index("### 0, English (en)"), "the one that changed comes first"
    assert "chosen by outcome: those whose verdict changed from base to rl come first. report.html has all 16." in text
    assert "not chosen by outcome" not in text


def test_an_excerpt_of_the_base_alone_is_the_first():
    text = report(grid("base", VERDICTS))
    assert "The first 5 questions of each language, not chosen by outcome. report.html has all 16." in text
    assert text.index("### 0, English (en)") < text.index("### 4, English (en)")
    assert "### 5, " not in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("langs", "label"),
    [(("en",), "English (en)"), (("en", "es"), "mean of all but English"), (("es",), "mean of all but English")],
)
def test_a_mean_is_labelled_as_what_it_is_of(langs, label):
    own = {lang: VERDICTS[lang] for lang in langs}
    text = report([row for system in ("base", "rl/1", "rl/2") for row in grid(system, own)])
    assert f"over questions and seeds, {label}**" in text
    assert ("mean of all but English" in text) is (label != "English (en)")


def test_english_alone_has_gold():
    text = report(grid("base", {"en": [True, False], "es": [None, None]}))
    assert "mean of all but English" not in text


def test_what_of_several_samples_is_their_mean_and_what_of_the_first_is_said():
    rows = [sample("base", i, "es", k > i % 3, sample=k) for i in range(20) for k in range(4)]
    low, high = summarise(rows)["systems"]["base"]["es"]["bootstrap"]
    text = report(rows)
    assert f"| 51.2 [{100 * low:.0f}, {100 * high:.0f}] |" in text
    assert "means of 4 samples a question, their intervals a bootstrap over questions" in text
    assert "samples a question" not in report(rows[::4])
