"""A run's outputs reach their addresses whole, in order, and never backwards."""

import gzip
from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_schedule.core.models import Trigger, utc_text
from jupyter_schedule.core.publication_keys import is_published
from jupyter_schedule.core.storage.factory import LocalStorage
from scheduler_service.publishing.index_page import SHOWN_RUNS
from scheduler_service.publishing.publish import PublishFailed, name_run_folder, publish
from tests.factories import NOON
from tests.scheduler_service.publishing.results import (
    DAY,
    KEYS,
    assert_readers_find_what_latest_points_at,
    data_of,
    document,
    due_on,
    entry,
    publish_files,
    result_of,
)
from tests.scheduler_service.stores import MemoryObjects, Writes

AWKWARD = [
    "a b.csv",
    'it\'s "quoted".csv',
    "new\nline.csv",
    "übung/数据.csv",
    "100%?#&;.csv",
    "<img src=x onerror=alert(1)>.csv",
    "-dash",
    ".hidden",
    "n" * 255,
    "manifest.json",
    "data:x.csv",
]


def test_a_run_is_published_at_its_own_and_at_the_stable_address(tmp_path: Path) -> None:
    area = LocalStorage(tmp_path / "published")
    run = due_on(0)

    publication = publish_files(run, {"weekly.csv": b"1,2\n", "days/1.csv.gz": b"zip"}, area)

    folder = f"runs/20261124T120000Z-{run.id[:8]}"
    assert name_run_folder(run) == folder
    assert data_of(area) == {"weekly.csv": b"1,2\n", "days/1.csv.gz": b"zip"}
    assert publication.url == area.url("flights/data/")
    assert {file.path: file.url for file in publication.files} == {
        path: area.url(f"flights/{folder}/files/{path}") for path in ("weekly.csv", "days/1.csv.gz")
    }
    assert [stored.key for stored in area.list("flights/")] == [
        "flights/data.json",
        "flights/data/days/1.csv.gz",
        "flights/data/weekly.csv",
        "flights/index.html",
        "flights/latest.json",
        "flights/runs.json",
        f"flights/{folder}/files/days/1.csv.gz",
        f"flights/{folder}/files/weekly.csv",
        f"flights/{folder}/manifest.json",
    ]


def test_the_documents_say_what_readers_rely_on() -> None:
    area, run = MemoryObjects(), due_on(0)
    zip_bytes = gzip.compress(b"1,2\n", mtime=0)
    publish_files(run, {"weekly.csv": b"1,2\n", "days/1 & 2.csv.gz": zip_bytes, "only called.csv.gz": b"1,2\n"}, area)

    zipped, weekly = entry("days/1 & 2.csv.gz", zip_bytes).model_dump(), entry("weekly.csv", b"1,2\n").model_dump()
    called = entry("only called.csv.gz", b"1,2\n").model_dump()
    assert document(area, KEYS.manifest(name_run_folder(run))) == {
        "run": run.id,
        "schedule": "flights",
        "version": 1,
        "trigger": "schedule",
        "scheduled_for": "2026-11-24T12:00:00Z",
        "data_interval_start": "2026-11-23T12:00:00Z",
        "data_interval_end": "2026-11-24T12:00:00Z",
        "run_queued": 0,
        "started_at": "2026-11-24T12:00:00Z",
        "ended_at": "2026-11-24T12:00:06Z",
        "published_at": "2026-11-24T12:00:00Z",
        "files": [
            {**zipped, "content_type": "text/csv; charset=utf-8", "content_encoding": "gzip"},
            {
                **called,
                "content_type": "application/octet-stream",
                "content_encoding": None,
            },
            {**weekly, "content_type": "text/csv; charset=utf-8", "content_encoding": None},
        ],
        "report": [],
    }
    assert document(area, KEYS.latest) == {
        "run": run.id,
        "schedule": "flights",
        "scheduled_for": "2026-11-24T12:00:00Z",
        "run_queued": 0,
        "manifest": f"{name_run_folder(run)}/manifest.json",
        "manifest_url": area.url(f"flights/{name_run_folder(run)}/manifest.json"),
        "files": [
            {**zipped, "href": f"{name_run_folder(run)}/files/days/1%20%26%202.csv.gz"},
            {**called, "href": f"{name_run_folder(run)}/files/only%20called.csv.gz"},
            {**weekly, "href": f"{name_run_folder(run)}/files/weekly.csv"},
        ],
    }
    index = document(area, KEYS.data_index)
    assert index["files"]["weekly.csv"] == {
        "size": 4,
        "sha256": weekly["sha256"],
        "scheduled_for": "2026-11-24T12:00:00Z",
        "run_queued": 0,
        "run": run.id,
    }
    assert index["unfinished"] == {}


