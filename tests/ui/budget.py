"""What people come for, task by task, from a notebook that is open; each ends when its goal is in sight."""

import re

from playwright.sync_api import expect

from tests.ui.effort import Person
from tests.ui.lab import Lab
from tests.ui.walk import panel

#: bytes, and how many requests
START, START_REQUESTS, BUTTON, PANEL = 25_000, 3, 2_000, 100_000
DATA = "day,rides\n" + "".join(f"2012-03-{day:02},{day * 100}\n" for day in range(1, 32))
WORK = """import csv
from pathlib import Path
rides = sum(int(row["rides"]) for row in csv.DictReader(open("bikes.csv")))
Path("output").mkdir(exist_ok=True)
Path("output/summary.txt").write_text(f"month {month}: {rides} rides")"""
RESULT = "month 3: 49600 rides"
BROKEN = 'open("rides.csv").read()'
BROKEN_CAUSE = re.compile("rides.csv")


def put_report(lab: Lab, name: str) -> str:
    """The reference notebook: a parameter, a data file beside it, one result."""
    lab.notebook(f"{name}/{name}.ipynb", WORK, parameters="month = 3")
    (lab.root / name / "bikes.csv").write_text(DATA)
    return f"{name}/{name}.ipynb"


def open_form(person: Person) -> None:
    """The form is there and says what will happen."""
    person.click(person.page.get_by_role("button", name="Schedule this analysis").first)
    expect(panel(person.page).get_by_text(re.compile("^Runs every day at 12:00 UTC, next"))).to_be_visible()


def confirm(person: Person) -> None:
    """The schedule is recorded, and its next run is told."""
    person.click(panel(person.page).get_by_role("button", name="Schedule", exact=True))
    expect(panel(person.page).get_by_text(re.compile("Next: ")).first).to_be_visible()


def see_result(person: Person) -> None:
    """The first run has ended, and what it wrote is shown."""
    expect(panel(person.page).get_by_text(RESULT).first).to_be_visible()


def see_cause(person: Person) -> str:
    """The first run has failed; why."""
    alert = panel(person.page).get_by_role("alert").filter(has_text=BROKEN_CAUSE)
    expect(alert).to_be_visible()
    return alert.inner_text()


def use_my_zone(person: Person) -> None:
    """At noon where the person is, not in UTC."""
    person.click(panel(person.page).get_by_role("button", name="Use my time zone"))
    expect(panel(person.page).get_by_text(re.compile("^Runs every day at 12:00 Paris time"))).to_be_visible()


def open_schedule(person: Person) -> None:
    """The page of the open notebook's schedule."""
    person.click(person.page.get_by_role("button", name=re.compile("^Scheduled: ")).first)
    expect(panel(person.page).get_by_role("button", name="Run now")).to_be_visible()


def change_time(person: Person) -> None:
    """It runs at half past six from now on."""
    open_schedule(person)
    person.click(panel(person.page).get_by_role("button", name=re.compile("12:00 UTC, change it")))
    person.press(*"06:30", "Enter")
    expect(panel(person.page).get_by_text(re.compile("06:30 UTC")).first).to_be_visible()


def change_parameter(person: Person) -> None:
    """It runs with another value from now on."""
    open_schedule(person)
    person.click(panel(person.page).get_by_role("button", name="Edit", exact=True))
    field = panel(person.page).get_by_label("month", exact=True)
    expect(field).to_be_visible()
    if not field.evaluate("field => field === document.activeElement"):
        person.click(field)
        person.press("Control+a")
    person.press("7", "Control+Enter")
    expect(panel(person.page).get_by_role("button", name="Run now")).to_be_visible()


def pause(person: Person) -> None:
    """It rests."""
    open_schedule(person)
    person.click(panel(person.page).get_by_role("button", name="Pause", exact=True))
    expect(panel(person.page).get_by_role("button", name="Resume", exact=True)).to_be_visible()


def resume(person: Person) -> None:
    """It runs again."""
    open_schedule(person)
    person.click(panel(person.page).get_by_role("button", name="Resume", exact=True))
    expect(panel(person.page).get_by_role("button", name="Pause", exact=True)).to_be_visible()


def delete(person: Person) -> None:
    """It is gone, and could come back."""
    open_schedule(person)
    person.click(panel(person.page).get_by_role("button", name="More actions"))
    person.click(panel(person.page).get_by_role("menuitem", name="Delete"))
    expect(panel(person.page).get_by_role("button", name="Undo")).to_be_visible()


def last_result(person: Person, name: str) -> None:
    """What a schedule wrote last, from a JupyterLab that was just opened."""
    person.click(person.page.locator("[data-id=jupyter-schedule-panel]"))
    row = panel(person.page).get_by_role("listitem").filter(has_text=name)
    person.click(row.get_by_role("link", name=re.compile("^Succeeded")))
    see_result(person)
