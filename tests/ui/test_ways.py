"""A person's ways through the panel, in JupyterLab and in Notebook 7."""

import base64
import io
import json
import re
import tarfile
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.engine import eventually
from tests.ui.conftest import CHROMIUM
from tests.ui.lab import DARK, LIGHT, Lab
from tests.ui.looks import picture, too_wide, violations
from tests.ui.walk import open_form, panel, press_schedule

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
    pytest.mark.parametrize("app", ["lab", pytest.param("notebooks", marks=pytest.mark.proof("browsers"))]),
]

HELLO = "from pathlib import Path\nPath('output').mkdir(exist_ok=True)\nPath('output/hello.txt').write_text('hello')"

#: a file from the desktop falls onto an element
_DROP = """(element, [name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(text), sign => sign.charCodeAt(0))], name));
  element.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


def button(place: Locator, name: str) -> Locator:
    return place.get_by_role("button", name=name, exact=True)


def choose(page: Page, item: str) -> None:
    """From the menu of a schedule's page."""
    button(panel(page), "More actions").click()
    panel(page).get_by_role("menuitem", name=item).click()


def test_the_button_of_a_notebook_leads_to_a_run_and_to_an_opened_file(lab: Lab, page: Page, app: str) -> None:
    lab.notebook(f"ways-{app}/hello-{app}.ipynb", HELLO)
    lab.notebook(f"ways-{app}/another.ipynb", HELLO)
    page.goto(lab.address(f"ways-{app}/hello-{app}.ipynb", app))
    if app == "lab":  # what is selected in the file browser is nobody's subject
        page.get_by_role("listitem", name=re.compile("another.ipynb")).click()
    form = open_form(page)
    for label in ("Job name", "Schedule frequency", "Time of day", "Output directory"):
        expect(form.get_by_label(label)).to_be_visible()
    expect(form.get_by_label("Job name")).to_have_value(f"hello-{app}")
    expect(form.get_by_label("Job name")).to_be_focused()
    assert [*violations(page, form), *too_wide(form)] == []

    press_schedule(page)

    expect(panel(page).get_by_text(re.compile("^Scheduled[.].* Next: .* your time."))).to_be_visible()
    expect(panel(page).get_by_role("heading", name=re.compile("^Succeeded in"))).to_be_visible()
    assert [*violations(page, panel(page)), *too_wide(panel(page))] == []
    with page.expect_popup() as opened:
        panel(page).get_by_role("link", name="Open hello.txt").click()
    expect(opened.value.get_by_text("hello")).to_be_visible()
    opened.value.close()
    if app == "lab":
        button(panel(page), "Open result").click()
        expect(page.get_by_role("tab", name=re.compile(f"hello-{app} · "))).to_be_visible()
    else:
        with page.expect_popup() as result:
            button(panel(page), "Open result").click()
        expect(result.value.get_by_text("write_text").first).to_be_visible()
        result.value.close()


def test_a_schedule_is_edited_paused_duplicated_and_deleted(lab: Lab, page: Page, app: str) -> None:
    name = f"daily-{app}"
    lab.notebook(f"ways-{app}/{name}.ipynb", HELLO)
    lab.schedule(f"ways-{app}/{name}.ipynb")
    page.goto(lab.link(f"schedule/{name}", app))
    here = panel(page)

    here.get_by_role("button", name=re.compile("^Time of day")).click()
    time = here.get_by_role("textbox", name="Time of day (UTC)")
    time.fill("06:30")
    time.press("Enter")
    expect(here.get_by_text("06:30 UTC", exact=True)).to_be_visible()

    button(here, "Edit").click()
    # until then lines come in above, and a click may miss what moves
    expect(here.get_by_text(re.compile("^Runs every day"))).to_be_visible()
    here.get_by_text("More options").click()
    here.get_by_label("Job timeout (minutes)").fill("15")
    button(here, "Save changes").click()
    expect(here.get_by_text("15 min", exact=True)).to_be_visible()
    expect(here.get_by_text("06:30 UTC", exact=True)).to_be_visible()

    button(here, "Pause").click()
    expect(here.get_by_text(re.compile("^Paused by you since"))).to_be_visible()
    button(here, "Undo").click()
    expect(here.get_by_text(re.compile("^Runs every day"))).to_be_visible()

    choose(page, "Duplicate")
    expect(here.get_by_label("Job name")).to_have_value("")
    expect(here.get_by_label("Time of day")).to_have_value("06:30")
    here.get_by_label("Job name").fill(f"{name}-2")
    here.get_by_label("Run once now").uncheck()
    button(here, "Schedule").click()
    expect(here.get_by_role("heading", name=f"{name}-2")).to_be_visible()

    choose(page, "Delete")
    expect(here.get_by_role("link", name=name, exact=True)).to_be_visible()
    expect(here.get_by_role("link", name=f"{name}-2")).to_have_count(0)
    button(here, "Undo").click()
    expect(here.get_by_role("link", name=f"{name}-2")).to_be_visible()
    button(here, f"Actions for {name}-2").click()
    here.get_by_role("menuitem", name="Delete").click()
    page.reload()
    expect(here.get_by_role("link", name=name, exact=True).or_(here.get_by_role("heading", name=name))).to_be_visible()
    eventually(lambda: f"{name}-2" not in {each["name"] for each in lab.ask("GET", "schedules")}, what="the deletion")


