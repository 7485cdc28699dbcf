"""Whose a work area is: a copy of a ledger keeps still."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import RunStatus
from jupyter_schedule.core.object_keys import OWNER_MARKER
from jupyter_schedule.core.storage.factory import LocalStorage, StorageAway
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.leader_lock import Blocker
from jupyter_schedule.core.store.services import read_service_health
from scheduler_service.__main__ import main
from scheduler_service.ownership import OwnerMarker, Ownership, has_marker, identify_ledger
from tests.databases import PostgresqlServer
from tests.engine import Engine, eventually
from tests.factories import NOON
from tests.scheduler_service.stores import MemoryObjects
from tests.simulation.memory_store import MemoryStore

ORIGINAL, COPY = OwnerMarker("d", "one"), OwnerMarker("d", "two")
FOREIGN = OwnerMarker("e", "three")


def ownership_of(objects: MemoryObjects, marker: OwnerMarker, noted: str | None = None) -> Ownership:
    """By a ledger that has noted the name of that database."""
    store = MemoryStore(lambda: NOON)
    if noted is not None:
        store.note_owner(noted)
    return Ownership(objects, store, marker)


def test_the_first_ledger_owns_an_area_and_a_copy_or_another_deployment_keeps_still() -> None:
    objects = MemoryObjects()
    for marker, blocker in ((ORIGINAL, None), (COPY, Blocker.COPY), (FOREIGN, Blocker.FOREIGN), (ORIGINAL, None)):
        ownership = ownership_of(objects, marker)
        ownership.look()
        assert ownership.blocker is blocker
    assert json.loads(objects.get(OWNER_MARKER)) == {"deployment": "d", "database": "one"}


def test_a_restored_ledger_takes_over_and_the_former_one_hears_of_it() -> None:
    objects = MemoryObjects()
    woken: list[bool] = []
    former = Ownership(objects, MemoryStore(lambda: NOON), ORIGINAL, lambda: woken.append(True))
    restored = ownership_of(objects, COPY)
    former.look()
    assert woken.pop()
    with pytest.raises(Refused, match="belongs to another copy of this ledger"):
        restored.check()
    assert restored.claim()
    assert not restored.claim()
    restored.check()
    former.look()
    assert (former.blocker, woken) == (Blocker.COPY, [True])
    with pytest.raises(Refused, match=r"another deployment\. Give this one a prefix of its own"):
        ownership_of(objects, FOREIGN).claim()


def test_a_marker_that_names_nobody_keeps_everybody_still() -> None:
    objects = MemoryObjects()
    objects.put(OWNER_MARKER, b"null")
    ownership = ownership_of(objects, ORIGINAL)
    ownership.look()
    assert ownership.blocker is Blocker.FOREIGN


def test_an_area_that_is_away_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = MemoryObjects()
    ownership_of(objects, ORIGINAL).look()
    copy = ownership_of(objects, COPY)
    copy.look()
    monkeypatch.setattr(objects, "get_or_none", _away)
    copy.look()
    assert copy.blocker is Blocker.COPY


@pytest.mark.promise("P38")
def test_while_the_area_is_away_only_the_database_that_owned_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy, and a ledger that has never seen the area, keep still until they have looked."""
    store, objects = MemoryStore(lambda: NOON), MemoryObjects()
    first = Ownership(objects, store, ORIGINAL)
    blockers = [first.blocker]
    first.look()
    blockers.append(first.blocker)
    assert (blockers, store.noted_owner()) == ([Blocker.UNSEEN, None], "one")

    monkeypatch.setattr(objects, "get_or_none", _away)
    for marker, blocker in ((ORIGINAL, None), (COPY, Blocker.UNSEEN)):
        again = Ownership(objects, store, marker)
        again.look()
        assert again.blocker is blocker
    assert store.noted_owner() == "one"


def test_a_ledger_that_lost_its_area_is_not_noted_as_its_owner() -> None:
    objects = MemoryObjects()
    objects.put(OWNER_MARKER, COPY.document())
    store = MemoryStore(lambda: NOON)
    ownership = Ownership(objects, store, ORIGINAL)
    ownership.look()
    assert (ownership.blocker, store.noted_owner()) == (Blocker.COPY, None)


def test_a_ledger_that_is_away_ends_no_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that looks goes on, and notes the owner when the ledger is back."""
    store, objects = MemoryStore(lambda: NOON), MemoryObjects()
    ownership = Ownership(objects, store, ORIGINAL)
    with monkeypatch.context() as patched:
        patched.setattr(store, "note_owner", _away)
        ownership.look()
    assert (ownership.blocker, store.noted_owner()) == (None, None)
    ownership.look()
    assert store.noted_owner() == "one"


def _away(_: str) -> None:
    raise StorageAway("It doesn't answer.")


@pytest.mark.promise("P38")
def test_a_copy_of_a_database_is_another_and_one_persons_folder_needs_no_marker(
    postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    addresses = [postgresql.new_ledger() for _ in range(2)]
    names = set()
    for address in (*addresses, addresses[0]):
        store = open_store(address)
        names.add(identify_ledger(store, DataPaths(tmp_path, address), "here", b"secret"))
        store.close()
    assert len(names) == 2
    assert len({each.deployment for each in names}) == 1
    assert not has_marker(DataPaths(tmp_path), LocalStorage(tmp_path))
    assert has_marker(DataPaths(tmp_path, addresses[0]), LocalStorage(tmp_path))


@pytest.mark.promise("P38")
def test_a_service_on_a_copy_of_the_ledger_starts_nothing_and_says_so_until_it_claims_the_area(
    postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    engine = Engine(tmp_path, ledger=postgresql.new_ledger())
    engine.script("hello", "echo hello")
    run = engine.run("hello")
    ours = identify_ledger(engine.store, engine.places, "here", engine.store.secret())
    engine.objects.put(OWNER_MARKER, replace(ours, database="the original").document())
    with engine.service():
        eventually(lambda: read_service_health(engine.places, engine.store).is_working, what="its word")
        assert read_service_health(engine.places, engine.store).blocker is Blocker.COPY
        assert engine.operations.runs.get(run.id).status is RunStatus.DUE
    folder, store = str(engine.places.folder), engine.places.given_store
    (engine.places.folder / "service.toml").write_text(f"store = {json.dumps(store)}\n")
    pruned = CliRunner().invoke(main, ["prune", "--folder", folder])
    assert (pruned.exit_code, "another copy of this ledger" in pruned.stderr) == (2, True)
    claimed = CliRunner().invoke(main, ["claim", "--folder", folder])
    assert (claimed.exit_code, claimed.stdout) == (0, "The work area belongs to this ledger now.\n")
    with engine.service():
        assert engine.ended(run).status is RunStatus.SUCCEEDED
    engine.store.close()
