"""Headless Chromium for the tests that look at a page as a person does."""

import shutil
from collections.abc import Iterator

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium: apt-get install chromium")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])  # CI is root
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser) -> Iterator:
    """A page; at its end: no error, no message in the console, no dialog, nothing fetched but the file."""
    opened, seen = browser.new_page(viewport={"width": 1440, "height": 1000}), []
    opened.on("console", lambda message: seen.append(f"console {message.type}: {message.text}"))
    opened.on("pageerror", lambda error: seen.append(f"error: {error}"))
    opened.on("dialog", lambda dialog: (seen.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    opened.on("request", lambda request: None if is_document(request) else seen.append(f"fetched: {request.url}"))
    yield opened
    opened.close()
    assert seen == []


def is_document(request) -> bool:
    return request.is_navigation_request() and request.url.startswith("file:")
