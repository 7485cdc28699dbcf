"""Files that runs left, in a browser: pictures show, charts draw, files are saved, and Jupyter is out of reach."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, FrameLocator, Page, expect

from tests.ui.conftest import CHROMIUM
from tests.ui.lab import Lab
from tests.ui.walk import panel

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
]

#: a chart that needs its script, a script beside it, and a picture; as Plotly, Bokeh and Vega write them
CHART = """<!doctype html><title>chart</title><img src="plot.png"><div id="chart"></div>
<script src="parts/draw.js"></script>
<script>draw(new Function('return [3, 4]')())</script><a download href="rides.csv">rides</a>"""
DRAW = "function draw(data) { document.querySelector('#chart').textContent = `${data.length} bars` }"
#: what a page would do that wants something of Jupyter's; each try ends in what it got
HOSTILE = """<!doctype html><title>hostile</title><ol id="got"></ol><script>
const base = location.href.split('/jupyter-schedule/')[0] + '/';
const tries = {
  fetch: async () => (await fetch(base + 'api/contents', {credentials: 'include'})).text(),
  xhr: () => new Promise((got, not) => {
    const ask = new XMLHttpRequest();
    ask.onload = () => got(ask.responseText); ask.onerror = () => not(new Error('blocked'));
    ask.open('GET', base + 'jupyter-schedule/schedules'); ask.send();
  }),
  socket: () => new Promise((got, not) => {
    const socket = new WebSocket(base.replace('http', 'ws') + 'api/events/subscribe');
    socket.onopen = () => got('open'); socket.onerror = () => not(new Error('blocked'));
  }),
  beacon: async () => navigator.sendBeacon(base + 'api/shutdown', '') ? Promise.reject(new Error('unread')) : 'no',
  cookie: async () => document.cookie || 'none',
  storage: async () => localStorage.length,
  parent: async () => parent === window ? Promise.reject(new Error('alone')) : parent.document.title,
  opener: async () => window.opener ? window.opener.document.title : Promise.reject(new Error('alone')),
  frame: () => new Promise((got, not) => {
    const frame = document.createElement('iframe');
    frame.onload = () => { try { got(frame.contentDocument.body.textContent) } catch (error) { not(error) } };
    frame.src = base + 'jupyter-schedule/status'; document.body.append(frame);
    setTimeout(() => not(new Error('nothing')), 3000);
  }),
  tab: async () => window.open(base + 'api/status').document.title,
  script: () => new Promise((got, not) => {
    const script = document.createElement('script');
    script.onload = () => got('ran'); script.onerror = () => not(new Error('blocked'));
    script.src = base + 'files/secret.js'; document.body.append(script);
  }),
  form: () => new Promise((got, not) => {
    const form = document.createElement('form');
    form.method = 'post'; form.action = base + 'api/sessions'; form.target = 'other';
    document.body.append(form); form.submit(); setTimeout(() => not(new Error('no answer')), 500);
  }),
};
(async () => {
  for (const [name, attempt] of Object.entries(tries)) {
    const line = document.createElement('li');
    try { line.textContent = `${name}: GOT ${await attempt()}` }
    catch (error) { line.textContent = `${name}: ${error.name}` }
    document.querySelector('#got').append(line);
  }
  document.title = 'finished';
})();
</script>"""
CODE = f"""from pathlib import Path
import base64
out = Path('output'); (out / 'parts').mkdir(parents=True, exist_ok=True)
picture = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='
(out / 'plot.png').write_bytes(base64.b64decode(picture))
(out / 'rides.csv').write_text('station,rides\\nBerri 1,841\\n')
(out / 'facts.json').write_text('{{"rides": {{"north": 3}}}}')
(out / 'chart.html').write_text({CHART!r})
(out / 'parts' / 'draw.js').write_text({DRAW!r})
(out / 'hostile.html').write_text({HOSTILE!r})"""
#: the output of a cell that draws by a script, and asks for what isn't its own
SHOWN = """from IPython.display import HTML
HTML('<div id="live">waits</div><script>let got; try { got = parent.document.title } catch (e) { got = e.name }'
     'document.querySelector("#live").textContent = "drawn, " + got</script>')"""
#: what every try must end in, but for `cookie` and `storage`, which have no answer to give
REFUSED = re.compile(r"^\w+: (SecurityError|TypeError|Error|InvalidStateError)$")


@pytest.fixture(scope="module")
def run_id(lab: Lab) -> str:
    """A run with such files."""
    lab.notebook("opened/opened_files.ipynb", CODE, SHOWN)
    (lab.root / "secret.js").write_text("window.secret = 1")
    lab.schedule("opened/opened_files.ipynb", run_now=True)
    run = lab.ended("opened_files")
    assert run["status"] == "succeeded", run
    return str(run["run_id"])


@pytest.fixture
def shown(lab: Lab, page: Page, run_id: str) -> Page:
    """The run's page in the panel."""
    page.goto(lab.link(f"run/{run_id}"))
    expect(panel(page).get_by_role("heading", name=re.compile("^Succeeded"))).to_be_visible()
    return page


