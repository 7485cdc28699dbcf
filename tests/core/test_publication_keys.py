"""Where the parts of a publication are."""

import hashlib
from pathlib import Path

import pytest

from jupyter_schedule.core.models import owner_folder, publication_name
from jupyter_schedule.core.publication_keys import PublicationKeys, is_published, run_folder
from jupyter_schedule.core.storage.factory import LocalStorage


def test_every_part_has_its_place_under_the_name() -> None:
    keys = PublicationKeys("flights")
    folder = run_folder("2026-11-24T12:00:00Z", "1f0c9a2b-0000-5000-8000-000000000000")

    assert folder == "runs/20261124T120000Z-1f0c9a2b"
    assert (keys.data, keys.data_index, keys.latest, keys.page, keys.recent) == (
        "flights/data/",
        "flights/data.json",
        "flights/latest.json",
        "flights/index.html",
        "flights/runs.json",
    )
    assert keys.manifest(folder) == "flights/runs/20261124T120000Z-1f0c9a2b/manifest.json"
    assert keys.run_files(folder) == "flights/runs/20261124T120000Z-1f0c9a2b/files/"


def test_run_folders_sort_by_time() -> None:
    times = ["2026-11-24T12:00:00Z", "2026-12-02T08:00:00Z", "2027-01-01T00:00:00Z"]
    assert sorted(run_folder(time, "f" * 36) for time in reversed(times)) == [
        run_folder(time, "f" * 36) for time in times
    ]


@pytest.mark.parametrize(
    ("key", "published"),
    [
        ("flights/data.json", True),
        ("flights/latest.json", True),
        ("flights/runs/20261124T120000Z-1f0c9a2b/manifest.json", False),
        ("flights2/data.json", False),
    ],
)
def test_a_name_is_published_when_something_is_at_its_stable_address(tmp_path: Path, key: str, published: bool) -> None:
    area = LocalStorage(tmp_path)
    area.put(key, b"{}")
    assert is_published(area, "flights") is published


#: names that a person may have, each another's
OWNERS = [
    *(
        "ann",
        "Ann",
        "ann/daily",
        "../x",
        "..",
        ".",
        ".ann",
        "%2Eann",
        "%2E%2E",
        "a b",
        "ann@example.org",
        "a~b",
        "a%7Eb",
    ),
    *("ä", "a\u0308", "\N{CJK UNIFIED IDEOGRAPH-6F22}" * 200, "x" * 200, "x" * 100, "x" * 101, "x" * 255, "\n"),
    "x" * 100 + "~" + hashlib.sha256(b"x" * 200).hexdigest()[:32],
]


def test_every_owner_has_a_folder_of_their_own_that_leads_nowhere_else(tmp_path: Path) -> None:
    folders = [owner_folder(owner) for owner in OWNERS]
    assert len(set(folders)) == len(OWNERS)
    area = LocalStorage(tmp_path)
    for folder in folders:
        assert folder not in {"", ".", ".."}
        assert not folder.startswith(".")
        assert not set(folder) & set("/\\ ")
        assert folder.isascii()
        assert len(folder) < 255
        area.put(PublicationKeys(f"{folder}/daily").latest, folder.encode())
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} >= set(folders)
    for folder in folders:
        assert area.get(f"{folder}/daily/latest.json") == folder.encode()


def test_results_are_below_their_owner_but_on_ones_own_machine() -> None:
    assert publication_name("local", "daily") == "daily"
    assert publication_name("ann@x.org", "daily") == "ann%40x.org/daily"
    assert publication_name("../x", "daily") == "%2E.%2Fx/daily"
