"""A notebook that goes on after it was scheduled: said, shown, taken, and taken back."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import CHROMIUM
from tests.ui.lab import Lab
from tests.ui.test_keyboard import palette, tab_to
from tests.ui.walk import panel

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
]

WORDS = re.compile("^The notebook has changed since it was scheduled: 1 cell differs.")
#: what a notebook would do to the page if any of it were drawn as more than text
PAYLOAD = "x = '<img src=x onerror=\"window.broken=1\"><script>window.broken=1</script>'"


def test_an_edit_that_is_saved_is_said_shown_taken_by_one_click_and_rolled_back_by_another(
    lab: Lab, page: Page
) -> None:
    lab.notebook("drift.ipynb", "rides = 1")
    lab.schedule("drift.ipynb")
    here = panel(page)
    page.goto(lab.link("schedule/drift"))
    expect(here.get_by_text("The notebook is as it was scheduled.")).to_be_visible()

    lab.notebook("drift.ipynb", PAYLOAD)
    page.goto(lab.link("schedule/drift"))
    expect(here.get_by_text(WORDS)).to_be_visible()
    here.get_by_role("button", name="See the difference").click()
    expect(here.locator("del")).to_have_text("-rides = 1")
    expect(here.locator("ins")).to_have_text(f"+{PAYLOAD}")
    assert page.evaluate("window.broken") is None
    here.get_by_role("button", name="Update the schedule").click()
    expect(here.get_by_text("Version 2, in use")).to_be_visible()
    expect(here.get_by_text("The notebook is as it was scheduled.")).to_be_visible()

    here.get_by_role("button", name="Go back to version 1").click()
    expect(here.get_by_text("Version 3, in use")).to_be_visible()
    first, _, third = sorted(lab.ask("GET", "schedules/drift/versions"), key=lambda version: version["version"])
    assert first["bundle"] == third["bundle"]
    here.get_by_role("button", name="Undo").click()
    expect(here.get_by_text("Version 4, in use")).to_be_visible()


@pytest.mark.proof("browsers")
def test_without_a_mouse_versions_are_compared_and_one_goes_back(lab: Lab, page: Page) -> None:
    lab.notebook("drift-keys.ipynb", "rides = 1")
    lab.schedule("drift-keys.ipynb")
    lab.ask("PATCH", "schedules/drift-keys", {"form": {"timeout_minutes": 7}}, **{"If-Match": "1"})
    here = panel(page)
    page.goto(lab.address("drift-keys.ipynb"))
    expect(page.get_by_text("| Idle")).to_be_visible()
    palette(page, "Show schedules")
    expect(here.get_by_role("link", name="drift-keys", exact=True)).to_be_visible()
    tab_to(page, "^drift-keys$")
    page.keyboard.press("Enter")
    expect(here.get_by_text("The notebook is as it was scheduled.")).to_be_visible()
    tab_to(page, "^All versions$")
    page.keyboard.press("Enter")
    expect(here.get_by_role("heading", name="Compare")).to_be_visible()
    here.get_by_label("Before").focus()
    tab_to(page, "^Compare version 1 with the one in use$")
    page.keyboard.press("Enter")
    expect(here.get_by_text("7, was 120")).to_be_visible()
    tab_to(page, "^Go back to version 1$")
    page.keyboard.press("Enter")
    expect(here.get_by_text("Version 3, in use")).to_be_visible()
    assert lab.ask("GET", "schedules/drift-keys")["form"]["timeout_minutes"] == 120


def test_a_notebook_that_was_deleted_is_said_to_be_and_its_schedule_still_runs(lab: Lab, page: Page) -> None:
    lab.notebook("drift-gone.ipynb", "rides = 1")
    lab.schedule("drift-gone.ipynb")
    (lab.root / "drift-gone.ipynb").unlink()
    here = panel(page)
    page.goto(lab.link("schedule/drift-gone"))
    gone = "drift-gone.ipynb isn't there any more. The schedule runs on from its own copy of it."
    expect(here.get_by_text(gone)).to_be_visible()
    here.get_by_role("button", name="Run now").click()
    expect(here.get_by_role("heading", name=re.compile("^Succeeded in"))).to_be_visible()


@pytest.mark.proof("browsers")
def test_why_it_rests_is_said_where_it_was_paused(lab: Lab, page: Page) -> None:
    lab.notebook("drift-note.ipynb", "rides = 1")
    lab.schedule("drift-note.ipynb")
    here = panel(page)
    page.goto(lab.link("schedule/drift-note"))
    here.get_by_role("button", name="Pause", exact=True).click()
    here.get_by_role("button", name="Say why it is paused").click()
    note = here.get_by_role("textbox", name="Why it is paused")
    note.fill("moving house")
    note.press("Enter")
    expect(here.get_by_text(re.compile("^Paused by you .*moving house"))).to_be_visible()
    here.get_by_role("navigation").get_by_role("link", name="Schedules").click()
    expect(here.get_by_role("listitem").filter(has_text="drift-note")).to_contain_text("moving house")
