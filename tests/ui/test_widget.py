"""The form inside a notebook's cell, as a person would use it."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.engine import notebook_of
from tests.ui.conftest import CHROMIUM
from tests.ui.lab import Lab
from tests.ui.walk import run_cells

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
]

CONTROL = "import ipywidgets\nchoice = ipywidgets.Dropdown(options=['NO', 'SE'], description='Choice')\nchoice"
FORM = """from jupyter_schedule import ScheduleForm
form = ScheduleForm(name='NAME', every='Monday', at='6:30', parameters={'country': choice})
form"""
WORK = """from pathlib import Path
Path('output').mkdir(exist_ok=True)
Path('output/country.txt').write_text(country)"""
SEEN = "print(form.schedule['name'], form.last_run['status'], sep=' is ') if form.schedule else None"


@pytest.mark.parametrize("app", ["lab", pytest.param("notebooks", marks=pytest.mark.proof("browsers"))])
def test_a_control_in_the_notebook_decides_a_parameter_and_python_sees_the_run(lab: Lab, page: Page, app: str) -> None:
    name = f"by-country-{app}"
    lab.notebook(f"{name}.ipynb", CONTROL, FORM.replace("NAME", name), WORK, SEEN, parameters="country = 'DK'")
    page.goto(lab.address(f"{name}.ipynb", app))
    run_cells(lab, page, f"{name}.ipynb", 3)
    cell = page.locator(".jp-Schedule-widget")
    expect(cell.get_by_label("Job name")).to_have_value(name)
    expect(cell.get_by_label("Job name")).not_to_be_focused()

    page.get_by_label("Choice").select_option("SE")
    expect(cell.get_by_label("country", exact=True)).to_have_value("SE")
    expect(cell.get_by_text(re.compile("Runs every Monday at 06:30 UTC")).first).to_be_visible()
    cell.get_by_role("button", name="Schedule", exact=True).click()

    expect(cell.get_by_text(re.compile("^Succeeded in")).first).to_be_visible()
    expect(cell.get_by_text("country=SE")).to_be_visible()
    assert lab.published(name) == {"country.txt": "SE"}

    page.locator(".jp-Notebook .jp-CodeCell .jp-InputArea-editor").nth(4).click()
    page.keyboard.press("Shift+Enter")
    expect(page.get_by_text(f"{name} is succeeded")).to_be_visible()


def test_the_function_finds_its_notebook_and_the_run_is_shown_in_the_cell(lab: Lab, page: Page) -> None:
    make = "from jupyter_schedule import RunView, schedule\njob = schedule(every='hour', at='5')\njob"
    ended = "ended = job.wait(60)\nprint(ended and ended.status)\nended and RunView(ended)"
    (lab.root / "own").mkdir()
    Path(lab.root / "own" / "Café.ipynb").write_text(json.dumps(notebook_of(make, ended)))
    page.goto(lab.address("own/Café.ipynb"))
    run_cells(lab, page, "own/Café.ipynb", 2)

    expect(page.get_by_text("succeeded", exact=True)).to_be_visible()
    expect(page.get_by_text(re.compile("Runs every hour at minute 5|Runs every hour")).first).to_be_visible()
    shown = page.locator(".jp-Schedule-widget")
    expect(shown.get_by_text(re.compile("^Succeeded in")).first).to_be_visible()
    expect(shown.get_by_text("cafe").first).to_be_visible()
