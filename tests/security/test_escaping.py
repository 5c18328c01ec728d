"""Whatever stands in a report's text is shown as text."""

from html.parser import HTMLParser
from typing import Any

import pytest

from components.report.as_html import html_page
from components.report.as_markdown import markdown
from components.report.document import Answer, Bullets, Figure, RowGroup, Sample, Samples, Section, Table, Text
from components.report.figures import auc_map

NASTY = [
    "<script>alert(1)</script>", "</script><script>alert(1)</script>", "<!--<script>", "<img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>", "' onfocus=alert(1) autofocus='", "&lt;b&gt;", "$body ${title}", "]]><b>",
    "javascript:alert(1)", "\u2028</title><b>", "```\n<b>\n```",
]  # fmt: skip


DRAWN = {"clippath", "defs", "g", "path", "rect", "style", "svg", "text", "title", "tspan", "use"}
"""Of drawings; formulas between dollars have more of them than words have."""


class Page(HTMLParser):
    """Tags of a page in order, those of its drawings, and names of attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.drawn: set[str] = set()
        self.attributes: set[str] = set()
        self._is_drawing = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_drawing = self._is_drawing or tag == "svg"
        if self._is_drawing:
            self.drawn.add(tag)
        else:
            self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        self._is_drawing = self._is_drawing and tag != "svg"


def everything(text: str) -> list[Section]:
    """`text` at every place that a report has."""
    table = Table([text, text], [RowGroup(text, [[text, text]], [[text, text]])])
    sample = Sample(text, text, text, text, [Answer(text, "wrong", text, text), Answer(text, "right", None, text)])
    figure = Figure(auc_map({text: [0.5]}, [text]), text, table)
    return [
        Section(
            text, [Text(text), Text(text, strong=True), Bullets([text]), table, figure, Samples([sample], [sample])]
        )
    ]


def read(page: str) -> Page:
    found = Page()
    found.feed(page)
    found.close()
    return found


@pytest.mark.parametrize("nasty", NASTY)
def test_a_page_has_no_other_tags_for_it(nasty: str) -> None:
    plain, found = read(html_page("text", everything("text"))), read(html_page(nasty, everything(nasty)))
    assert found.tags == plain.tags
    assert found.drawn <= DRAWN
    assert not [name for name in found.attributes if name.startswith("on")]


@pytest.mark.parametrize("nasty", NASTY)
def test_markdown_has_no_tag_outside_a_fence(nasty: str) -> None:
    fence: Any = None
    for line in markdown(nasty, everything(nasty)).splitlines():
        if fence is None and line.startswith("```"):
            fence = line.removesuffix("text")
        elif fence is not None:
            fence = None if line == fence else fence
        else:
            assert "<" not in line.replace("\\<", "")
    assert fence is None


def test_a_tag_that_is_not_escaped_would_be_seen() -> None:
    page = read(
        html_page("t", [Section("s", [Figure("<svg><script></script></svg><b onclick=x>", "d")])])
    )  # taken as it is
    assert "script" in page.drawn - DRAWN
    assert "b" in page.tags
    assert "onclick" in page.attributes
