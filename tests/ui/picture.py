"""`./dev picture`: the screenshot that README shows, taken anew."""

import re
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.ui.conftest import CHROMIUM, QUIET
from tests.ui.lab import EXAMPLES, Lab
from tests.ui.walk import open_form, panel, press_schedule

PICTURE = EXAMPLES.parent / "docs" / "panel.png"


def main() -> None:
    """JupyterLab at the sample, two clicks later, when the run has succeeded."""
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        lab = Lab(Path(scratch))
        lab.start()
        try:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
            page = browser.new_page(viewport={"width": 1280, "height": 860}, timezone_id="Europe/Paris")
            page.goto(lab.address("examples/flights/flights.ipynb"))
            open_form(page)
            press_schedule(page)
            expect(panel(page).get_by_role("heading", name=re.compile("^Succeeded"))).to_be_visible()
            plot = panel(page).get_by_role("img", name="weekly.png")
            plot.scroll_into_view_if_needed()
            page.wait_for_function("image => image.complete && image.naturalWidth", arg=plot.element_handle())
            page.screenshot(path=PICTURE)
            browser.close()
        finally:
            lab.stop()


if __name__ == "__main__":
    main()
