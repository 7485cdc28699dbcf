"""Another work area: what it takes for schedules to go on, and that nothing is lost on the way."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jupyter_schedule.core.config import StorageConfig
from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import RunStatus
from jupyter_schedule.core.object_keys import bundle_key
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.storage.factory import LocalStorage, open_storage
from jupyter_schedule.core.store.factory import open_store
from scheduler_service.__main__ import main
from scheduler_service.admin.migrate_storage import copy_objects, list_missing, plan_migration
from tests.factories import make_run, make_spec
from tests.scheduler_service.stores import MemoryObjects

CODE = bundle_key("0" * 64)


class Place:
    """A ledger with one schedule whose code is in the folder, and settings that name another work area."""

    def __init__(self, folder: Path) -> None:
        self.places = DataPaths(folder)
        self.former = open_storage(self.places.objects)
        self.work = LocalStorage(folder / "team")
        self.former.put(CODE, b"code")
        store = open_store(self.places.store)
        operations = Operations(store, self.former)
        operations.schedules.create("daily", make_spec(publication_base=LocalStorage(folder / "published").url("")))
        self.run = make_run(operations.schedules.get("daily"), "going", status=RunStatus.DUE)
        store.close()
        (folder / "service.toml").write_text(f'storage.work = "{self.work.url("").rstrip("/")}"\n')

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, [*arguments, "--folder", str(self.places.folder)])


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_code_and_what_runs_left_come_along_and_a_second_time_there_is_nothing_to_do(place: Place) -> None:
    place.former.put("workers/local/1/report/log.txt", b"log")
    place.work.put("workers/local/1/report/log.txt", b"newer")
    looked = place("check")
    assert "MISSING code: that of “daily” isn't in the work area: NO." in looked.output
    planned_only = place("migrate-storage", "--dry-run")
    assert planned_only.output.startswith(f"Would copy 1 object, 4 B, to {place.work.url('').rstrip('/')}.")
    assert place.work.get_or_none(CODE) is None

    assert place("migrate-storage").output.startswith("Copied 1 object, 4 B, to ")
    assert (place.work.get(CODE), place.former.get(CODE)) == (b"code", b"code")
    assert place.work.get("workers/local/1/report/log.txt") == b"newer"
    assert "ok      code: the work area has that of every schedule" in place("check").output
    assert place("migrate-storage").output.startswith("Copied 0 objects, 0 B, to ")


def test_nothing_moves_while_a_run_writes_where_it_began(place: Place) -> None:
    store = open_store(place.places.store)
    store.runs.add(place.run, actor="local")
    launching = place.run.model_copy(update={"status": RunStatus.LAUNCHING})
    assert store.runs.replace(place.run, launching, actor="service")
    store.close()
    refused = place("migrate-storage")
    assert refused.exit_code == 2
    assert "1 run is going and writes where it began." in refused.output
    assert place.work.get_or_none(CODE) is None


def test_without_another_area_there_is_nowhere_to_move(place: Place) -> None:
    (place.places.folder / "service.toml").write_text("")
    refused = place("migrate-storage")
    assert refused.exit_code == 2
    assert (
        "is the work area already. Set storage.work to the new one, or name the former: --from ADDRESS."
        in refused.output
    )


def test_what_is_no_area_is_said(place: Place) -> None:
    refused = place("migrate-storage", "--from", "ftp://old")
    assert refused.output == "Error: “ftp://old” is no area: write file:///a/folder or s3://bucket/prefix.\n"


def test_an_area_on_s3_is_found_by_the_settings_of_all() -> None:
    storage = StorageConfig(work="s3://new", endpoint="https://s3.example.org")
    move = plan_migration(storage, DataPaths(Path("/data")), "s3://old/work")
    assert move.source == "s3://old/work?endpoint=https%3A%2F%2Fs3.example.org"
    assert plan_migration(storage, DataPaths(Path("/data")), None).source == "file:///data/objects"
    with pytest.raises(Refused):
        plan_migration(storage, DataPaths(Path("/data")), "s3://new")


def test_what_was_broken_off_is_brought_the_next_time() -> None:
    former, work = MemoryObjects(), MemoryObjects()
    for number in range(3):
        former.put(f"bundles/{number}", b"x")
    copy_objects(former, work, list_missing(former, work)[:1])
    left = list_missing(former, work)
    assert [stored.key for stored in left] == ["bundles/1", "bundles/2"]
    copy_objects(former, work, left)
    assert work.content == former.content
