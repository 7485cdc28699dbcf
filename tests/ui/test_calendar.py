"""A schedule's days in the browser: looked at, picked with the mouse and the keys, run, cancelled."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from jupyter_schedule.core import clock
from tests.engine import eventually
from tests.ui.conftest import CHROMIUM
from tests.ui.lab import Lab
from tests.ui.test_keyboard import tab_to
from tests.ui.walk import open_calendar, panel, show_day

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
]

DAY = timedelta(days=1)
#: midnight has passed for a while on all of these
DAYS = [(clock.now() - ago * DAY).date() for ago in (4, 3, 2)]


def open_at(lab: Lab, page: Page, name: str, code: str) -> Locator:
    """The calendar of a schedule that has no runs yet, at the month of the first of `DAYS`."""
    midnight = {"kind": "daily", "at": "00:00", "timezone": "UTC"}
    lab.notebook(f"{name}.ipynb", code)
    lab.schedule(f"{name}.ipynb", frequency=midnight)
    page.goto(lab.link(f"schedule/{name}"))
    expect(panel(page).get_by_role("heading", name=name, exact=True)).to_be_visible()
    open_calendar(page)
    return panel(page)


def show(here: Locator, index: int) -> Locator:
    """The button of a day of `DAYS`."""
    return show_day(here, DAYS[index])


def test_days_are_picked_with_the_mouse_and_each_becomes_a_run_that_turns_its_day_green(lab: Lab, page: Page) -> None:
    here = open_at(lab, page, "calendar-mouse", "1 + 1")
    show(here, 0).click()
    expect(here.get_by_text(re.compile("^1 run, for"))).to_be_visible()
    here.get_by_label("To", exact=True).fill(f"{DAYS[2]:%Y-%m-%d}")
    expect(here.get_by_text(re.compile("^3 runs, the oldest first, one after another: from"))).to_be_visible()
    here.get_by_role("button", name="Start 3 runs").click()
    expect(here.get_by_text("3 runs queued.")).to_be_visible()
    for index in range(3):
        expect(show(here, index)).to_have_attribute("data-state", "succeeded")
    runs = lab.ask("GET", "schedules/calendar-mouse/runs")
    assert [run["trigger"] for run in runs] == ["backfill"] * 3
    assert sorted(run["started_at"] for run in runs) == [run["started_at"] for run in runs[::-1]]


@pytest.mark.proof("browsers")
def test_without_a_mouse_days_are_picked_and_what_is_left_is_cancelled(lab: Lab, page: Page) -> None:
    """The first run goes until it may end; the others don't start any more."""
    enough = lab.root / "calendar-enough"
    wait = f"import time, pathlib\nwhile not pathlib.Path({str(enough)!r}).exists():\n    time.sleep(0.05)"
    here = open_at(lab, page, "calendar-keys", wait)
    # JupyterLab, which has just been opened, may take the focus at any time
    show(here, 0).press("Enter")
    show(here, 0).press("Shift+ArrowRight")
    show(here, 1).press("Shift+ArrowRight")
    expect(here.get_by_text(re.compile("^3 runs, the oldest first"))).to_be_visible()
    show(here, 2).focus()
    tab_to(page, "^Start 3 runs$")
    page.keyboard.press("Enter")
    expect(here.get_by_text("0 of 3 past runs done, 1 running")).to_be_visible()
    here.get_by_role("button", name="Cancel the 2 that are left").focus()
    page.keyboard.press("Enter")
    expect(here.get_by_role("button", name=re.compile("^Cancel the"))).to_have_count(0)
    enough.touch()
    eventually(lambda: all(run["ended_at"] for run in lab.ask("GET", "schedules/calendar-keys/runs")), what="the ends")
    statuses = [run["status"] for run in lab.ask("GET", "schedules/calendar-keys/runs")]
    assert statuses == ["cancelled", "cancelled", "succeeded"]


@pytest.mark.proof("browsers")
def test_very_many_days_want_a_word_and_more_than_that_are_refused(lab: Lab, page: Page) -> None:
    here = open_at(lab, page, "calendar-many", "1 + 1")
    show(here, 0).click()
    here.get_by_label("From", exact=True).fill("2000-01-01")
    start = here.get_by_role("button", name=re.compile("^Start 9"))
    expect(start).to_have_attribute("aria-disabled", "true")
    expect(here.get_by_label(re.compile("^I want all 9,"))).not_to_be_checked()
    here.get_by_label("From", exact=True).fill("1990-01-01")
    expect(here.get_by_role("alert").filter(has_text="more than 10,000 times")).to_be_visible()
    assert lab.ask("GET", "schedules/calendar-many/runs") == []