def _open(context: BrowserContext, page: Page, link: str) -> Page:
    with context.expect_page() as opened:
        panel(page).get_by_role("link", name=link, exact=True).click()
    opened.value.wait_for_load_state()
    return opened.value


def _saved(page: Page, link: str) -> str:
    with page.expect_download() as download:
        page.get_by_role("link", name=link).first.click()
    return Path(download.value.path()).read_text()


def test_published_files_show_their_picture_and_are_saved(context: BrowserContext, shown: Page) -> None:
    tab = _open(context, shown, "Published files")
    picture = tab.get_by_role("img", name="plot.png")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1
    assert _saved(tab, "rides.csv") == "station,rides\nBerri 1,841\n"
    tab.get_by_role("link", name="chart.html").first.click()
    expect(tab.locator("#chart")).to_have_text("2 bars")
    tab.close()


@pytest.mark.proof("browsers")
def test_a_chart_draws_with_the_script_and_the_picture_beside_it(context: BrowserContext, shown: Page) -> None:
    tab = _open(context, shown, "Open chart.html")
    expect(tab.locator("#chart")).to_have_text("2 bars")
    assert tab.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 1
    assert _saved(tab, "rides") == "station,rides\nBerri 1,841\n"
    tab.close()


def test_a_hostile_page_reads_nothing_of_jupyters(context: BrowserContext, shown: Page) -> None:
    tab = _open(context, shown, "Open hostile.html")
    expect(tab).to_have_title("finished")
    got = tab.locator("#got li").all_text_contents()
    assert len(got) == 12
    assert [line for line in got if not REFUSED.match(line)] == []
    assert tab.evaluate("'secret' in window") is False
    assert tab.evaluate("origin") == "null"
    tab.close()


@pytest.mark.proof("browsers")
def test_the_executed_notebook_draws_and_reaches_nothing(shown: Page) -> None:
    panel(shown).get_by_text("Executed notebook", exact=True).last.click()
    frame: FrameLocator = panel(shown).frame_locator("iframe")
    expect(frame.locator("#live")).to_have_text("drawn, SecurityError")
    panel(shown).get_by_role("button", name="Open result").click()
    expect(shown.frame_locator("#jp-main-dock-panel iframe").locator("#live")).to_have_text("drawn, SecurityError")


@pytest.mark.proof("browsers")
def test_a_table_json_and_the_whole_run_are_had_in_the_panel(shown: Page) -> None:
    here = panel(shown)
    here.locator("li", has_text="rides.csv").get_by_text("Preview").click()
    expect(here.get_by_role("columnheader", name="rides")).to_be_visible()
    here.locator("li", has_text="facts.json").get_by_text("Preview").click()
    here.get_by_text("rides: {1 entry}").click()
    expect(here.get_by_text("north: 3")).to_be_visible()
    with shown.expect_download() as download:
        here.get_by_role("link", name="Download all as .zip").click()
    assert download.value.suggested_filename.endswith(".zip")


@pytest.mark.proof("browsers")
def test_an_address_that_was_changed_by_a_letter_says_so(context: BrowserContext, shown: Page) -> None:
    tab = _open(context, shown, "Open chart.html")
    address = tab.url
    place = address.index("-", address.index("/opened/")) + 3
    letter = "A" if address[place] != "A" else "B"
    tab.goto(address[:place] + letter + address[place + 1 :])
    expect(tab.get_by_text("This address opens for ten minutes: open the file again from Jupyter.")).to_be_visible()
    tab.close()
