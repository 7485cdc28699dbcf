"""What goes on meanwhile: a run that prints, another tab, a server that goes away, a login that ends."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.engine import eventually
from tests.ui.conftest import CHROMIUM
from tests.ui.lab import Lab
from tests.ui.walk import open_form, panel, press_schedule

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
]

API = "**/jupyter-schedule/"


@pytest.fixture
def other(context: BrowserContext) -> Iterator[Page]:
    """A second tab."""
    opened = context.new_page()
    yield opened
    opened.close()


def test_of_two_tabs_that_edit_one_schedule_the_second_sees_the_change_and_keeps_its_own(
    lab: Lab, page: Page, other: Page
) -> None:
    lab.notebook("together/shared.ipynb", "print(1)")
    lab.schedule("together/shared.ipynb")
    for tab in (page, other):
        tab.goto(lab.link("edit/shared"))
        expect(panel(tab).get_by_text(re.compile("^Runs every day"))).to_be_visible()
    panel(page).get_by_text("More options").click()
    panel(page).get_by_label("Job timeout (minutes)").fill("30")
    panel(page).get_by_role("button", name="Save changes").click()
    expect(panel(page).get_by_role("heading", name="shared")).to_be_visible()

    panel(other).get_by_label("Output directory").fill("results")
    panel(other).get_by_role("button", name="Save changes").click()
    told = panel(other).get_by_role("alert")
    expect(told).to_contain_text(re.compile(r"This schedule was changed elsewhere at \d\d:\d\d\."))
    told.get_by_role("button", name="See the change").click()
    expect(told).to_contain_text("Job timeout (minutes)30, was 120")
    expect(panel(other).get_by_label("Output directory")).to_have_value("results")

    told.get_by_role("button", name="Keep mine").click()
    expect(panel(other).get_by_role("heading", name="shared")).to_be_visible()
    form = lab.ask("GET", "schedules/shared")["form"]
    assert (form["timeout_minutes"], form["output_dir"]) == (30, "results")


def test_a_server_that_goes_away_in_the_middle_of_schedule_costs_nothing_and_records_once(lab: Lab, page: Page) -> None:
    lab.notebook("together/once.ipynb", "print(1)")
    page.goto(lab.address("together/once.ipynb"))
    open_form(page).get_by_label("Run once now").uncheck()
    answers: list[int] = []

    def lose(route: Route) -> None:
        """The server does what it is asked, and its answer is lost."""
        if route.request.method == "POST" and not answers:
            answers.append(route.fetch().status)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(API + "schedules?*", lose)
    press_schedule(page)
    expect(panel(page).get_by_role("alert")).to_contain_text(
        "Lost the connection to Jupyter. Nothing you typed is lost"
    )
    expect(panel(page).get_by_label("Job name")).to_have_value("once")

    press_schedule(page)
    expect(panel(page).get_by_role("heading", name="once")).to_be_visible()
    assert answers == [201]
    assert [each["name"] for each in lab.ask("GET", "schedules?notebook=together/once.ipynb")] == ["once"]


def test_a_login_that_has_ended_keeps_the_form_and_leads_to_the_login(lab: Lab, page: Page) -> None:
    lab.notebook("together/signed-out.ipynb", "print(1)")
    page.goto(lab.address("together/signed-out.ipynb"))
    form = open_form(page)
    page.route(API + "**", lambda route: route.fulfill(status=403, body="Forbidden"))
    form.get_by_label("Output directory").fill("typed")
    press_schedule(page)
    expect(form.get_by_role("alert").filter(has_text="Sign in again; your form is kept.").first).to_be_visible()
    assert "/login?next=" in (form.get_by_role("link", name="Sign in").first.get_attribute("href") or "")
    # nothing of the page is left that could ask once more when the API answers again
    page.goto("about:blank")
    page.unroute(API + "**")
    page.goto(lab.address("together/signed-out.ipynb"))
    open_form(page)
    expect(form.get_by_text("Restored your unsaved draft.")).to_be_visible()
    expect(form.get_by_label("Output directory")).to_have_value("typed")


@pytest.mark.proof("browsers")
def test_when_nothing_ticks_every_view_says_so_and_what_helps(lab: Lab, page: Page) -> None:
    status = {**lab.ask("GET", "status"), "ticking": False}
    page.route(API + "status?*", lambda route: route.fulfill(body=json.dumps(status)))
    page.goto(lab.link(""))
    told = panel(page).get_by_role("alert")
    expect(told).to_contain_text("running, so nothing will start.")
    told.get_by_text("How to start it").click()
    expect(told.get_by_role("button", name="Copy")).to_be_visible()


def test_while_the_connection_is_lost_what_was_seen_stays_with_its_time(lab: Lab, page: Page) -> None:
    lab.notebook("together/seen.ipynb", "print(1)")
    lab.schedule("together/seen.ipynb")
    page.goto(lab.link("schedule/seen"))
    expect(panel(page).get_by_role("heading", name="seen")).to_be_visible()
    page.route(API + "**", lambda route: route.abort("connectionrefused"))
    lab.ask("POST", "schedules/seen/pause")
    told = panel(page).get_by_role("alert")
    expect(told).to_contain_text(re.compile(r"Lost the connection to Jupyter. Showing \d\d:\d\d; trying again."))
    expect(panel(page).get_by_text(re.compile("^Runs every day"))).to_be_visible()
    page.unroute(API + "**")
    expect(panel(page).get_by_text(re.compile("^Paused by you"))).to_be_visible()
    expect(told).to_have_count(0)


@pytest.mark.proof("browsers")
def test_a_copied_link_leads_to_the_same_view(lab: Lab, page: Page, other: Page) -> None:
    lab.notebook("together/linked.ipynb", "print(1)")
    lab.schedule("together/linked.ipynb")
    page.goto(lab.link("schedule/linked"))
    panel(page).get_by_role("button", name="Copy link").click()
    expect(panel(page).get_by_role("button", name="Copied")).to_be_visible()
    other.goto(page.evaluate("navigator.clipboard.readText()"))
    expect(panel(other).get_by_role("heading", name="linked")).to_be_visible()


@pytest.mark.proof("browsers")
def test_of_a_failure_one_hears_elsewhere_and_the_status_bar_leads_to_it(lab: Lab, page: Page) -> None:
    lab.notebook("together/failing.ipynb", "1 / 0")
    lab.notebook("together/looking.ipynb", "print(1)")
    page.goto(lab.address("together/looking.ipynb"))
    expect(page.get_by_role("button", name="Schedule this analysis").first).to_be_visible()
    lab.schedule("together/failing.ipynb", run_now=True)
    told = page.get_by_role("alert").filter(has_text="failing: ZeroDivisionError at cell 1 of 1: division by zero")
    expect(told.first).to_be_visible()
    told.get_by_role("button", name="Open run").first.click()
    expect(panel(page).get_by_role("heading", name="Failed at cell 1 of 1")).to_be_visible()
    page.get_by_role("button", name=re.compile(r"^\d+ failing$")).click()
    expect(panel(page).get_by_role("button", name=re.compile("^Failing"))).to_have_attribute("aria-pressed", "true")
    expect(panel(page).get_by_role("link", name="failing", exact=True)).to_be_visible()


@pytest.mark.proof("browsers")
def test_a_log_follows_its_end_until_it_is_scrolled_and_its_run_is_stopped(lab: Lab, page: Page) -> None:
    enough = lab.root / "enough"
    prints = "for number in range(60):\n    print(f'line {number}')"
    more = f"import time\nfrom pathlib import Path\nwhile not Path({str(enough)!r}).exists():\n    time.sleep(0.02)\n"
    forever = "print('\\n' * 20 + 'the end')\nwhile True:\n    time.sleep(0.02)"
    lab.notebook("together/long.ipynb", prints, more, forever)
    page.goto(lab.address("together/long.ipynb"))
    open_form(page)
    panel(page).get_by_role("button", name="Run once only", exact=True).click()
    here = panel(page)
    log = here.get_by_role("log")
    expect(log).to_contain_text("line 59")
    at_end = "log => log.scrollHeight - log.scrollTop - log.clientHeight < 2"
    eventually(lambda: log.evaluate(at_end), what="the log's end in view")
    expect(here.get_by_role("heading", name="Running, cell 2 of 3")).to_be_visible()

    log.evaluate("log => log.scrollTo(0, 0)")
    enough.touch()
    expect(log).to_contain_text("the end")
    assert log.evaluate("log => log.scrollTop") == 0

    here.get_by_role("button", name="Stop", exact=True).click()
    expect(
        here.get_by_role("button", name="Stopping…", exact=True).or_(here.get_by_role("heading", name="Stopped"))
    ).to_be_visible()
    expect(here.get_by_role("heading", name="Stopped")).to_be_visible()
