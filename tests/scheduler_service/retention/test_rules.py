"""Whose files go: the decision against a model that asks of each run alone."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_schedule.core.models import Approval, Policies, Run, RunStatus, Trigger
from jupyter_schedule.core.object_keys import bundle_key, bundle_record_key
from jupyter_schedule.core.storage.factory import StoredObject
from jupyter_schedule.core.store.records import BundleUse, KeptFiles
from scheduler_service.retention.rules import (
    RetentionRule,
    find_expired,
    find_unused_bundles,
    may_have_expired,
    order_stages,
)
from tests.factories import NOON, make_run, make_schedule

DAY = timedelta(days=1)
NOW = NOON + 400 * DAY
SCHEDULE = make_schedule()


def a_run(number: int, **changes: Any) -> Run:
    """Due and ended on day `number`."""
    plain: dict[str, Any] = {
        "status": RunStatus.SUCCEEDED,
        "attempt": 1,
        "scheduled_for": NOON + number * DAY,
        "created_at": NOON + number * DAY,
        "ended_at": NOON + number * DAY,
    }
    return make_run(SCHEDULE, str(number), **plain | changes)


@st.composite
def histories(draw: st.DrawFn) -> list[Run]:
    """Runs with files: of all ends, some young by their end only, some that publish what others made."""
    runs: list[Run] = []
    for number in range(draw(st.integers(0, 12))):
        status = draw(st.sampled_from([RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.RUNNING, RunStatus.CANCELLED]))
        changes: dict[str, Any] = {"status": status, "trigger": draw(st.sampled_from([*Trigger]))}
        if status is RunStatus.RUNNING:
            changes["ended_at"] = None
        else:
            changes["ended_at"] = NOW - draw(st.integers(0, 60)) * DAY / 4
        changes["scheduled_for"] = NOON + draw(st.integers(0, 20)) * DAY
        if status is not RunStatus.RUNNING and draw(st.integers(0, 9)) == 0:
            changes["pruned_at"] = NOW - DAY
        origins = [run for run in runs if run.release is None]
        if len(origins) > 0 and draw(st.booleans()):
            changes |= {"release": Approval(run_id=draw(st.sampled_from(origins)).id, by="ann", at=NOON), "attempt": 0}
        runs.append(a_run(number, **changes))
    return draw(st.permutations(runs))


def stays(run: Run, runs: list[Run], keep: RetentionRule, named: Collection[str], deleted: bool) -> bool:
    """The rules, one after the other."""
    if not run.status.terminal:
        return True
    if run.pruned_at is not None:
        return False
    if any(other.release and other.release.run_id == run.id and other_stays(other, runs, keep, named, deleted)
           for other in runs):  # fmt: skip
        return True
    return other_stays(run, runs, keep, named, deleted)


def occurrence(one: Run) -> tuple[Any, ...]:
    """Later is newer."""
    return one.scheduled_for, one.created_at, one.queued, one.id


def other_stays(run: Run, runs: list[Run], keep: RetentionRule, named: Collection[str], deleted: bool) -> bool:
    """The rules without the one about origins: a run that publishes another's outputs is nobody's origin."""
    if not run.status.terminal:
        return True
    assert run.ended_at is not None
    if deleted:
        return NOW - run.ended_at < DAY
    ended = [other for other in runs if other.status.terminal]

    def newer(by: Any, among: list[Run]) -> int:
        return sum(by(other) > by(run) for other in among)

    def end(one: Run) -> tuple[Any, ...]:
        return one.ended_at, *occurrence(one)

    good = [other for other in ended if other.status is RunStatus.SUCCEEDED]
    real = [other for other in good if other.trigger is not Trigger.REHEARSAL]
    return (
        newer(occurrence, ended) < keep.runs
        or NOW - run.ended_at < keep.days * DAY
        or run.id in named
        or any(run in some and newer(by, some) == 0 for some in (good, real) for by in (occurrence, end))
    )


@given(histories(), st.integers(1, 6), st.integers(0, 12), st.booleans(), st.data())
def test_a_run_goes_exactly_when_no_rule_keeps_it(
    runs: list[Run], most: int, days: int, deleted: bool, data: st.DataObject
) -> None:
    keep = RetentionRule(most, days)
    named = set() if deleted or not runs else data.draw(st.sets(st.sampled_from([run.id for run in runs])))
    going = find_expired(runs, keep, NOW, named=named, deleted=deleted)
    assert {run.id for run in going} == {run.id for run in runs if not stays(run, runs, keep, named, deleted)}
    assert sorted(going, key=occurrence) == going


def test_beyond_both_means_beyond_number_and_age() -> None:
    runs = [a_run(number) for number in range(400)]
    going = find_expired(runs, RetentionRule(30, 90), NOW)
    assert {run.key for run in going} == {str(number) for number in range(311)}
    # the last 30 stay however old they are
    assert len(find_expired(runs, RetentionRule(30, 90), NOW + 1000 * DAY)) == 370


@pytest.mark.promise("P25")
def test_the_latest_good_run_stays_however_many_failed_since() -> None:
    runs = [a_run(0), *(a_run(number, status=RunStatus.FAILED) for number in range(1, 50))]
    assert "0" not in {run.key for run in find_expired(runs, RetentionRule(5, 10), NOW)}


@pytest.mark.promise("P25")
def test_the_latest_good_run_stays_by_its_occurrence_and_another_by_its_end() -> None:
    """Old days that were filled in after the newest: readers follow that one, who asked waits for the last end."""
    newest = a_run(20)
    filled = [a_run(number, ended_at=NOON + (30 + number) * DAY) for number in range(5)]
    failed = [a_run(number, status=RunStatus.FAILED) for number in range(40, 45)]
    going = {run.key for run in find_expired([newest, *filled, *failed], RetentionRule(5, 10), NOW)}
    assert going == {"0", "1", "2", "3"}


def test_a_rehearsal_does_not_stand_in_for_the_latest_good_run() -> None:
    runs = [a_run(0), a_run(1, trigger=Trigger.REHEARSAL), a_run(2, status=RunStatus.FAILED)]
    assert find_expired(runs, RetentionRule(1, 0), NOW) == []


def test_what_a_run_that_stays_publishes_stays_and_goes_with_it() -> None:
    made = a_run(0, trigger=Trigger.REHEARSAL)
    publishes = a_run(1, attempt=0, release=Approval(run_id=made.id, by="ann", at=NOON))
    later = [a_run(number) for number in range(2, 9)]
    assert find_expired([made, publishes, *later], RetentionRule(8, 0), NOW) == []
    assert {run.key for run in find_expired([made, publishes, *later], RetentionRule(2, 0), NOW)} >= {"0", "1"}


def test_a_schedule_may_say_it_otherwise_in_part() -> None:
    assert RetentionRule(30, 90).as_asked(Policies()) == RetentionRule(30, 90)
    assert RetentionRule(30, 90).as_asked(Policies(keep_runs=2)) == RetentionRule(2, 90)
    assert RetentionRule(30, 90).as_asked(Policies(keep_days=0)) == RetentionRule(30, 0)


def use(bundle: str, version: int = 1, **changes: Any) -> BundleUse:
    plain: dict[str, Any] = {
        "schedule_id": "s", "created_at": NOW - 500 * DAY, "current": False, "deleted": False, "has_runs": False,
    }  # fmt: skip
    return BundleUse(bundle=bundle * 64, version=version, **plain | changes)


def gone(*uses: BundleUse, modified: datetime = NOW - 2 * DAY) -> set[str]:
    stored = [StoredObject(bundle_key(letter * 64), 1, modified) for letter in "ab"]
    return {each.key[len("bundles/")] for each in find_unused_bundles(stored, uses, RetentionRule(30, 90), NOW)}


def test_a_bundle_goes_when_nobody_needs_it() -> None:
    assert gone() == {"a", "b"}
    assert gone(modified=NOW - DAY + timedelta(seconds=1)) == set()
    assert gone(use("a", current=True)) == {"b"}
    assert gone(use("a", has_runs=True, deleted=True)) == {"b"}


def test_what_a_schedule_did_until_lately_can_be_rolled_back_to() -> None:
    assert gone(use("a"), use("b", 2, current=True, created_at=NOW - 89 * DAY)) == set()
    assert gone(use("a"), use("b", 2, current=True, created_at=NOW - 90 * DAY)) == {"a"}
    assert gone(use("a", deleted=True), use("b", 2, deleted=True, created_at=NOW)) == {"a", "b"}


def test_a_bundle_and_its_record_go_together() -> None:
    """Also where one of the two was stored later, so that nobody finds half of a pair."""
    pair = [StoredObject(key("a" * 64), 1, NOW - 2 * DAY) for key in (bundle_record_key, bundle_key)]
    assert find_unused_bundles(pair, [], RetentionRule(30, 90), NOW) == pair
    assert find_unused_bundles(pair, [use("a", current=True)], RetentionRule(30, 90), NOW) == []
    later = StoredObject(pair[0].key, 1, NOW - DAY + timedelta(seconds=1))
    assert find_unused_bundles([later, pair[1]], [], RetentionRule(30, 90), NOW) == []


def test_only_bundles_are_looked_at_as_bundles() -> None:
    assert find_unused_bundles([StoredObject("agents/x.tar.gz", 1, NOON)], [], RetentionRule(1, 0), NOW) == []


def test_results_go_first_and_files_and_logs_last() -> None:
    keys = [
        "briefs/t", "disclosure/runs/r.json", "workers/w/t/heartbeat", "workers/w/t/live/log.0",
        "workers/w/t/output/a/result", "workers/w/t/report/log.txt", "workers/w/t/result",
    ]  # fmt: skip
    results, about, rest = order_stages(keys)
    assert results == ["workers/w/t/result"]
    assert about == ["briefs/t", "disclosure/runs/r.json"]
    assert set(rest) == set(keys) - {*results, *about}


@given(histories(), st.integers(1, 4), st.integers(0, 4), st.booleans())
def test_whoever_is_not_looked_at_closely_has_nothing_that_goes(
    runs: list[Run], keep_runs: int, keep_days: int, deleted: bool
) -> None:
    keep, ends = RetentionRule(keep_runs, keep_days), [run.ended_at for run in runs if run.ended_at is not None]
    begun = any(run.pruned_at for run in runs)
    for asked in ((None, None), (2, 1)):
        kept = KeptFiles("s", len(ends), min(ends, default=None), begun, deleted, *asked)
        if find_expired(runs, keep.as_asked(kept), NOW, deleted=deleted):
            assert may_have_expired(kept, keep, NOW)


def test_what_is_young_or_few_or_still_goes_is_not_looked_at_closely() -> None:
    old, keep = NOW - 90 * DAY, RetentionRule(30, 90)
    for kept, expected in (
        (KeptFiles("s", 0, None, False, False, None, None), False),
        (KeptFiles("s", 30, old, False, False, None, None), False),
        (KeptFiles("s", 31, old + timedelta(seconds=1), False, False, None, None), False),
        (KeptFiles("s", 31, old, False, False, None, None), True),
        (KeptFiles("s", 31, old, False, False, 31, None), False),
        (KeptFiles("s", 31, NOW - DAY, False, False, None, 1), True),
        (KeptFiles("s", 1, NOW, True, False, None, None), True),
        (KeptFiles("s", 1, NOW - DAY, False, True, None, None), True),
        (KeptFiles("s", 1, NOW - DAY + timedelta(seconds=1), False, True, None, None), False),
    ):
        assert may_have_expired(kept, keep, NOW) == expected, kept


@pytest.mark.parametrize(
    ("keep_days", "age", "goes"), [(7, 89, False), (7, 90, True), (365, 364, False), (365, 365, True)]
)
def test_an_environment_is_made_anew_after_three_months_or_when_nothing_so_old_is_kept(
    keep_days: int, age: int, *, goes: bool
) -> None:
    stored = StoredObject("bundles/ours.environments/kernel-1", 1, NOW - timedelta(days=age))
    assert bool(find_unused_bundles([stored], [], RetentionRule(30, keep_days), NOW)) == goes
