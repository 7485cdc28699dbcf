"""What JupyterLab tells while nobody looks: who paused itself, who was silent, and word that reached nobody."""

import re
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from jupyter_schedule.core import clock
from jupyter_schedule.core.models import Notification, NotificationEvent, Reason, RunStatus
from jupyter_schedule.core.timing import recurrence
from tests.factories import make_run
from tests.ui import gallery
from tests.ui.conftest import CHROMIUM
from tests.ui.lab import Lab
from tests.ui.walk import panel

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
]
FAILED_YESTERDAY = {1: gallery.BAD_ENDS[9]}
LEASE = 30


def at_work(lab: Lab, page: Page, name: str, **form: Any) -> None:
    """A schedule with a past, of a notebook that a person has open while something else happens."""
    lab.notebook(f"news/{name}.ipynb", "raise KeyError('region')")
    lab.schedule(f"news/{name}.ipynb", **form)
    gallery.past(lab, name, 2, FAILED_YESTERDAY)
    page.goto(lab.address(f"news/{name}.ipynb"))
    expect(page.get_by_role("button", name=re.compile("^Scheduled: ")).first).to_be_visible()


def toast(page: Page, text: str) -> Locator:
    """A notification that says that, while it is shown."""
    return page.locator(".Toastify__toast").filter(has_text=text)


@pytest.mark.proof("browsers")
def test_each_channel_that_was_not_told_is_named(lab: Lab, page: Page) -> None:
    at_work(lab, page, "unheard")
    with closing(lab.store()) as store:
        schedule = store.schedules.find("unheard", owner="local")
        (run, *_) = store.runs.list_newest(schedule.id)
        words = [
            Notification(message_id=channel, run_id=run.id, occasion=NotificationEvent.FAILURE, channel=channel)
            for channel in ("ops", "team")
        ]
        assert store.schedules.replace(schedule, schedule, actor="test", kind=None, notifications=words)
        for channel in ("ops", "team"):
            word = store.outbox.claim(channel, LEASE)
            assert word is not None
            assert store.outbox.mark_failed(word, f"Nobody answers at {channel}.", None)
    for channel in ("ops", "team"):
        expect(toast(page, f"unheard: {channel} was not told. Nobody answers at {channel}.")).to_be_visible()


def test_a_schedule_that_pauses_itself_is_told(lab: Lab, page: Page) -> None:
    at_work(lab, page, "weary", policies={"pause_after": 1})
    with closing(lab.store()) as store:
        schedule = store.schedules.find("weary", owner="local")
        yesterday = clock.now().replace(microsecond=0) - timedelta(days=1)
        due = recurrence.next_after(schedule.spec.timing, yesterday)
        assert due is not None
        late = schedule.model_copy(update={"cursor": yesterday, "next_due": due.instant})
        assert store.schedules.replace(schedule, late, actor="test", kind=None)
    expect(toast(page, "weary paused itself: its last run failed.")).to_be_visible()
    expect(toast(page, "weary: KeyError")).to_be_visible()


@pytest.mark.proof("browsers")
def test_silence_is_told_and_leads_to_the_run_that_published_nothing(lab: Lab, page: Page) -> None:
    by = (clock.now() - timedelta(minutes=1)).replace(second=0, microsecond=0)
    at_work(lab, page, "silent", notify={"silence_by": f"{by:%H:%M}"})
    with closing(lab.store()) as store:
        schedule = store.schedules.find("silent", owner="local")
        due = by - timedelta(hours=1)
        failed = {
            "status": RunStatus.FAILED,
            "reason": Reason.CELL_FAILED,
            "message": "KeyError at cell 1 of 1: 'region'",
        }
        times = {"scheduled_for": due, "created_at": due, "started_at": due, "ended_at": due + timedelta(minutes=1)}
        store.runs.add(make_run(schedule, f"cron:0:{due:%Y-%m-%dT%H:%M}/0", **failed, **times), actor="test")
        silent = schedule.model_copy(update={"silence_due": by})
        assert store.schedules.replace(schedule, silent, actor="test", kind=None)
    told = toast(page, "silent: nothing was published in time.")
    expect(told).to_be_visible()
    told.get_by_role("button", name="Open run").click()
    expect(panel(page).get_by_role("heading", name=re.compile("^Failed"))).to_be_visible()
