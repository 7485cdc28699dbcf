"""A real browser on a real JupyterLab, one of each for all tests of this folder: tests use names of their own."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Playwright,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.ui.lab import Lab

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run")  # fmt: skip
#: the reader's zone isn't the schedule's, so that a test sees which of them a time is in
READER: dict[str, Any] = {"locale": "en-GB", "timezone_id": "Europe/Paris"}
#: seconds; nothing is measured with it
PATIENCE = 240
WIDE: ViewportSize = {"width": 1440, "height": 900}

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture
def jp_asyncio_loop() -> None:
    """Playwright brings a loop of its own; the server is another process."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """Nothing of the server is in this process."""


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(tmp_path_factory.mktemp("lab"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """For pages of people who have never been here."""
    started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
    yield started
    started.close()


@pytest.fixture(scope="package")
def context(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """One person's browser, with a profile on disk: JupyterLab's own code is fetched and compiled once."""
    made = playwright.chromium.launch_persistent_context(
        tmp_path_factory.mktemp("profile"), executable_path=CHROMIUM, args=list(QUIET), viewport=WIDE, **READER
    )
    made.grant_permissions(["clipboard-read", "clipboard-write"])
    made.set_default_timeout(PATIENCE * 1000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab of its own."""
    opened = context.new_page()
    opened.add_locator_handler(opened.get_by_role("dialog", name="Error Loading Theme"), _dismiss)
    yield opened
    opened.close()


def _dismiss(dialog: Locator) -> None:
    """JupyterLab's own word about a stylesheet of its own that came too late, on a machine that has much to do."""
    dialog.get_by_role("button", name="Dismiss").click()
