"""What tests do with a page, and responses that try to break it."""

import re

SCRIPT = "<script>alert(1)</script></script><img src=x onerror=alert(2)><b>bold</b>"
ARABIC, CHINESE = "الجواب هو 12", "答案是12。"
ENDLESS = "x" * 900
BLOCKS = "h1, h2, h3, p, li, figcaption, form, article, pre, .wide"


def cells(table, group: int, column: int) -> list[str]:
    """Of one column of a group of rows."""
    rows = table.locator("tbody").nth(group).locator("tr:not(.group)")
    return [row.locator("th, td").nth(column).inner_text() for row in rows.all()]


def choose(page, **choices: str) -> int:
    """Set these controls, the others to `any`; how many questions are then found."""
    for name in ("lang", "who", "verdict", "change"):
        page.locator(f"select[name={name}]").select_option(choices.get(name, ""))
    return int(re.match(r"\d+", page.get_by_role("status").inner_text())[0])


def check_markup_is_text(page) -> None:
    """The first question in English and a response to it are `SCRIPT`."""
    choose(page, lang="en")
    article = page.locator("article").first
    assert article.locator("pre").first.inner_text() == SCRIPT
    assert article.locator("p").first.inner_text().endswith(SCRIPT)
    assert page.locator("#samples").locator("script, img, b").count() == 0


def num_outside(page, width: int) -> int:
    """Blocks that reach beyond a window of this width; what is hidden is opened first."""
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = "all => all.filter(one => one.getBoundingClientRect().right > innerWidth + 0.5).length"
    return page.locator(BLOCKS).evaluate_all(outside)
