"""From view to view, by the links and buttons that a person has."""

import re
from collections.abc import Callable
from datetime import date, timedelta

from playwright.sync_api import Locator, Page, expect

from jupyter_schedule.core import clock
from tests.engine import eventually
from tests.ui.lab import Lab

#: the request for all schedules
SCHEDULES = "**/jupyter-schedule/schedules?*"


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


def run_cells(lab: Lab, page: Page, path: str, count: int) -> None:
    """In an open notebook whose kernel is ready, from the first code cell on."""
    eventually(lambda: lab.kernel_answers(path), what="the kernel's start")
    expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first).to_be_visible()
    page.locator(".jp-Notebook .jp-CodeCell .jp-InputArea-editor").first.click()
    for _ in range(count):
        page.keyboard.press("Shift+Enter")


def to_list(page: Page) -> None:
    panel(page).get_by_role("navigation").get_by_role("link", name="Schedules").click()
    expect(panel(page).get_by_role("searchbox")).to_be_visible()


def to_history(page: Page, name: str) -> None:
    """From the list."""
    panel(page).get_by_role("link", name=name, exact=True).click()
    expect(panel(page).get_by_role("heading", name=name, exact=True)).to_be_visible()


def to_newest_run(page: Page, state: re.Pattern[str]) -> None:
    """From a schedule's history."""
    panel(page).get_by_role("list", name="Runs").last.get_by_role("link").first.click()
    expect(panel(page).get_by_role("heading", name=state)).to_be_visible()


def _form(page: Page) -> None:
    open_form(page)


def _form_with_errors(page: Page) -> None:
    here = panel(page)
    here.get_by_label("Job name").fill("churn_weekly")
    here.get_by_label("Time of day").fill("25:00")
    here.get_by_label("month", exact=True).fill("March")
    expect(here.get_by_text(re.compile("Correct what is marked"))).to_be_visible()
    press_schedule(page)
    expect(here.get_by_label("Job name")).to_be_focused()


def _more_options(page: Page) -> None:
    here = panel(page)
    here.get_by_role("button", name="Start over").or_(here.get_by_label("Job name")).last.click()
    here.get_by_label("Job name").fill("new_report")
    here.get_by_label("Time of day").fill("12:00")
    here.get_by_label("month", exact=True).fill("3")
    here.get_by_label("Schedule frequency").select_option("weekly")
    here.get_by_text("More options").click()
    here.get_by_label("If the scheduler was off").scroll_into_view_if_needed()
    expect(here.get_by_text(re.compile("^Runs every"))).to_be_visible()


def _review(page: Page) -> None:
    panel(page).get_by_role("button", name="Review files").click()
    expect(panel(page).get_by_role("dialog", name="Review files")).to_be_visible()


def _empty_list(page: Page) -> None:
    panel(page).get_by_role("button", name="Done").click()
    page.route(SCHEDULES, lambda route: route.fulfill(body="[]"))
    panel(page).get_by_role("navigation").get_by_role("link", name="Schedules").click()
    expect(panel(page).get_by_text("Nothing is scheduled yet.")).to_be_visible()


def _list(page: Page) -> None:
    page.unroute(SCHEDULES)
    panel(page).get_by_role("button", name="Schedule new_report.ipynb").click()
    to_list(page)


def _history(page: Page) -> None:
    to_history(page, "delays")


def open_calendar(page: Page) -> None:
    """The fold in a schedule's history."""
    panel(page).get_by_text("Calendar and past days").click()
    expect(panel(page).get_by_role("grid")).to_be_visible()


def show_day(calendar: Locator, day: date) -> Locator:
    """The button of a day up to today, in its month, whichever month is shown first."""
    first = calendar.get_by_role("grid").get_by_role("button").first
    while (shown := first.get_attribute("data-day") or "") > day.isoformat():
        calendar.get_by_role("button", name="Month before").click()
        expect(calendar.locator(f'[data-day="{shown}"]')).to_have_count(0)
    return calendar.locator(f'[data-day="{day}"]')


def _calendar(page: Page) -> None:
    open_calendar(page)
    # a month of which all days have passed, whatever day it is today
    show_day(panel(page), clock.now().date().replace(day=1) - timedelta(days=1)).wait_for()
    days = panel(page).get_by_role("grid").get_by_role("button")
    days.nth(2).click()
    days.nth(12).click()
    expect(panel(page).get_by_role("button", name=re.compile("^Start "))).to_be_visible()


def _succeeded(page: Page) -> None:
    to_newest_run(page, re.compile("^Succeeded"))


def _failed(page: Page) -> None:
    to_list(page)
    to_history(page, "churn_weekly")
    to_newest_run(page, re.compile("^Failed"))


def _running(page: Page) -> None:
    to_list(page)
    to_history(page, "long_haul")
    to_newest_run(page, re.compile("^Running"))


def _paused(page: Page) -> None:
    to_list(page)
    to_history(page, "bikes_report")
    expect(panel(page).get_by_text(re.compile("^The notebook has changed since"))).to_be_visible()


def _versions(page: Page) -> None:
    panel(page).get_by_role("button", name="See the difference").click()
    expect(panel(page).get_by_text("Cell 2 changed")).to_be_visible()


#: the views, in an order in which one leads to the next
VIEWS: dict[str, Callable[[Page], None]] = {
    "form": _form,
    "form-errors": _form_with_errors,
    "form-more": _more_options,
    "review": _review,
    "list-empty": _empty_list,
    "list": _list,
    "history": _history,
    "calendar": _calendar,
    "run-succeeded": _succeeded,
    "run-failed": _failed,
    "run-running": _running,
    "history-paused": _paused,
    "versions": _versions,
}
