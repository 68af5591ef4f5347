"""A browser that is installed, for tests of the report's page."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
"""A browser in a container that asks the network for nothing."""

needs_browser = pytest.mark.skipif(not BROWSER, reason="no chromium, chromium-browser or google-chrome on PATH")


@contextmanager
def started() -> Iterator[Browser]:
    """Playwright's event loop runs as long, so no longer than a module of tests: others have loops of their own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=list(QUIET))
        try:
            yield browser
        finally:
            browser.close()
