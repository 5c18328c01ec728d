"""The page and the Markdown of a made-up run: whole, in words that are true, and nothing in them acts as markup."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from components.report.__main__ import MARKDOWN, PAGE
from components.report.as_markdown import markdown
from components.report.document import Answer, Sample, Samples, Section, shown
from components.report.words import gain_cell, language_name, percent, points
from tests.report.made_up import Kind
from tests.report.reported import better, made, report

VOID = {"meta", "link", "br", "hr", "img"}


class Page(HTMLParser):
    """Tags as they nest, attributes and visible text; a tag that closes nothing fails."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def same(system: str, lang: str) -> float:  # noqa: ARG001
    return 0.5


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_page_is_whole_and_needs_nothing_else() -> None:
    _, files = made()
    html, text = files[PAGE].decode(), files[MARKDOWN].decode()
    page = Page()
    page.feed(html)
    page.close()
    assert page.open == []
    assert {"svg", "table", "select"} <= page.tags
    assert not {"link", "img", "iframe", "a"} & page.tags
    assert "http://" not in html
    assert "https://" not in html
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert all((value or "").startswith("#") for name, value in page.attributes if name in ("href", "src"))
    ids = {value for name, value in page.attributes if name == "id"}
    assert {value[1:] for name, value in page.attributes if name == "href" and value} <= ids
    for words in ("self-pivot", "one seed", "Bengali (bn) †", "never trained", "million parameters"):
        assert words in page.text, words
        assert words in text.replace("\\", ""), words


@pytest.mark.slow
def test_same_inputs_give_the_same_files() -> None:
    first, second = made(), made()
    assert first == second
    assert {PAGE, MARKDOWN} <= first[1].keys()


def test_responses_cannot_act_as_markup() -> None:
    nasty = "<b>bold</b><script>alert(1)</script>\n```\n# heading\n| a | b |\n````\x00\x1b[31m & done {answer}"
    _, html, text = report(response=nasty)
    page = Page()
    page.feed(html)
    page.close()
    assert "b" not in page.tags
    assert page.open == []
    assert html.count("<script") == 2  # the page's own, and the samples' JSON
    assert "\\u003cb>bold\\u003c/b>\\u003cscript>alert(1)\\u003c/script>" in html
    assert "\x00" not in html + text
    assert "\x1b" not in html + text
    assert "`````text\n<b>bold</b>" in text  # a fence longer than any in the response


def test_markdown_escapes_what_is_not_fenced() -> None:
    sample = Sample("a|b *c*", "en", "q", "<i>", [Answer("[x](javascript:y)", "wrong", None, "r")])
    text = markdown("T", [Section("S", [Samples([sample], [sample])])])
    assert "### a\\|b \\*c\\*" in text
    assert "**\\<i\\>**" in text
    assert "[x\\](javascript:y)" in text


def test_gain_is_told_with_its_parts() -> None:
    metrics, html, _ = report(better)
    gain = metrics["macro"]["all_but_english"]["gain"]
    assert gain["low"] > 0
    assert "Training raised accuracy over the 4 languages other than English" in html
    assert f"{points(gain['low'])} to {points(gain['high'])}" in html
    assert "No gain shown" not in html
    assert "warm-up on English references gave +" in html


def test_no_gain_is_told_as_none() -> None:
    metrics, html, text = report(same)
    assert metrics["macro"]["all_but_english"]["gain"] == {"mean": 0, "low": 0, "high": 0}
    assert "No gain shown: accuracy over the 4 languages other than English" in html
    assert "Training raised" not in html + text
    assert "no effect shown" in html


def test_loss_is_told_as_loss() -> None:
    _, html, _ = report(lambda system, lang: 1 - better(system, lang))
    assert "Training lowered accuracy" in html


def test_samples_show_the_choices() -> None:
    _, html, text = report(kind=Kind(choices=("12", "7")))
    for page in (html, text):
        assert "How many are 0 and 2? (es) (A) 12 (B) 7" in page
    assert "answers A, right" in html


def test_responses_are_told_by_measure_language_and_system() -> None:
    _, html, text = report()
    for page in (html, text):
        for title in ("right and in the language", "words in the language", "cut off", "no answer could be read"):
            assert title in page
    told = text[text.index("**right and in the language**") : text.index("**words in the language**")]
    assert "| Thai (th) | 40 | 40 | 40 |" in told
    assert "| mean without English | 40 | 40 | 40 |" in told


def test_report_tells_how_to_compare_arms_and_where_seconds_are() -> None:
    _, html, text = report()
    for page in (html, text):
        assert "make compare trains those that params.yaml lists" in page
        assert "pb-rlsvr repro prints them at its end" in page


def test_numbers_as_a_person_reads_them() -> None:
    assert (percent(0.479), percent(None), points(0.067), points(-0.02), points(-0.0001)) == (
        "47.9", "–", "+6.7", "−2.0", "0.0",
    )  # fmt: skip
    assert gain_cell({"mean": 0.1, "low": 0.05, "high": 0.15}) == "+10.0 [+5.0, +15.0] ▲"
    assert gain_cell({"mean": -0.1, "low": -0.15, "high": -0.05}) == "−10.0 [−15.0, −5.0] ▼"
    assert gain_cell({"mean": 0.0, "low": -0.1, "high": 0.1}) == "0.0 [−10.0, +10.0]"


def test_languages_are_named_also_where_our_table_lacks_them() -> None:
    assert [language_name(code) for code in ("sw", "bn", "pt-BR", "qu", "wo", "xx")] == [
        "Swahili (sw)", "Bengali (bn)", "Portuguese (pt-BR)", "Quechua (qu)", "Wolof (wo)", "xx",
    ]  # fmt: skip


def test_shown_text_keeps_joiners_and_cuts_the_endless() -> None:
    assert shown("ক্\u200cষ\r\nb\x07") == "ক্\u200cষ\nb\ufffd"
    assert shown("a" * 2000).endswith("… (800 more characters)")
