"""Every view in every theme at every width: accessible, whole, and in a picture to look at."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.ui import gallery
from tests.ui.conftest import CHROMIUM
from tests.ui.lab import CONTRAST, DARK, LIGHT, Lab
from tests.ui.looks import picture, too_wide, violations
from tests.ui.walk import VIEWS, panel, run_cells

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
]

#: how wide the page is, by how wide the panel then is: in the sidebar, and with 900 pixels in the main area
PAGES = {320: 1140, 400: 1440, 900: 1240}
#: what JupyterLab tells of other tests' runs would lie on the buttons
NO_TOASTS = """addEventListener('DOMContentLoaded', () => document.head.append(Object.assign(
  document.createElement('style'), {textContent: '#react-toastify-container {display: none}'})))"""
proof = pytest.mark.proof("browsers")
#: beside the smallest and the largest
LOOKS = [("dark", 900), ("light", 400), ("light", 900), ("dark", 400), ("contrast", 400)]
THEMES = {"light": LIGHT, "dark": DARK, "contrast": CONTRAST}


@pytest.fixture(scope="module")
def _gallery(lab: Lab) -> Iterator[None]:
    gallery.hang(lab)
    yield
    lab.theme(LIGHT)


@pytest.fixture
def tab(lab: Lab, context: BrowserContext, _gallery: None, theme: str, width: int) -> Iterator[Page]:
    """A tab with a notebook that isn't scheduled yet."""
    lab.theme(THEMES[theme])
    page = context.new_page()
    page.add_init_script("localStorage.clear()")  # no drafts of the walk before
    page.add_init_script(NO_TOASTS)
    page.set_viewport_size({"width": PAGES[width], "height": 1000})
    page.goto(lab.address("gallery/reports/new_report.ipynb"))
    yield page
    page.close()


@proof
@pytest.mark.parametrize(("theme", "width"), [("light", 900), ("dark", 900)])
def test_in_a_cell_the_form_and_a_run_are_whole_and_axe_finds_nothing(
    lab: Lab, tab: Page, theme: str, width: int
) -> None:
    form = f"from jupyter_schedule import ScheduleForm\nScheduleForm(name='cell-{theme}')"
    lab.notebook(f"gallery/cell-{theme}.ipynb", form, "print(1)", parameters="month = 3\nstation = 'Berri 1'")
    tab.goto(lab.address(f"gallery/cell-{theme}.ipynb"))
    run_cells(lab, tab, f"gallery/cell-{theme}.ipynb", 2)
    cell = tab.locator(".jp-Schedule-widget .jp-Schedule")
    expect(cell.get_by_text(re.compile("^Runs every day"))).to_be_visible()
    picture(cell, f"cell-form-{theme}")
    found = [*too_wide(cell), *violations(tab, cell)]
    cell.get_by_role("button", name="Schedule", exact=True).click()
    expect(cell.get_by_role("heading", name=re.compile("^Succeeded"))).to_be_visible()
    picture(cell, f"cell-run-{theme}")
    assert [*found, *too_wide(cell), *violations(tab, cell)] == []


@pytest.mark.parametrize(
    ("theme", "width"),
    [("light", 320), *(pytest.param(*look, marks=proof) for look in LOOKS)],
)
def test_every_view_is_whole_and_axe_finds_nothing(tab: Page, theme: str, width: int) -> None:
    found = []
    for name, go in VIEWS.items():
        go(tab)
        if name == "form" and width == 900:
            panel(tab).get_by_role("button", name="Move to the main area, or back").click()
            expect(tab.locator("#jp-main-dock-panel #jupyter-schedule-panel")).to_be_visible()
        picture(panel(tab), f"{name}-{theme}-{width}")
        found += [f"{name}: {problem}" for problem in [*too_wide(panel(tab)), *violations(tab, panel(tab))]]
    shown = panel(tab).bounding_box()
    assert shown
    assert abs(shown["width"] - width) <= 10
    assert found == []
