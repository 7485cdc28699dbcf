"""A notebook that carries script wherever it can: nothing of it runs where Jupyter's login is."""

import json
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.engine import notebook_of
from tests.ui.conftest import CHROMIUM
from tests.ui.lab import Lab
from tests.ui.walk import open_form, panel, press_schedule

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
]

#: asks for an address that nothing else asks for, in each of the ways in which markup can become script
SCRIPT = "fetch('/pwned?'+document.domain)"
MARKUP = f'<img src=x onerror="{SCRIPT}"><script>{SCRIPT}</script><svg onload="{SCRIPT}"></svg>'
DRAWING = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" onload="{SCRIPT}"><script>{SCRIPT}</script></svg>'
#: of files: no slash in it, and so one script tag less
NAME = f'"><img src=x onerror={SCRIPT.replace("/", "")}>'
CELLS = (
    "from pathlib import Path\nPath('output').mkdir(exist_ok=True)\n"
    f"Path('output/page.html').write_text({MARKUP!r})\nPath('output/drawing.svg').write_text({DRAWING!r})\n"
    f"Path('output/table.csv').write_text({MARKUP!r})",
    f"from IPython.display import HTML, Javascript, SVG, display\ndisplay(HTML({MARKUP!r}), Javascript({SCRIPT!r}))",
    f"print({MARKUP!r})\nprint('\\x1b]0;title\\x07' + label)",
)


@pytest.fixture
def asked(context: BrowserContext) -> Iterator[list[str]]:
    """Every request of the script, from any page or frame."""
    seen: list[str] = []

    def note(request: object) -> None:
        url = str(getattr(request, "url", ""))
        if "pwned" in url and "onerror" not in url:
            seen.append(url)

    context.on("request", note)
    yield seen
    context.remove_listener("request", note)


def test_the_script_would_be_seen_if_it_ran(lab: Lab, page: Page, asked: list[str]) -> None:
    page.route("**/page", lambda route: route.fulfill(body=MARKUP, content_type="text/html"))
    page.route("**/drawing", lambda route: route.fulfill(body=DRAWING, content_type="image/svg+xml"))
    for name in ("page", "drawing"):
        asked.clear()
        with page.expect_request(re.compile("pwned")):
            page.goto(lab.base + name)
        assert asked


def test_nothing_of_a_hostile_notebook_runs_wherever_it_is_shown(lab: Lab, page: Page, asked: list[str]) -> None:
    content = notebook_of(*CELLS, f"raise ValueError({MARKUP!r})", parameters=f"label = {MARKUP!r}")
    folder = lab.root / "payload"
    folder.mkdir()
    hostile = folder / f"hostile{NAME}.ipynb"
    hostile.write_text(json.dumps(content))
    (folder / f"data{NAME}.csv").write_text("x")
    page.goto(lab.address(f"payload/{hostile.name}"))
    form = open_form(page)
    form.get_by_label("Job name").fill("hostile")
    form.get_by_label("label", exact=True).fill(MARKUP + " ")
    form.get_by_role("button", name="Review files").click()
    form.get_by_label("Add a file, folder or pattern").fill(f"payload/data{NAME}.csv")
    page.keyboard.press("Enter")
    expect(form.get_by_text(re.compile(re.escape(f"payload/data{NAME}"))).first).to_be_visible()
    form.get_by_role("button", name="Done").click()
    press_schedule(page)
    here = panel(page)

    expect(here.get_by_role("heading", name=re.compile("^Failed at cell"))).to_be_visible()
    expect(here.get_by_role("alert").first).to_contain_text("<img src=x onerror=")
    expect(here.get_by_role("log")).to_contain_text("<img src=x")
    here.get_by_text(re.compile("^Full traceback")).click()
    here.locator("summary", has_text="Executed notebook").click()
    frame = here.frame_locator("iframe")
    expect(frame.get_by_text(re.compile("ValueError")).first).to_be_visible()
    here.get_by_role("button", name="Open executed notebook").click()
    expect(page.frame_locator(".jp-IFrame iframe").get_by_text(re.compile("ValueError")).first).to_be_visible()
    with page.expect_popup() as opened:
        here.get_by_role("link", name=re.compile("^Open .*html$")).last.click()
    expect(opened.value.get_by_text(re.compile("ValueError")).first).to_be_visible()
    opened.value.close()
    here.get_by_role("navigation").get_by_role("link", name="hostile").click()
    expect(here.get_by_role("heading", name="hostile")).to_be_visible()
    here.get_by_role("navigation").get_by_role("link", name="Schedules").click()
    expect(here.get_by_text(re.compile("<img src=x onerror=")).first).to_be_visible()
    assert asked == []


def test_nothing_of_hostile_results_runs_when_they_are_opened(
    lab: Lab, context: BrowserContext, page: Page, asked: list[str]
) -> None:
    lab.notebook("payload/results.ipynb", *CELLS, parameters="label = ''")
    lab.schedule("payload/results.ipynb", run_now=True)
    run = lab.ended("results")
    assert run["status"] == "succeeded"
    page.goto(lab.link(f"run/{run['run_id']}"))
    here = panel(page)
    expect(here.get_by_role("img", name="drawing.svg")).to_be_visible()
    here.locator("li", has_text="table.csv").get_by_text("Preview").click()
    expect(here.get_by_role("columnheader", name="<img src=x")).to_be_visible()
    for name in ("page.html", "drawing.svg"):
        with page.expect_popup() as opened:
            here.get_by_role("link", name=f"Open {name}").first.click()
        opened.value.wait_for_load_state()
        assert opened.value.evaluate("self.origin") == "null"
        opened.value.close()
    frozen = next(file["url"] for file in run["publication"]["files"] if file["path"] == "page.html")
    for address in (frozen, "/jupyter-schedule/publications/results/"):
        tab = context.new_page()
        tab.goto(f"{lab.base.rstrip('/')}{quote(address, safe='/%?=')}")
        assert tab.evaluate("self.origin") == "null"
        tab.close()
    assert asked == []
