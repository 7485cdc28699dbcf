"""A person picks who is told, in the form; a run fails; a webhook and JupyterLab tell of it."""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.engine import eventually
from tests.receivers import TOKEN, Hook, webhook
from tests.ui.conftest import CHROMIUM
from tests.ui.lab import Lab
from tests.ui.walk import open_form, panel, press_schedule

pytestmark = [
    pytest.mark.browser,
    pytest.mark.proof("browsers"),
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
]
SETTINGS = '[notifications]\nops = { variable = "TO_OPS" }\nteam = { variable = "TO_TEAM" }\n'


@pytest.fixture
def told(tmp_path: Path) -> Iterator[tuple[Lab, Hook, Hook]]:
    """A JupyterLab whose service has two channels."""
    with ExitStack() as stack:
        ops, team = (stack.enter_context(webhook()) for _ in range(2))
        made = Lab(tmp_path, settings=SETTINGS, TO_OPS=ops.address, TO_TEAM=team.address)
        made.start()
        stack.callback(made.stop)
        yield made, ops, team


def test_who_is_picked_in_the_form_is_told_of_a_failure(told: tuple[Lab, Hook, Hook], page: Page) -> None:
    lab, ops, team = told
    lab.notebook("broken.ipynb", "raise KeyError('region')")
    page.goto(lab.address("broken.ipynb"))
    open_form(page)
    form = panel(page)
    form.get_by_text("More options").click()
    channels = form.get_by_role("group", name="Notify")
    expect(channels.get_by_role("checkbox")).to_have_count(2)
    channels.get_by_label("team").check()
    form.get_by_role("group", name="Notify when").get_by_label("It succeeded again").uncheck()
    form.get_by_label("Alert if nothing is published by").fill("09:00")
    channels.scroll_into_view_if_needed()
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / "word.png")
    press_schedule(page)
    expect(form.get_by_text(re.compile("KeyError")).first).to_be_visible()
    eventually(lambda: team.got, what="word of the failure")
    ((_, message),) = team.got
    assert message["title"] == "“broken” failed"
    assert "KeyError" in message["message"]
    assert ops.got == []
    notify = lab.ask("GET", "schedules/broken")["form"]["notify"]
    assert notify == {
        "channels": ["team"],
        "on": ["failure", "time_out", "auto_pause", "silence"],
        "silence_by": "09:00",
    }
    assert TOKEN not in page.content()
