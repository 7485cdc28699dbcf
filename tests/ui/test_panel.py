"""The door in JupyterLab, as a person would use it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import CHROMIUM
from tests.ui.lab import Lab
from tests.ui.walk import open_form, panel, press_schedule

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
]


def test_two_clicks_lead_from_the_open_notebook_to_a_schedule_that_has_run(lab: Lab, page: Page) -> None:
    page.goto(lab.address("examples/flights/flights.ipynb"))
    open_form(page)
    expect(panel(page).get_by_label("Job name")).to_have_value("flights")

    press_schedule(page)

    expect(panel(page).get_by_text(re.compile("Succeeded in")).first).to_be_visible()
    assert (lab.root / "published" / "flights" / "data" / "weekly.csv").exists()
