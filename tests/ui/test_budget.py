"""What a task costs a person, and what the extension costs the page: our limits."""

import json

import pytest
from playwright.sync_api import Page

from tests.engine import eventually
from tests.ui import budget
from tests.ui.budget import BUTTON, PANEL, START, START_REQUESTS, put_report
from tests.ui.conftest import CHROMIUM
from tests.ui.effort import Effort, Person, Traffic, ready
from tests.ui.lab import Lab

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
]

proof = pytest.mark.proof("browsers")
LAB, NOTEBOOK = (pytest.param(app, marks=proof, id=app) for app in ("lab", "notebooks"))


@pytest.mark.parametrize("app", [LAB, "notebooks"])
def test_two_clicks_and_no_key_make_a_schedule_and_show_its_first_result(lab: Lab, page: Page, app: str) -> None:
    person = Person(page)
    page.goto(lab.address(put_report(lab, f"budget-{app}"), app))
    ready(page)
    budget.open_form(person)
    budget.confirm(person)
    budget.see_result(person)
    assert person.spent() == Effort(clicks=2, keys=0, scrolls=0)


@proof
def test_three_clicks_make_it_noon_where_the_person_is(lab: Lab, page: Page) -> None:
    person = Person(page)
    page.goto(lab.address(put_report(lab, "budget-paris")))
    budget.open_form(person)
    budget.use_my_zone(person)
    budget.confirm(person)
    assert person.spent() == Effort(clicks=3, keys=0, scrolls=0)


@proof
def test_why_it_failed_is_the_first_line_without_another_click(lab: Lab, page: Page) -> None:
    person = Person(page)
    lab.notebook("budget-broken.ipynb", budget.BROKEN)
    page.goto(lab.address("budget-broken.ipynb"))
    budget.open_form(person)
    budget.confirm(person)
    cause = budget.see_cause(person)
    assert person.spent() == Effort(clicks=2, keys=0, scrolls=0)
    assert len(cause) <= 120
    assert "\n" not in cause
    assert "\x1b" not in cause


@proof
def test_what_is_done_with_a_schedule_is_near(lab: Lab, page: Page) -> None:
    person = Person(page)
    path = put_report(lab, "budget-kept")
    lab.schedule(path, run_now=True)
    lab.ended("budget-kept")
    page.goto(lab.address(path))
    spent = {}
    for task in (budget.change_time, budget.pause, budget.resume, budget.change_parameter, budget.delete):
        task(person)
        spent[task.__name__] = person.spent()
    assert spent == {
        "change_time": Effort(clicks=2, keys=6, scrolls=0),
        "pause": Effort(clicks=2, keys=0, scrolls=0),
        "resume": Effort(clicks=2, keys=0, scrolls=0),
        "change_parameter": Effort(clicks=3, keys=3, scrolls=0),
        "delete": Effort(clicks=3, keys=0, scrolls=0),
    }


@proof
def test_last_nights_result_is_two_clicks_from_a_fresh_start(lab: Lab, page: Page) -> None:
    person = Person(page)
    lab.schedule(put_report(lab, "budget-night"), run_now=True)
    lab.ended("budget-night")
    page.goto(lab.address("").replace("/tree/", ""))
    budget.last_result(person, "budget-night")
    assert person.spent() == Effort(clicks=2, keys=0, scrolls=0)


@pytest.mark.parametrize("app", ["lab", NOTEBOOK])
def test_the_page_is_given_little_before_somebody_asks(lab: Lab, page: Page, app: str) -> None:
    """Scripts at the start, one small answer for the notebook's button, and the panel's scripts when it opens."""
    path = put_report(lab, f"budget-weight-{app}")
    lab.schedule(path, run_now=True)
    lab.ended(f"budget-weight-{app}")
    other = put_report(lab, f"budget-light-{app}")
    traffic = Traffic(page, "jupyter-schedule", "jupyter-schedule")
    page.goto(lab.address(path, app))
    page.get_by_role("button", name="Scheduled: ").first.wait_for()
    assert len(traffic.scripts) <= START_REQUESTS
    assert sum(traffic.scripts) <= START
    # the button may be drawn before its answer has been measured here
    eventually(lambda: page.evaluate("0") or traffic.answers, what="the answer that the button shows")
    answers = dict(traffic.answers)
    # what failed since somebody was here, once JupyterLab has nothing else to do
    assert answers.pop("GET news", 0) <= BUTTON
    (answer,) = answers.items()
    assert answer[0] == "GET scheduled"
    assert answer[1] <= BUTTON

    page.goto(lab.address(other, app))
    ready(page)
    traffic.scripts.clear()
    budget.open_form(Person(page))
    assert 0 < sum(traffic.scripts) <= PANEL, json.dumps(traffic.scripts)
