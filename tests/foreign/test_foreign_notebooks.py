"""Notebooks that nobody here wrote are scheduled without need for a change, and end as they do for their authors."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.foreign.archives import Archive, Away, fetch_archive, list_archives, make_environment
from tests.foreign.run import Seen, schedule_and_run

ARCHIVES = list_archives()
DOCUMENT = Path(__file__).parents[2] / "docs" / "other-peoples-notebooks.md"
#: by archive: notebooks, refused without need, missed files, wrong ends, false alarms
ROW = re.compile(r"^\| ([\w-]+) ([\w.]+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE)
#: seconds for all archives together, in each process; on a machine that is busy with other things some are left out
BUDGET = 480
#: what is raised for a file or module that isn't there
ABSENCES = {"FileNotFoundError", "ModuleNotFoundError", "ImportError", "OSError"}


@pytest.fixture(scope="session")
def deadline() -> float:
    """Until when archives are begun with; the first one starts it."""
    return time.monotonic() + BUDGET


def told() -> dict[str, tuple[int, ...]]:
    """The document's table, by archive."""
    rows = ROW.findall(DOCUMENT.read_text(encoding="utf-8"))
    return {f"{name} {version}": tuple(map(int, counts)) for name, version, *counts in rows}


def test_sixty_are_listed_a_fourth_of_them_from_outside_jupyters_own_projects() -> None:
    jupyters = {"nbclient", "nbconvert", "nbformat", "nbdime", "jupytext", "voila", "papermill", "nbval", "nbmake"}
    outside = [path for archive in ARCHIVES if archive.name not in jupyters for path in archive.notebooks]
    assert sum(len(archive.notebooks) for archive in ARCHIVES) >= 60
    assert len(outside) >= 15


def test_the_document_has_what_is_reached() -> None:
    """None refused without need, no file missed without a word, and at most one alarm in fifty for nothing."""
    counts = [sum(column) for column in zip(*told().values(), strict=True)]
    assert told().keys() == {f"{archive.name} {archive.version}" for archive in ARCHIVES}
    assert counts[0] == sum(len(archive.notebooks) for archive in ARCHIVES)
    assert counts[1:4] == [0, 0, 0]
    assert counts[4] <= 0.02 * counts[0]


@pytest.mark.proof("faults")
@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda archive: archive.name)
def test_the_notebooks_of_an_archive_end_as_they_do_in_its_folder(
    archive: Archive, tmp_path: Path, deadline: float
) -> None:
    if time.monotonic() > deadline:
        pytest.skip(f"{BUDGET // 60} minutes for other people's notebooks are over")
    try:
        content, python = fetch_archive(archive), make_environment()
    except Away as problem:
        pytest.skip(f"the package index is away: {problem}")

    def look(number: int, notebook: str) -> Seen:
        folder = tmp_path / str(number)
        folder.mkdir()
        return schedule_and_run(content, notebook, python, folder)

    with ThreadPoolExecutor(2) as pool:
        seen = dict(
            zip(archive.notebooks, pool.map(look, *zip(*enumerate(archive.notebooks), strict=True)), strict=True)
        )
    refused = [(path, each.refused) for path, each in seen.items() if each.refused]
    wrong = {path: each for path, each in seen.items() if not each.refused and each.end != archive.notebooks[path]}
    missed = {path: each for path, each in wrong.items() if each.end in ABSENCES and not each.alarms}
    alarms = {path: each.alarms for path, each in seen.items() if each.end == "ok" and each.alarms}
    counts = (len(seen), len(refused), len(missed), len(wrong) - len(missed), len(alarms))
    assert counts == told()[f"{archive.name} {archive.version}"], (refused, wrong, alarms)
