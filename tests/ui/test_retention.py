"""How long files are kept: in the form, and where a run's are gone."""

import re
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import CHROMIUM
from tests.ui.lab import Lab
from tests.ui.walk import panel

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
]


@pytest.mark.proof("browsers")
def test_what_is_kept_is_said_in_the_form_and_recorded(lab: Lab, page: Page) -> None:
    lab.notebook("kept/kept.ipynb", "1 + 1")
    lab.schedule("kept/kept.ipynb")
    page.goto(lab.link("schedule/kept"))
    here = panel(page)
    here.get_by_role("button", name="Edit", exact=True).click()
    expect(here.get_by_text(re.compile("^Runs every day"))).to_be_visible()
    here.get_by_text("More options").click()
    here.get_by_label(re.compile("^How many runs")).fill("0")
    here.get_by_role("button", name="Save changes").click()
    expect(here.get_by_label(re.compile("^How many runs"))).to_be_focused()
    here.get_by_label(re.compile("^How many runs")).fill("5")
    here.get_by_label("Keep the files of all runs for days").fill("14")
    here.get_by_role("button", name="Save changes").click()
    expect(here.get_by_role("heading", name="kept", exact=True)).to_be_visible()
    policies = lab.ask("GET", "schedules/kept")["form"]["policies"]
    assert (policies["keep_runs"], policies["keep_days"]) == (5, 14)


def test_a_run_whose_files_were_removed_says_so_and_offers_none(lab: Lab, page: Page) -> None:
    lab.notebook("kept/thinned.ipynb", "print('one ride')", "open('rides.csv', 'w').write('1')")
    lab.schedule("kept/thinned.ipynb", run_now=True, output_dir="output")
    run = lab.ended("thinned")
    here = panel(page)
    page.goto(lab.link(f"run/{run['run_id']}"))
    files = here.get_by_role("heading", name="Report", exact=True)
    notebook = here.locator("summary", has_text="Executed notebook")
    expect(files).to_be_visible()
    expect(notebook).to_be_visible()
    with closing(lab.store()) as store:
        store.runs.mark_pruned([run["run_id"]], actor="test")
    page.goto(lab.link(f"run/{run['run_id']}"))
    expect(here.get_by_text("Its files were removed.")).to_be_visible()
    expect(files).to_have_count(0)
    expect(notebook).to_have_count(0)
