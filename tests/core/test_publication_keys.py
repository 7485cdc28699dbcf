"""Where the parts of a publication are."""

from pathlib import Path

import pytest

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
