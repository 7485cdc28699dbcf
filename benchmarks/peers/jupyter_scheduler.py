"""jupyter-scheduler's way through the same tasks: the fewest steps that lead there, in its own words."""

import re
import time

from playwright.sync_api import Locator, Page, expect

from tests.ui.budget import BROKEN_CAUSE, RESULT
from tests.ui.effort import Person

#: seconds between two looks of somebody who waits for a list that doesn't renew itself
PATIENCE = 2.0
#: … after which something is wrong
GIVE_UP = 60.0


def _main(page: Page) -> Locator:
    return page.locator("#jp-main-dock-panel")


def _press(person: Person, name: str) -> None:
    person.click(_main(person.page).get_by_role("button", name=name, exact=True))


def open_form(person: Person) -> None:
    """The form is there."""
    person.click(person.page.locator("jp-button[title='Create a job'], button[title='Create a job']").first)
    expect(_main(person.page).get_by_label("Job name")).to_be_visible()


def take_folder(person: Person) -> None:
    """The files beside the notebook go along."""
    person.click(_main(person.page).get_by_label("Run job with input folder"))


def confirm(person: Person) -> None:
    """It is recorded."""
    _press(person, "Create")
    expect(_main(person.page).get_by_text(re.compile("has been created"))).to_be_visible()


def fill_daily_at_noon(person: Person) -> None:
    """Every day at noon UTC; it proposes midnight on weekdays in the person's zone."""
    main, page = _main(person.page), person.page
    person.click(main.get_by_label("Run on a schedule"))
    person.click(main.locator("[name=scheduleInterval]").locator("xpath=.."))
    person.click(page.get_by_role("option", name="Day", exact=True))
    _retype(person, main.locator("[name=scheduleClock]"), "12:00")
    _retype(person, main.locator("[name=timezone]"), "UTC")
    person.click(page.get_by_role("option", name="UTC", exact=True))


def _retype(person: Person, field: Locator, text: str) -> None:
    person.click(field)
    person.press("Control+a", *text)


def see_success(person: Person) -> None:
    """The list says that the run succeeded."""
    _see_end(person, "Completed")


def see_failure(person: Person) -> None:
    """The list says that the run failed."""
    _see_end(person, "Failed")


def _see_end(person: Person, status: str) -> None:
    give_up = time.monotonic() + GIVE_UP
    while not _main(person.page).get_by_text(status, exact=True).is_visible():
        assert time.monotonic() < give_up
        time.sleep(PATIENCE)
        _press(person, "Reload")


def see_result(person: Person) -> None:
    """The executed notebook is open, with how many letters it wrote under its last cell."""
    main = _main(person.page)
    person.click(main.get_by_role("button", name="download").first)
    link = main.get_by_role("link", name=re.compile("Notebook|HTML")).first
    give_up = time.monotonic() + GIVE_UP
    while not link.is_visible():
        assert time.monotonic() < give_up
        time.sleep(PATIENCE)
        _press(person, "Reload")
    person.click(link)
    written = _main(person.page).locator(".jp-OutputArea-output", has_text=str(len(RESULT)))
    expect(written.first).to_be_visible()


def see_cause(person: Person) -> None:
    """Why it failed can be read."""
    person.click(_main(person.page).locator("[title^='Open detail view']").first)
    expect(_main(person.page).get_by_text(BROKEN_CAUSE).locator("visible=true").first).to_be_visible()


def open_definitions(person: Person) -> None:
    """The list of definitions, from a notebook."""
    person.click(person.page.get_by_role("button", name="New Launcher").first)
    person.click(person.page.locator(".jp-LauncherCard", has_text="Jobs").first)
    person.click(_main(person.page).get_by_role("tab", name="Job Definitions"))


def open_definition(person: Person) -> None:
    """The page of the only definition."""
    open_definitions(person)
    person.click(_main(person.page).locator("[title^='Open detail view']").first)
    expect(_main(person.page).get_by_role("button", name="Edit Job Definition")).to_be_visible()


def change_time(person: Person) -> None:
    """It would run at half past six from now on; version 2.12 can't save it for a notebook in a folder, and says so."""
    open_definition(person)
    _press(person, "Edit Job Definition")
    # its time of day is a cron expression once it is recorded
    _retype(person, _main(person.page).get_by_label("cron expression"), "30 6 * * *")
    _press(person, "Save Changes")
    saved = _main(person.page).get_by_role("button", name="Edit Job Definition")
    expect(saved.or_(_main(person.page).get_by_text("Unexpected error occurred")).first).to_be_visible()


def pause(person: Person) -> None:
    """It rests."""
    open_definitions(person)
    person.click(_main(person.page).locator("[title^='Pause']").first)
    expect(_main(person.page).locator("[title^='Resume']").first).to_be_visible()
