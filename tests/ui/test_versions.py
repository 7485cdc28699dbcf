"""One bundle for every JupyterLab and Notebook that we say we run in, each in an environment of its own."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import CHROMIUM
from tests.ui.environments import with_us
from tests.ui.lab import Lab
from tests.ui.walk import open_form, panel, press_schedule

pytestmark = [
    pytest.mark.browser,
    pytest.mark.proof("browsers"),
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
]

#: JupyterLab and the Notebook that is built of it; all other tests are in the newest that there is
VERSIONS = [
    pytest.param(("4.4", "7.4"), id="lab-4.4"),
    pytest.param(("4.5", "7.5"), id="lab-4.5"),
    pytest.param(("4.6", "7.6"), id="lab-4.6"),
]


@pytest.fixture(scope="module", params=VERSIONS)
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab, notebook = request.param
    python = with_us(f"lab-{lab}", f"jupyterlab=={lab}.*", f"notebook=={notebook}.*")
    made = Lab(tmp_path_factory.mktemp("versions"), python)
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize("app", ["lab", "notebooks"])
def test_two_clicks_lead_to_a_run_that_succeeded(installed: Lab, page: Page, app: str) -> None:
    write = "from pathlib import Path\nPath('output').mkdir(exist_ok=True)\nPath('output/a.txt').write_text('1')"
    installed.notebook(f"two-clicks-{app}.ipynb", write)
    page.goto(installed.address(f"two-clicks-{app}.ipynb", app))
    open_form(page)
    press_schedule(page)
    expect(panel(page).get_by_text(re.compile("^Succeeded in")).first).to_be_visible()
    assert installed.published(f"two-clicks-{app}") == {"a.txt": "1"}
