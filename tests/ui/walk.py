"""From view to view, by the links and buttons that a person has."""

import re

from playwright.sync_api import Locator, Page, expect


def panel(page: Page) -> Locator:
    """The panel, wherever it is."""
    return page.locator("#jupyter-schedule-panel .jp-Schedule")


def open_form(page: Page) -> Locator:
    """The form of the open notebook, when it says what will happen."""
    page.get_by_role("button", name="Schedule this analysis").first.click()
    expect(panel(page).get_by_text(re.compile("^Runs every day at 12:00 UTC, next"))).to_be_visible()
    return panel(page)


def press_schedule(page: Page) -> None:
    """The button that saves."""
    panel(page).get_by_role("button", name="Schedule", exact=True).click()
