"""What was public and is private now leaves the public area, and nothing of it is lost."""

from pathlib import Path
from uuid import uuid4

import pytest

from jupyter_schedule.core.config import StorageConfig
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import RunStatus, Schedule, ScheduleState, Visibility, publication_name
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.publication_keys import PublicationKeys
from jupyter_schedule.core.storage.factory import digest
from scheduler_service.publishing.unpublish import Unpublisher, unpublish, unpublish_deleted
from tests.databases import Clock
from tests.engine import Engine
from tests.factories import NOON, PublicFolders, make_run, make_schedule, make_spec
from tests.scheduler_service.publishing.results import DAY, KEYS, data_of, document, due_on, publish_files
from tests.scheduler_service.stores import Died, Dying, MemoryObjects
from tests.simulation.memory_store import MemoryStore

STORAGE = StorageConfig(public="s3://bucket/public", public_base="https://results.example.org/")


def published(area: MemoryObjects) -> None:
    for day in range(3):
        publish_files(due_on(day), {"same.csv": b"%d" % day, f"day{day}.csv": b"x"}, area)


def test_a_publication_moves_whole() -> None:
    public, private, plain = MemoryObjects(), MemoryObjects(), MemoryObjects()
    published(public)
    published(plain)

    assert unpublish("flights", public, private, NOON) > 0

    assert public.content == {}
    assert data_of(private) == data_of(plain)
    assert document(private, KEYS.latest) == document(plain, KEYS.latest)
    assert unpublish("flights", public, private, NOON) == 0


def test_what_one_person_withdraws_leaves_what_another_of_that_name_published() -> None:
    public, private = MemoryObjects(), MemoryObjects()
    files = {"manifest.json": b"no manifest", "runs/x/manifest.json": b"nor this"}
    for owner in ("../x", "bob"):
        publish_files(due_on(1, owner=owner), files, public)
    theirs = {key: data for key, data in public.content.items() if key.startswith("bob/flights/")}

    moved = unpublish(publication_name("../x", "flights"), public, private, NOON)

    assert moved == len(theirs) > 0
    assert public.content == theirs
    assert {key.partition("/")[0] for key in private.content} == {"%2E.%2Fx"}
    keys = PublicationKeys("%2E.%2Fx/flights")
    assert {path: private.get(keys.data + path) for path in files} == files


def test_newer_private_results_stay() -> None:
    public, private = MemoryObjects(), MemoryObjects()
    published(public)
    publish_files(due_on(5), {"same.csv": b"newest"}, private)

    unpublish("flights", public, private, NOON + 9 * DAY)

    assert data_of(private)["same.csv"] == b"newest"
    assert data_of(private)["day0.csv"] == b"x"
    assert document(private, KEYS.latest)["run"] == due_on(5).id


def test_whoever_dies_in_the_middle_loses_nothing() -> None:
    plain = MemoryObjects()
    published(plain)
    for moment in ("before", "after"):
        for write in range(80):
            public, private = MemoryObjects(), MemoryObjects()
            published(public)
            try:
                unpublish("flights", Dying(public, write // 2, moment) if write % 2 else public,
                         private if write % 2 else Dying(private, write // 2, moment), NOON)  # fmt: skip
            except Died:
                unpublish("flights", public, private, NOON)
            assert public.content == {}
            assert data_of(private) == data_of(plain)
            assert digest(private.content[KEYS.latest]) == digest(plain.content[KEYS.latest])


def test_a_manifest_that_was_written_late_after_its_files_had_left_goes_too() -> None:
    """Its run is complete nowhere, so nothing is lost with it."""
    public, private = MemoryObjects(), MemoryObjects()
    published(public)
    public.content = {key: data for key, data in public.content.items() if key.endswith("manifest.json")}

    assert unpublish("flights", public, private, NOON) == 3

    assert public.content == {}
    assert [key for key in private.content if key.endswith(".json")] == []


def made_private(schedule: Schedule, store: MemoryStore, state: ScheduleState) -> Schedule:
    """A schedule of two versions, that was public in the first; it left files."""
    store.schedules.add(schedule)
    private = schedule.spec.model_copy(update={"visibility": Visibility.PRIVATE, "publication_base": "private"})
    after = schedule.model_copy(update={"version": 2, "spec": private, "state": state})
    assert store.schedules.replace(schedule, after, actor="ann", kind=None)
    store.runs.add(make_run(after, attempt=1, status=RunStatus.SUCCEEDED), actor="ann")
    return after


@pytest.mark.parametrize("taken", [False, True])
def test_what_a_deleted_schedule_left_is_withdrawn_unless_its_name_is_anothers_now(taken: bool) -> None:
    """The results are then the namesake's, as far as anybody can tell from the area."""
    store, area = MemoryStore(Clock()), {"public": MemoryObjects(), "private": MemoryObjects()}
    published(area["public"])
    spec = make_spec(visibility=Visibility.PUBLIC, publication_base="public")
    made_private(make_schedule("flights", spec=spec), store, ScheduleState.DELETED)
    if taken:
        store.schedules.add(make_schedule("flights", spec=spec, id=str(uuid4())))

    Unpublisher(store, area.__getitem__).look(NOON)

    assert bool(area["public"].content) is taken


def test_by_hand_only_what_nobody_publishes_any_more_is_withdrawn(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    engine = Engine(tmp_path / "here")
    engine.operations = Operations(engine.store, engine.objects, now=engine.now, storage=PublicFolders())
    public = engine.script("open", "true", visibility=Visibility.PUBLIC)
    engine.operations.runs.run_now(public.name)
    private = MemoryObjects()

    def refused(name: str, storage: StorageConfig) -> str:
        with pytest.raises(Refused) as refusal:
            unpublish_deleted(name, engine.store, storage, private, NOON, owner="local")
        return refusal.value.code

    assert refused("open", StorageConfig()) == "no_public_area"
    assert refused("../open", STORAGE) == "bad_name"
    assert refused("open", STORAGE) == "not_deleted"
    engine.operations.schedules.delete("open")
    assert refused("open", STORAGE) == "still_stopping"


def test_by_hand_who_misspells_a_name_is_told_those_that_are_near() -> None:
    store, public, private = MemoryStore(Clock()), MemoryObjects(), MemoryObjects()
    published(public)
    made_private(make_schedule("flights"), store, ScheduleState.DELETED)

    def refusal(name: str) -> str:
        with pytest.raises(Refused) as refused:
            unpublish_deleted(name, store, STORAGE, private, NOON, owner="local", open_area=lambda _: public)
        return refused.value.message

    assert refusal("flihgts") == "Nothing of “flihgts” is in the public area. Did you mean “flights”?"
    assert refusal("nope") == "Nothing of “nope” is in the public area."
    assert unpublish_deleted("flights", store, STORAGE, private, NOON, owner="local", open_area=lambda _: public) > 0
    assert unpublish_deleted("flights", store, STORAGE, private, NOON, owner="local", open_area=lambda _: public) == 0