def test_the_newest_runs_are_named_newest_first() -> None:
    area = MemoryObjects()
    days = [0, *range(2, SHOWN_RUNS + 2), 1]
    for day in days:
        publish_files(due_on(day), {"weekly.csv": b"1"}, area)

    recent = document(area, KEYS.recent)["runs"]
    assert [run["run"] for run in recent] == [due_on(day).id for day in range(SHOWN_RUNS + 1, 1, -1)]
    assert recent[0] == {
        "run": due_on(SHOWN_RUNS + 1).id,
        "scheduled_for": utc_text(NOON + (SHOWN_RUNS + 1) * DAY),
        "run_queued": 0,
        "manifest": f"{name_run_folder(due_on(SHOWN_RUNS + 1))}/manifest.json",
    }


def test_any_name_that_a_filesystem_takes_is_published(tmp_path: Path) -> None:
    area = LocalStorage(tmp_path / "published")
    files = {name: name.encode() for name in AWKWARD}

    publication = publish_files(due_on(0), files, area)

    assert data_of(area) == files
    assert {file.path for file in publication.files} == set(files)
    assert_readers_find_what_latest_points_at(area)


def test_the_next_run_replaces_its_names_and_keeps_the_others() -> None:
    area = MemoryObjects()
    publish_files(due_on(0), {"weekly.csv": b"old", "1.csv": b"1"}, area)
    publish_files(due_on(1), {"weekly.csv": b"new", "2.csv": b"2"}, area)

    assert data_of(area) == {"weekly.csv": b"new", "1.csv": b"1", "2.csv": b"2"}
    assert document(area, KEYS.latest)["run"] == due_on(1).id


@pytest.mark.promise("P23")
def test_an_older_run_fills_gaps_but_replaces_nothing_newer() -> None:
    area = MemoryObjects()
    publish_files(due_on(5), {"weekly.csv": b"new", "5.csv": b"5"}, area)
    publish_files(due_on(1, trigger=Trigger.BACKFILL), {"weekly.csv": b"old", "1.csv": b"1"}, area)

    assert data_of(area) == {"weekly.csv": b"new", "5.csv": b"5", "1.csv": b"1"}
    assert document(area, KEYS.latest)["run"] == due_on(5).id
    assert area.get(KEYS.run_files(name_run_folder(due_on(1))) + "weekly.csv") == b"old"


@pytest.mark.parametrize("later_first", [False, True])
def test_of_two_runs_for_one_occurrence_the_one_created_later_counts(later_first: bool) -> None:
    area = MemoryObjects()
    first = due_on(0)
    retry = due_on(0, id="0" * 36, trigger=Trigger.RETRY, queued=1)
    pairs = [(first, b"first"), (retry, b"retry")]
    for run, data in reversed(pairs) if later_first else pairs:
        publish_files(run, {"weekly.csv": data}, area)

    assert data_of(area) == {"weekly.csv": b"retry"}
    assert document(area, KEYS.latest)["run"] == retry.id


def test_equal_content_is_claimed_by_the_newer_run_without_being_written_again() -> None:
    area = Writes(MemoryObjects())
    publish_files(due_on(0), {"weekly.csv": b"same"}, area)
    area.keys.clear()
    publish_files(due_on(1), {"weekly.csv": b"same"}, area)
    publish_files(due_on(0), {"weekly.csv": b"same"}, area)

    assert KEYS.data + "weekly.csv" not in area.keys
    assert document(area, KEYS.data_index)["files"]["weekly.csv"]["run"] == due_on(1).id


def test_a_file_that_somebody_removed_from_the_stable_address_comes_back_with_equal_content() -> None:
    area = MemoryObjects()
    publish_files(due_on(0), {"weekly.csv": b"same"}, area)
    area.delete(KEYS.data + "weekly.csv")
    publish_files(due_on(1), {"weekly.csv": b"same"}, area)

    assert data_of(area) == {"weekly.csv": b"same"}


def test_a_rehearsal_touches_nothing_that_readers_follow() -> None:
    area = MemoryObjects()
    run = due_on(0, trigger=Trigger.REHEARSAL)

    publication = publish_files(run, {"weekly.csv": b"1"}, area)

    files = KEYS.run_files(name_run_folder(run))
    assert set(area.content) == {files + "weekly.csv", KEYS.manifest(name_run_folder(run))}
    assert publication.url == area.url(files)
    assert [file.url for file in publication.files] == [area.url(files + "weekly.csv")]
    assert not is_published(area, "flights")


