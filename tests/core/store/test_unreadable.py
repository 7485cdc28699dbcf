"""A row that can't be read is told as such, and keeps no other from being read."""

import pytest

from jupyter_schedule.core.models import (
    Approval,
    LauncherCatalog,
    Pause,
    Reason,
    RunStatus,
    ScheduleState,
    UnreadableSpec,
)
from jupyter_schedule.core.store.base import Store
from tests.core.store.test_outbox import LEASE, failed
from tests.factories import NOON, make_ad_hoc, make_attempt, make_run, make_schedule, make_spec
from tests.poison import DAMAGED, HALF, poison

GOOD, BAD = make_schedule("good"), make_schedule("bad", spec=make_spec(bundle="1" * 64))


@pytest.fixture(params=[HALF, DAMAGED], ids=["half", "damaged"])
def value(request: pytest.FixtureRequest) -> str:
    given: str = request.param
    return given


def states(store: Store) -> dict[str, ScheduleState]:
    return {each.name: each.state for each in store.schedules.list_page()}


@pytest.mark.promise("P35")
@pytest.mark.parametrize("column", ["schedules.paused", "schedule_versions.spec"])
def test_a_schedule_that_cannot_be_read_is_broken_and_can_be_deleted(store: Store, column: str, value: str) -> None:
    for each in (GOOD, BAD):
        store.schedules.add(each)
    table, _, name = column.partition(".")
    poison(store, table, name, value, **{"id" if table == "schedules" else "schedule_id": BAD.id})
    assert states(store) == {"bad": "broken", "good": "active"}
    broken = store.schedules.find("bad", owner="local")
    assert broken is not None
    assert isinstance(broken.spec, UnreadableSpec)
    assert broken.spec.sentence.startswith("The record of this schedule can't be read: ")
    assert (broken.owner, broken.next_due) == (BAD.owner, None)
    assert [each.name for each in store.schedules.list_due(NOON, 1)] == ["good"]
    assert [each.name for each in store.schedules.list_due(NOON, 10)] == ["good"]
    assert len(store.schedules.list_versions(BAD.id)) == 1
    assert store.schedules.delete_unreadable(BAD.id, actor="ann")
    assert not store.schedules.delete_unreadable(BAD.id, actor="ann")
    assert states(store) == {"good": "active"}
    assert [(each.kind, each.actor) for each in store.events(0)][-1] == ("schedule_deleted", "ann")
    gone = store.schedules.get(BAD.id)
    assert gone is not None
    assert gone.state == ScheduleState.DELETED
    store.schedules.add(make_schedule("bad", id="another"))


def test_the_bundle_of_a_version_that_cannot_be_read_is_known_all_the_same(store: Store) -> None:
    for each in (GOOD, BAD):
        store.schedules.add(each)
    spec = BAD.spec.model_dump_json().replace('"bundle":"', '"bundle": "')
    poison(store, "schedule_versions", "spec", spec.replace("./run.sh", "\\ud800 \\u0000"), schedule_id=BAD.id)
    assert states(store)["bad"] == "broken"
    assert store.schedules.publication_bases() == {"/published"}
    assert {use.bundle for use in store.schedules.list_bundle_uses()} == {"0" * 64, "1" * 64}
    if _is_text(store):
        poison(store, "schedule_versions", "spec", spec[:-30], schedule_id=BAD.id)
        assert {use.bundle for use in store.schedules.list_bundle_uses()} == {"0" * 64, "1" * 64}


@pytest.mark.promise("P35")
def test_a_run_that_cannot_be_read_is_told_with_the_others_and_can_be_ended(store: Store, value: str) -> None:
    store.schedules.add(GOOD)
    release = Approval(run_id="r", by="ann", at=NOON)
    good, bad = make_run(GOOD, "manual:1"), make_run(GOOD, "manual:2", release=release)
    for each in (good, bad):
        store.runs.add(each, actor="ann")
    poison(store, "runs", "release", value, id=bad.id)
    for found in (
        *(store.runs.list_newest(), store.runs.list_open(), store.runs.newest_of_each([GOOD.id], 5)[GOOD.id]),
        [each.run for each in store.runs.list_undecided(0, NOON, 9).runs],
    ):
        reasons = {run.id: run.reason for run in found}
        assert reasons == {good.id: None, bad.id: Reason.UNREADABLE}
    before = next(run for run in store.runs.list_open() if run.id == bad.id)
    assert (before.status, before.release) == (RunStatus.DUE, None)
    assert (before.message or "").startswith("The record of this run can't be read: ")
    assert store.runs.replace(before, before.model_copy(update={"status": RunStatus.FAILED}), actor="service")


def test_a_run_in_words_of_another_version_is_told(store: Store) -> None:
    store.schedules.add(GOOD)
    run = make_run(GOOD)
    store.runs.add(run, actor="ann")
    poison(store, "runs", "reason", "of_a_later_version")
    poison(store, "runs", "status", "cancelled")
    [told] = store.runs.list_newest()
    assert (told.status, told.reason) == (RunStatus.CANCELLED, Reason.UNREADABLE)
    assert told.message == "The record of this run can't be read: reason isn't as this version knows it."


def test_attempts_workers_notifications_and_the_catalog_that_cannot_be_read_are_told_without(
    store: Store, value: str
) -> None:
    run = failed(store, "ops")
    going = make_run(make_schedule(), "manual:1")
    store.runs.add(going, actor="ann")
    launching = going.model_copy(update={"status": RunStatus.LAUNCHING, "attempt": 1})
    assert store.runs.add_attempt(make_attempt(going), going, launching, actor="service")
    assert store.ad_hoc.add(make_ad_hoc(), most=1)
    store.publish_catalog(LauncherCatalog(), actor="service")
    for table, column in (("attempts", "parameters"), ("ad_hoc_workers", "parameters"), ("outbox", "payload")):
        poison(store, table, column, value)
    if value is DAMAGED and _is_text(store):
        poison(store, "deployment", "value", value, name="offers")
        assert store.read_catalog() is None
    [attempt] = store.runs.list_attempts(going.id)
    assert attempt.parameters == {} or value is HALF
    assert [each.number for each in store.runs.attempts_of_each([going.id])[going.id]] == [1]
    assert [each.id for each in store.ad_hoc.list_live()] == [make_ad_hoc().id]
    claimed = store.outbox.claim("ops", LEASE)
    assert claimed is not None
    assert claimed.run_id == run.id


def _is_text(store: Store) -> bool:
    """True if it keeps JSON as any other text."""
    return "sqlite" in type(store).__name__.lower()


@pytest.mark.promise("P35")
def test_what_could_not_be_read_again_is_not_written(store: Store) -> None:
    store.schedules.add(GOOD)
    note = Pause(by="ann", at=NOON).model_copy(update={"note": "\ud800"})
    paused = GOOD.model_copy(update={"state": ScheduleState.PAUSED, "paused": note})
    spec = GOOD.spec.model_copy(update={"parameters": {"x": ["\ud800"]}})
    edited = GOOD.model_copy(update={"version": 2, "spec": spec})
    for after in (paused, edited):
        with pytest.raises(Exception, match="surrogates not allowed"):
            store.schedules.replace(GOOD, after, actor="ann", kind="changed")
    assert store.schedules.list_page() == [GOOD]
    assert len(store.events(0)) == 1
