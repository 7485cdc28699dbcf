"""The door in JupyterLab, as a person would use it."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.ui.conftest import CHROMIUM
from tests.ui.lab import Lab
from tests.ui.walk import open_form, panel, press_schedule

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
]


def hold(page: Page, address: str) -> list[Route]:
    """What is asked of an address from now on, to be let go later."""
    held: list[Route] = []

    def keep(route: Route) -> None:
        held.append(route)

    page.route(address, keep)
    return held


def test_two_clicks_lead_from_the_open_notebook_to_a_schedule_that_has_run(lab: Lab, page: Page) -> None:
    page.goto(lab.address("examples/flights/flights.ipynb"))
    open_form(page)
    expect(panel(page).get_by_label("Job name")).to_have_value("flights")

    press_schedule(page)

    expect(panel(page).get_by_text(re.compile("Succeeded in")).first).to_be_visible()
    assert (lab.root / "published" / "flights" / "data" / "weekly.csv").exists()


def test_a_click_during_which_the_button_learns_of_a_schedule_counts(lab: Lab, page: Page) -> None:
    """What is pressed is drawn anew between the press and the release."""
    lab.notebook("pressed.ipynb", "1 + 1")
    lab.schedule("pressed.ipynb")
    held = hold(page, "**/jupyter-schedule/scheduled?*")
    page.goto(lab.address("pressed.ipynb"))
    with page.expect_request("**/jupyter-schedule/scheduled?*"):
        page.get_by_role("button", name="Schedule this analysis").first.hover()
    page.mouse.down()
    for route in held:
        route.continue_()
    expect(page.get_by_role("button", name=re.compile("^Scheduled: Runs every day"))).to_be_visible()
    page.mouse.up()
    expect(panel(page).get_by_role("heading", name="pressed")).to_be_visible()
