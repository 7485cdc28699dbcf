"""The way in: clicks, keys, turns of the wheel, seconds and bytes, beside jupyter-scheduler's in the same browser."""

import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks import Row
from benchmarks.peers import jupyter_scheduler as theirs
from tests.ui import budget as ours
from tests.ui.conftest import CHROMIUM, QUIET, READER, WIDE
from tests.ui.effort import Person, Traffic, ready
from tests.ui.environments import of_others, with_us
from tests.ui.lab import Lab
from tests.ui.walk import panel

PEER = "jupyter-scheduler"
TRIES = 3
#: measured values of one kind, one for each try
Measures = dict[str, list[float]]
#: a name, and the steps that lead to its goal
Tasks = Sequence[tuple[str, Sequence[Callable[[Person], object]]]]


def rows() -> Iterator[Row]:
    """Each is the median of some tries, in both cases from a notebook that is open in the newest JupyterLab."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        mine = _measured(browser, with_us("bench-ours", "jupyterlab", "notebook"), "jupyter-schedule", OURS)
        peers = _measured(browser, of_others(f"bench-{PEER}", PEER, "jupyterlab"), "@jupyterlab/scheduler", THEIRS)
        browser.close()
    for name in mine:
        unit = "s" if name.endswith("seconds") else ""
        yield Row(name, statistics.median(mine[name]), PEER, statistics.median(peers[name]), unit)


def _measured(browser: Browser, python: Path, extension: str, tasks: Tasks) -> Measures:
    measures: Measures = defaultdict(list)
    for _ in range(TRIES):
        with tempfile.TemporaryDirectory() as scratch:
            lab = Lab(Path(scratch), python)
            lab.start()
            try:
                _try(measures, lab, browser, extension, tasks)
            finally:
                lab.stop()
    return measures


def _try(measures: Measures, lab: Lab, browser: Browser, extension: str, tasks: Tasks) -> None:
    report = ours.put_report(lab, "report")
    lab.notebook("broken/broken.ipynb", ours.BROKEN)
    with _page(browser) as page:
        traffic = Traffic(page, extension, "none")
        page.goto(lab.address(report))
        ready(page)
        page.wait_for_load_state("networkidle")
        measures["start: bytes of scripts"].append(sum(traffic.scripts))
        measures["start: requests for scripts"].append(len(traffic.scripts))
    for name, steps in tasks:
        with _page(browser) as page:
            person = Person(page)
            page.goto(lab.address("broken/broken.ipynb" if "failed" in name else report))
            ready(page)
            page.wait_for_load_state("networkidle")
            _take(measures, name, person, steps)


def _take(measures: Measures, name: str, person: Person, steps: Sequence[Callable[[Person], object]]) -> None:
    begin = time.perf_counter()
    for step in steps:
        step(person)
    measures[f"{name}: seconds"].append(time.perf_counter() - begin)
    for kind, amount in person.spent()._asdict().items():
        measures[f"{name}: {kind}"].append(amount)


@contextmanager
def _page(browser: Browser) -> Iterator[Page]:
    """With an empty cache."""
    context = browser.new_context(viewport=WIDE, **READER)
    context.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    yield context.new_page()
    context.close()


def _run_again(person: Person) -> None:
    ours.open_schedule(person)
    person.click(panel(person.page).get_by_role("button", name="Run now"))


OURS: Tasks = (
    ("open the form", (ours.open_form,)),
    ("daily at noon UTC, data file included", (ours.open_form, ours.confirm)),
    ("run it now, see its result", (_run_again, ours.see_result)),
    ("know why a run failed", (ours.open_form, ours.confirm, ours.see_cause)),
    ("change the time of day", (ours.change_time,)),
    ("pause", (ours.pause,)),
)
THEIRS: Tasks = (
    ("open the form", (theirs.open_form,)),
    (
        "daily at noon UTC, data file included",
        (theirs.open_form, theirs.take_folder, theirs.fill_daily_at_noon, theirs.confirm),
    ),
    (
        "run it now, see its result",
        (theirs.open_form, theirs.take_folder, theirs.confirm, theirs.see_success, theirs.see_result),
    ),
    ("know why a run failed", (theirs.open_form, theirs.confirm, theirs.see_failure, theirs.see_cause)),
    ("change the time of day", (theirs.change_time,)),
    ("pause", (theirs.pause,)),
)
