"""The whole way without a mouse: schedule, see the result, change the time, pause, delete."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import CHROMIUM
from tests.ui.lab import Lab
from tests.ui.walk import panel

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
]

HELLO = "from pathlib import Path\nPath('output').mkdir(exist_ok=True)\nPath('output/hello.txt').write_text('hello')"
#: stops on the way to what is looked for, in a list of all that was scheduled before
MOST = 200
_FOCUSED = """() => {
  const at = document.activeElement;
  return at.closest('.jp-Schedule') ? (at.getAttribute('aria-label') ?? at.textContent).trim() : null;
}"""


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has the focus is so named; fail when the panel is left before."""
    passed = []
    for _ in range(MOST):
        page.keyboard.press("Tab")
        here = page.evaluate(_FOCUSED)
        if here is not None and re.search(name, here):
            return
        passed.append(here)
        assert here is not None, f"Tab left the panel on the way to {name}: {passed}"
    raise AssertionError(f"Tab never came to {name}: {passed}")


def settled(page: Page) -> None:
    """Wait until the notebook takes the focus no more."""
    expect(page.get_by_role("button", name="Schedule this analysis").first).to_be_visible()
    expect(page.get_by_text("| Idle")).to_be_visible()


def palette(page: Page, command: str) -> None:
    page.keyboard.press("Control+Shift+C")
    expect(page.locator(".lm-CommandPalette-input")).to_be_focused()
    page.keyboard.type(command)
    expect(page.locator(".lm-CommandPalette-item.lm-mod-active")).to_contain_text(command)
    page.keyboard.press("Enter")


def test_without_a_mouse_one_schedules_sees_the_result_changes_the_time_pauses_and_deletes(
    lab: Lab, page: Page
) -> None:
    lab.notebook("keys/keyboard.ipynb", HELLO)
    page.goto(lab.address("keys/keyboard.ipynb"))
    settled(page)
    here = panel(page)

    palette(page, "Schedule this analysis")
    expect(here.get_by_label("Job name")).to_be_focused()
    expect(here.get_by_text(re.compile("^Runs every day"))).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(here.get_by_role("heading", name=re.compile("^Succeeded in"))).to_be_visible()
    tab_to(page, "^Open result$")
    page.keyboard.press("Enter")
    expect(page.get_by_role("tab", name=re.compile("^keyboard · "))).to_be_visible()

    palette(page, "Show schedules")
    expect(here.get_by_role("link", name="keyboard", exact=True)).to_be_visible()
    tab_to(page, "^keyboard$")
    page.keyboard.press("Enter")
    expect(here.get_by_role("heading", name="keyboard")).to_be_visible()
    tab_to(page, "^Time of day")
    page.keyboard.press("Enter")
    page.keyboard.type("06:30")
    page.keyboard.press("Enter")
    expect(here.get_by_role("button", name=re.compile("^Time of day .*06:30"))).to_be_focused()

    tab_to(page, "^Pause$")
    page.keyboard.press("Enter")
    expect(here.get_by_text(re.compile("^Paused by you"))).to_be_visible()
    tab_to(page, "^Undo$")
    page.keyboard.press("Enter")
    expect(here.get_by_text(re.compile("^Runs every day at 06:30 UTC|^Runs every day at"))).to_be_visible()

    palette(page, "Show schedules")
    expect(here.get_by_role("link", name="keyboard", exact=True)).to_be_visible()
    tab_to(page, "^keyboard$")
    page.keyboard.press(".")
    expect(here.get_by_role("menuitem", name="Run now")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(here.get_by_role("menuitem", name="Delete")).to_be_focused()
    page.keyboard.press("Enter")
    expect(here.get_by_role("link", name="keyboard", exact=True)).to_have_count(0)
    tab_to(page, "^Undo$")
    page.keyboard.press("Enter")
    expect(here.get_by_role("link", name="keyboard", exact=True)).to_be_visible()


@pytest.mark.proof("browsers")
def test_the_form_is_walked_with_its_errors_its_sheet_and_its_fold(lab: Lab, page: Page) -> None:
    lab.notebook("keys/fields.ipynb", HELLO)
    page.goto(lab.address("keys/fields.ipynb"))
    settled(page)
    here = panel(page)
    palette(page, "Schedule this analysis")
    expect(here.get_by_text(re.compile("^Runs every day"))).to_be_visible()

    page.keyboard.press("Tab")
    expect(here.get_by_label("Schedule frequency")).to_be_focused()
    page.keyboard.type("Weekly")
    tab_to(page, "^Use my time zone$")
    page.keyboard.press("Shift+Tab")
    expect(here.get_by_label("Time of day")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("25")
    tab_to(page, "^Review files$")
    page.keyboard.press("Enter")
    expect(here.get_by_label("Add a file, folder or pattern")).to_be_focused()
    page.keyboard.press("Escape")
    expect(here.get_by_role("button", name="Review files")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(here.get_by_label("Time of day")).to_be_focused()
    expect(here.get_by_text(re.compile("isn't a time of day"))).to_be_visible()
    page.keyboard.press("Control+A")
    page.keyboard.type("6:30")
    tab_to(page, "^More options")
    page.keyboard.press("Enter")
    expect(here.get_by_label("Job timeout (minutes)")).to_be_visible()
    tab_to(page, "^Run once only$")