def test_a_rehearsal_is_not_among_the_runs_of_the_page() -> None:
    area = MemoryObjects()
    rehearsal = due_on(3, trigger=Trigger.REHEARSAL)
    publish_files(rehearsal, {"weekly.csv": b"1"}, area)
    publish_files(due_on(1), {"weekly.csv": b"1"}, area)

    page = area.get(KEYS.page).decode()
    assert name_run_folder(due_on(1)) in page
    assert name_run_folder(rehearsal) not in page


def test_a_name_is_published_from_its_first_file_on() -> None:
    area = MemoryObjects()
    assert not is_published(area, "flights")
    publish_files(due_on(0), {"weekly.csv": b"1"}, area)
    assert is_published(area, "flights")
    assert not is_published(area, "flight")


@pytest.mark.parametrize(
    ("stored", "sentence"),
    [
        ({}, "isn't among the run's outputs any more"),
        ({"b.csv": b"longer"}, "was changed after the run had ended"),
        ({"b.csv": b"X"}, "was changed after the run had ended"),
    ],
    ids=["missing", "other size", "other content"],
)
def test_outputs_that_are_not_what_the_worker_recorded_are_refused(stored: dict[str, bytes], sentence: str) -> None:
    """Of a run that can't be published whole, readers see nothing."""
    work, area, run = MemoryObjects(), MemoryObjects(), due_on(0)
    work.content = {f"w/output/{path}": data for path, data in ({"a.csv": b"a"} | stored).items()}

    with pytest.raises(PublishFailed, match=f"“b.csv” {sentence}"):
        publish(run, result_of({"a.csv": b"a", "b.csv": b"b"}), work, "w/", area, NOON)

    unreferenced = KEYS.run_files(name_run_folder(run))
    assert [key for key in area.content if not key.startswith(unreferenced)] == []


@pytest.mark.parametrize("name", ["../up.csv", "/abs.csv", "a//b", "a/./b", "", "nul\0"])
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    area = MemoryObjects()
    with pytest.raises(PublishFailed, match="can't be the name of a published file"):
        publish(due_on(0), result_of({name: b"1"}), MemoryObjects(), "w/", area, NOON)
    assert area.content == {}


@pytest.mark.parametrize(
    ("there", "new", "sentence"),
    [
        ("report", "report/1.csv", "has a folder named “report”, but a file of that name"),
        ("report/1.csv", "report", "has a file named “report”, but a folder of that name"),
    ],
)
def test_a_name_cannot_be_a_file_and_a_folder(there: str, new: str, sentence: str) -> None:
    area = MemoryObjects()
    publish_files(due_on(0), {there: b"1"}, area)
    before = dict(area.content)

    with pytest.raises(PublishFailed, match=sentence):
        publish_files(due_on(1), {new: b"2"}, area)

    assert area.content == before


@pytest.mark.parametrize("key", [KEYS.data_index, KEYS.latest, KEYS.recent])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"files": 1}', b"\xff"])
def test_a_document_that_somebody_overwrote_is_named_and_left_alone(key: str, content: bytes) -> None:
    area = MemoryObjects()
    publish_files(due_on(0), {"weekly.csv": b"1"}, area)
    area.put(key, content)
    before = dict(area.content)

    with pytest.raises(PublishFailed, match=f"^{key} .* move it away and publish again"):
        publish_files(due_on(1), {"weekly.csv": b"2"}, area)

    assert area.content == before


def test_the_damaged_manifest_of_another_run_stops_nothing() -> None:
    area = MemoryObjects()
    publish_files(due_on(0), {"weekly.csv": b"1"}, area)
    area.put(KEYS.manifest(name_run_folder(due_on(0))), b"?")
    publish_files(due_on(1), {"weekly.csv": b"2"}, area)

    assert name_run_folder(due_on(1)) in area.get(KEYS.page).decode()


def test_what_a_run_published_never_changes() -> None:
    area = MemoryObjects()
    publish_files(due_on(0), {"weekly.csv": b"1"}, area)
    before = dict(area.content)

    with pytest.raises(PublishFailed, match="what is published never changes"):
        publish_files(due_on(0), {"weekly.csv": b"2"}, area)

    assert area.content == before


def test_a_repeat_changes_nothing_and_needs_no_work_area() -> None:
    area, files = MemoryObjects(), {"weekly.csv": b"1", "1.csv": b"2"}
    publication = publish_files(due_on(0), files, area)
    before = dict(area.content)

    later = NOON + timedelta(hours=1)
    assert publish(due_on(0), result_of(files), MemoryObjects(), "gone/", area, later) == publication
    assert area.content == before
