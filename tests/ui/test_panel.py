"""The door in JupyterLab, as a person would use it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import CHROMIUM, Lab

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
]


def test_two_clicks_lead_from_the_open_notebook_to_a_schedule_that_has_run(lab: Lab, page: Page) -> None:
    page.goto(lab.address("examples/flights/flights.ipynb"))
    page.get_by_role("button", name="Schedule this analysis").first.click()
    expect(page.get_by_label("Job name")).to_have_value("flights")
    expect(page.get_by_text(re.compile("Runs every day at 12:00 UTC")).first).to_be_visible()

    page.get_by_role("button", name="Schedule", exact=True).last.click()

    expect(page.get_by_text(re.compile("Succeeded in")).first).to_be_visible()
    assert (lab.root / "published" / "flights" / "data" / "weekly.csv").exists()


def test_the_form_has_the_fields_that_people_know(lab: Lab, page: Page) -> None:
    page.goto(lab.address("examples/flights/flights.ipynb"))
    page.get_by_role("button", name="Schedule this analysis").first.click()
    for label in ("Job name", "Schedule frequency", re.compile("Time of day"), "Output directory"):
        expect(page.get_by_label(label).first).to_be_visible()
