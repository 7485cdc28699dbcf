"""What was kept from the public is seen in the panel, and a person's word publishes it: on a real S3 server."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from jupyter_schedule.core import clock
from tests.s3_servers import S3Server
from tests.scheduler_service.admin.test_check import everybody_may, storage_on
from tests.ui.conftest import CHROMIUM, READER
from tests.ui.lab import DARK, LIGHT, Lab
from tests.ui.looks import picture, too_wide, violations
from tests.ui.walk import panel

pytestmark = [
    pytest.mark.browser,
    pytest.mark.s3,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
]

ROWS = "month,rides\\n" + "".join(f"2026-{month:02},{month * 1000}\\n" for month in range(1, 10))
WRITES = (
    "from pathlib import Path\nout = Path('output')\nout.mkdir(exist_ok=True)",
    f"(out / 'rides.csv').write_text('{ROWS}')",
    "(out / 'notes.txt').write_text('All went well.\\nAsk ana.lopez@firma.de.\\n')",
)
REASON = "Ana is our press office."


@pytest.fixture
def public_lab(seaweedfs: S3Server, tmp_path: Path) -> Iterator[Lab]:
    """A JupyterLab whose operator has set up a public area."""
    everybody_may(seaweedfs, "s3:GetObject")
    storage = storage_on(seaweedfs).model_dump(exclude_none=True, exclude={"most_files", "work"})
    settings = tmp_path / "data" / "schedule" / "service.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(
        "\n".join(["[storage]", *(f"{name} = {json.dumps(value)}" for name, value in storage.items()), ""])
    )
    made = Lab(tmp_path)
    made.start()
    yield made
    made.stop()


def held_back(lab: Lab) -> Any:
    """A run by the clock of a public schedule, in whose results the check found something."""
    lab.notebook("reports/rides.ipynb", *WRITES)
    form = {"notebook": "reports/rides.ipynb", "name": "rides", "visibility": "public"}
    lab.ask("POST", "schedules", {"form": form, "public_confirmed": True})
    yesterday = f"{clock.now() - timedelta(days=1):%Y-%m-%d}"
    lab.ask("POST", "schedules/rides/backfill", {"first_day": yesterday, "last_day": yesterday})
    return lab.ended("rides")


def seen(browser: Browser, lab: Lab, run: str, theme: str, width: int) -> tuple[Page, Locator]:
    """A page at which the run is open, and its part about what was kept."""
    lab.theme(theme)
    page = browser.new_page(viewport={"width": {320: 1140, 400: 1440}[width], "height": 1000}, **READER)
    page.goto(lab.link(f"run/{run}"))
    kept = panel(page).locator("section", has=page.get_by_role("heading", name="Kept from the public"))
    expect(kept).to_be_visible()
    return page, kept


def test_a_named_person_publishes_for_a_reason_what_was_kept_and_its_address_opens(
    public_lab: Lab, browser: Browser, seaweedfs: S3Server
) -> None:
    """Whole and readable in each theme and width; nothing is public before, all of it after."""
    run = held_back(public_lab)
    assert (run["status"], run["reason"]) == ("failed", "disclosure")
    public = seaweedfs.client().list_objects_v2(Bucket=seaweedfs.bucket("public"), Prefix="rides/")
    assert public["KeyCount"] == 0

    found: list[str] = []
    for name, theme, width in (("dark", DARK, 400), ("light", LIGHT, 320), ("light", LIGHT, 400)):
        page, kept = seen(browser, public_lab, run["run_id"], theme, width)
        picture(panel(page), f"kept-{name}-{width}")
        found += [f"{name} {width}: {each}" for each in (*too_wide(panel(page)), *violations(page, panel(page)))]
        if (name, width) != ("light", 400):
            page.close()
    assert found == []

    expect(kept.get_by_role("listitem")).to_have_text([re.compile("“output/notes.txt”, line 2: .*e-mail address")])
    kept.get_by_role("textbox", name="Why they may be public").fill(REASON)
    kept.get_by_role("button", name="Publish anyway").click()
    expect(panel(page).get_by_role("heading", name=re.compile("^Succeeded"))).to_be_visible()
    picture(panel(page), "released-light-400")
    (said,) = [each["release"] for each in public_lab.ask("GET", "schedules/rides/runs") if each["release"]]
    assert (said["reason"], said["by"]) == (REASON, "local")
    with page.expect_popup() as popup:
        panel(page).get_by_role("link", name="Published files").click()
    opened = popup.value
    opened.wait_for_load_state()
    assert opened.url.startswith(f"{seaweedfs.endpoint}/{seaweedfs.bucket('public')}/rides/")
    expect(opened.get_by_role("link", name="notes.txt").first).to_be_visible()
    page.close()


@pytest.mark.proof("browsers")
def test_going_back_to_a_public_version_says_what_that_means_before_it_is_done(public_lab: Lab, page: Page) -> None:
    public_lab.notebook("reports/again.ipynb", "rides = 1")
    form = {"notebook": "reports/again.ipynb", "name": "again", "visibility": "public"}
    public_lab.ask("POST", "schedules", {"form": form, "public_confirmed": True})
    public_lab.ask("PATCH", "schedules/again", {"form": {"visibility": "private"}}, **{"If-Match": "1"})
    here = panel(page)
    page.goto(public_lab.link("versions/again"))
    here.get_by_role("button", name="Go back to version 1").click()
    asked = here.get_by_role("button", name="I checked it: publish")
    expect(asked).to_be_visible()
    picture(here, "go-back-to-public")
    assert public_lab.ask("GET", "schedules/again")["form"]["visibility"] == "private"
    asked.click()
    expect(here.get_by_text("Version 3, in use")).to_be_visible()
    assert public_lab.ask("GET", "schedules/again")["form"]["visibility"] == "public"
