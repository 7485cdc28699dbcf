"""The way after the first two clicks: try, schedule, fail, mend, and delete and begin anew; counted in clicks."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.engine import eventually
from tests.ui.conftest import CHROMIUM
from tests.ui.lab import Lab
from tests.ui.walk import open_form, panel, press_schedule

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
]
GOOD = "from pathlib import Path\nPath('output').mkdir(exist_ok=True)\nPath('output/a.csv').write_text('a\\n1\\n')"


def _state(lab: Lab, name: str) -> str:
    return str(lab.ask("GET", f"schedules/{name}")["state"])


def test_a_trial_is_scheduled_by_one_click_and_its_run_is_the_first(lab: Lab, page: Page) -> None:
    lab.notebook("loop/loop_trial.ipynb", GOOD)
    page.goto(lab.address("loop/loop_trial.ipynb"))
    open_form(page)
    panel(page).get_by_role("button", name="Run once only", exact=True).click()
    expect(panel(page).get_by_role("heading", name=re.compile("^Succeeded"))).to_be_visible()
    panel(page).get_by_role("button", name="Schedule daily at 12:00 UTC").click()
    expect(panel(page).get_by_role("heading", name="loop_trial", exact=True)).to_be_visible()
    expect(panel(page).get_by_text(re.compile("^Runs every day at 12:00 UTC"))).to_be_visible()
    assert _state(lab, "loop_trial") == "active"
    assert [run["trigger"] for run in lab.ask("GET", "schedules/loop_trial/runs")] == ["manual"]


def test_a_failed_first_run_holds_the_schedule_and_the_mended_notebook_is_run_by_one_click(
    lab: Lab, page: Page
) -> None:
    """What is said changes with what is so, and the second run is of the new code."""
    lab.notebook("loop/loop_mended.ipynb", "x = 1 / 0")
    page.goto(lab.address("loop/loop_mended.ipynb"))
    open_form(page)
    press_schedule(page)
    expect(panel(page).get_by_role("heading", name=re.compile("^Failed"))).to_be_visible()
    expect(panel(page).get_by_text("On hold: the schedule starts when a run succeeds.")).to_be_visible()
    expect(panel(page).get_by_text(re.compile("First run started"))).to_have_count(0)
    assert _state(lab, "loop_mended") == "rehearsing"
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Control+A")
    page.keyboard.type("x = 1")
    panel(page).get_by_role("button", name="Update and run").click()
    expect(panel(page).get_by_role("heading", name=re.compile("^Succeeded"))).to_be_visible()
    eventually(lambda: _state(lab, "loop_mended") == "active", what="the schedule's start")
    assert [run["version"] for run in lab.ask("GET", "schedules/loop_mended/runs")] == [2, 1]


@pytest.mark.proof("browsers")
def test_after_a_delete_the_same_notebook_is_scheduled_in_two_clicks(lab: Lab, page: Page) -> None:
    lab.notebook("loop/loop_again.ipynb", GOOD)
    lab.schedule("loop/loop_again.ipynb", run_now=True)
    assert lab.ended("loop_again")["status"] == "succeeded"
    lab.ask("DELETE", "schedules/loop_again")
    page.goto(lab.address("loop/loop_again.ipynb"))
    open_form(page)
    expect(panel(page).get_by_label("Job name")).to_have_value("loop_again-2")
    expect(panel(page).get_by_role("button", name="Continue with the results of loop_again")).to_be_visible()
    press_schedule(page)
    expect(panel(page).get_by_role("heading", name=re.compile("^Succeeded"))).to_be_visible()
    assert lab.published("loop_again-2") == {"a.csv": "a\n1\n"}


@pytest.mark.proof("browsers")
def test_what_needs_a_look_is_beside_the_button_without_scrolling(lab: Lab, page: Page) -> None:
    lab.notebook("loop/loop_look.ipynb", "open('not_there.csv')")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(lab.address("loop/loop_look.ipynb"))
    open_form(page)
    found = panel(page).get_by_text("1 thing to look at")
    expect(found).to_be_in_viewport(ratio=1)
    found.click()
    told = panel(page).get_by_role("list", name="Things to look at").get_by_text(re.compile("not_there.csv"))
    expect(told).to_be_in_viewport(ratio=1)
    expect(panel(page).get_by_role("button", name="Schedule", exact=True)).to_be_in_viewport(ratio=1)


def test_a_fresh_lab_says_what_failed_since_it_was_last_open_and_leads_to_it_by_one_click(lab: Lab, page: Page) -> None:
    """It asks once, when it has nothing else to do; what it says lies on no button of ours."""
    lab.notebook("loop/loop_night.ipynb", "1 / 0")
    with page.expect_response(re.compile("/jupyter-schedule/news")):
        page.goto(lab.link("list"))
    lab.schedule("loop/loop_night.ipynb", run_now=True)
    assert lab.ended("loop_night")["status"] == "failed"
    asked: list[str] = []
    fresh = page.context.new_page()
    fresh.on("request", lambda request: asked.append(request.url) if "/jupyter-schedule/" in request.url else None)
    with fresh.expect_response(re.compile("/jupyter-schedule/news[?]since=")) as answered:
        fresh.goto(lab.address("").removesuffix("/tree/?token=" + lab.token) + "?token=" + lab.token)
    assert len(answered.value.body()) <= 200
    said = fresh.get_by_text(re.compile("ha(s|ve) failed since you were here"))
    expect(said).to_be_visible()
    assert [url for url in asked if "static" not in url and "/news" not in url] == []
    fresh.get_by_role("button", name="Open run").click()
    expect(panel(fresh).get_by_role("heading", name=re.compile("^Failed"))).to_be_visible()
    fresh.close()


@pytest.mark.proof("browsers")
def test_a_toast_covers_no_button_of_the_panel(lab: Lab, page: Page) -> None:
    lab.notebook("loop/loop_toast.ipynb", "1 / 0")
    page.goto(lab.address("loop/loop_toast.ipynb"))
    open_form(page)
    lab.schedule("loop/loop_toast.ipynb", name="loop_toasted", run_now=True)
    toast = page.locator(".Toastify__toast").first
    expect(toast).to_be_visible()
    shown, here = toast.bounding_box(), panel(page).bounding_box()
    assert shown
    assert here
    assert shown["x"] + shown["width"] <= here["x"]