def test_a_run_that_failed_for_want_of_a_file_says_so_first_and_is_mended_by_one_click(
    lab: Lab, page: Page, app: str
) -> None:
    (lab.root / f"mend-{app}" / "data").mkdir(parents=True)
    (lab.root / f"mend-{app}" / "data" / "rides.csv").write_text("841")
    hidden = b"../data/rides.csv".hex()  # what looks at the notebook before a run doesn't see this file
    reads = f"name = bytes.fromhex({hidden!r}).decode()\nrides = open(name).read()\nprint(rides)"
    lab.notebook(f"mend-{app}/reports/mended-{app}.ipynb", "print('first')", reads, HELLO)
    page.goto(lab.address(f"mend-{app}/reports/mended-{app}.ipynb", app))
    open_form(page)
    press_schedule(page)
    here = panel(page)

    expect(here.get_by_role("heading", name="Failed at cell 2 of 3")).to_be_visible()
    cause = "FileNotFoundError: ../data/rides.csv was not in the code tarball. Cell 2 reads it."
    expect(here.get_by_role("alert")).to_have_text(cause)
    expect(here.locator("figure [data-failed]")).to_have_text("rides = open(name).read()")
    expect(here.locator("details", has_text="Full traceback")).not_to_have_attribute("open", "")

    button(here, "Add the file and run again").click()
    expect(here.get_by_role("heading", name=re.compile("^Succeeded in"))).to_be_visible()
    assert lab.ask("GET", f"schedules/mended-{app}")["form"]["files"] == [f"mend-{app}/data/rides.csv"]


@pytest.mark.proof("browsers")
def test_a_tarball_is_picked_or_dropped_and_runs_with_its_command(
    lab: Lab, page: Page, app: str, tmp_path: Path
) -> None:
    packed = tmp_path / f"Word count {app}.tar.gz"
    with tarfile.open(packed, "w:gz") as tar:
        script = b'#!/bin/sh\nwc -w words.txt > "$OUTPUT_DIR/$1"\n'
        for name, content in {"run.sh": script, "words.txt": b"one two three"}.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    page.set_viewport_size({"width": 1140, "height": 1000})
    page.goto(lab.link("tarball", app))
    here = panel(page)
    place = button(here, "Choose a tarball")
    expect(place).to_be_visible()
    if app == "lab":
        with page.expect_file_chooser() as chooser:
            place.click()
        chooser.value.set_files(packed)
    else:
        place.locator("..").evaluate(_DROP, [packed.name, base64.b64encode(packed.read_bytes()).decode()])
    expect(here.get_by_text(re.compile(f"^Word count {app}.tar.gz, 2 files, "))).to_be_visible()
    here.get_by_label("Execution commandline").fill("./run.sh counted.txt")
    expect(here.get_by_text(re.compile("^Runs every day at 12:00 UTC"))).to_be_visible()
    expect(here.get_by_label("Job name")).to_have_value(f"word-count-{app}")
    for theme in (LIGHT, DARK) if app == "lab" else ():
        lab.theme(theme)
        page.goto(lab.link("tarball"))  # what was chosen is kept with the rest of the draft
        expect(here.get_by_label("Execution commandline")).to_have_value("./run.sh counted.txt")
        expect(here.get_by_text(re.compile("^Runs every day at 12:00 UTC"))).to_be_visible()
        assert [*violations(page, here), *too_wide(here)] == []
        picture(here, f"tarball-{theme.split()[1].lower()}-320")
    lab.theme(LIGHT)

    press_schedule(page)
    expect(here.get_by_role("heading", name=re.compile("^Succeeded in"))).to_be_visible()
    expect(here.get_by_role("link", name="Open counted.txt")).to_be_visible()
    form = lab.ask("GET", f"schedules/word-count-{app}")["form"]
    assert (form["notebook"], form["command"]) == (None, "./run.sh counted.txt")


def test_what_isnt_saved_is_saved_first_and_that_is_said(lab: Lab, page: Page, app: str) -> None:
    file = lab.notebook(f"ways-{app}/unsaved-{app}.ipynb", "print('old')")
    page.goto(lab.address(f"ways-{app}/unsaved-{app}.ipynb", app))
    cell = page.locator(".jp-Notebook .jp-CodeCell .cm-content").first
    cell.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nprint('typed before')")
    form = open_form(page)
    # a kernel that is ready meanwhile adds its language to the notebook, which is unsaved again
    expect(form.get_by_text(re.compile("Unsaved changes (were|will be) saved first."))).to_be_visible()
    assert "typed before" in file.read_text()

    cell.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nprint('typed after')")
    expect(form.get_by_text("Unsaved changes will be saved first.")).to_be_visible()
    form.get_by_label("Run once now").uncheck()
    press_schedule(page)
    expect(panel(page).get_by_role("heading", name=f"unsaved-{app}")).to_be_visible()
    assert "typed after" in json.dumps(json.loads(file.read_text()))
