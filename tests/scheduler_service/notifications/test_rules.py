"""Which word a run owes: a truth table."""

from datetime import timedelta

import pytest

from jupyter_schedule.core.models import NotificationEvent, Notify, Run, RunStatus, Trigger
from scheduler_service.notifications.rules import build_notifications, list_events, needs_history, notifications_for
from tests.factories import NOON, make_run, make_schedule

HOUR = timedelta(hours=1)
OK, BAD, LATE = RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.TIMED_OUT
STOPPED, SKIPPED = RunStatus.CANCELLED, RunStatus.SKIPPED
FIRST, RECOVERY = NotificationEvent.FIRST_SUCCESS, NotificationEvent.RECOVERY
SCHEDULE = make_schedule()


def ended(status: RunStatus, hours: int = 0, trigger: Trigger = Trigger.SCHEDULE) -> Run:
    """A run that ended so many hours after noon."""
    at = NOON + hours * HOUR
    return make_run(SCHEDULE, f"{trigger}:{hours}", status=status, trigger=trigger, ended_at=at, scheduled_for=at)


@pytest.mark.parametrize(
    ("before", "status", "told"),
    [
        ([], BAD, (NotificationEvent.FAILURE,)),
        ([], LATE, (NotificationEvent.TIME_OUT,)),
        ([], OK, (FIRST,)),
        ([], STOPPED, ()),
        ([], SKIPPED, ()),
        ([OK], OK, ()),
        ([OK], BAD, (NotificationEvent.FAILURE,)),
        ([BAD], BAD, (NotificationEvent.FAILURE,)),
        ([BAD], OK, (FIRST, RECOVERY)),
        ([LATE], OK, (FIRST, RECOVERY)),
        ([OK, BAD], OK, (RECOVERY,)),
        ([OK, LATE], OK, (RECOVERY,)),
        ([OK, BAD, BAD], OK, (RECOVERY,)),
        ([BAD, OK], OK, ()),
        ([OK, BAD, STOPPED], OK, (RECOVERY,)),
        ([OK, BAD, SKIPPED], OK, (RECOVERY,)),
        ([SKIPPED, STOPPED], OK, (FIRST,)),
        ([OK, STOPPED], OK, ()),
    ],
)
def test_what_is_told_follows_from_how_it_ended_and_how_those_before_it_did(
    before: list[RunStatus], status: RunStatus, told: tuple[NotificationEvent, ...]
) -> None:
    runs = [ended(each, hours) for hours, each in enumerate(before)]
    assert list_events(ended(status, 10), [*reversed(runs), ended(status, 10)]) == told


@pytest.mark.parametrize(
    ("trigger", "tells"),
    [
        (Trigger.SCHEDULE, True),
        (Trigger.MANUAL, True),
        (Trigger.RETRY, True),
        (Trigger.BACKFILL, False),
        (Trigger.REHEARSAL, False),
    ],
)
def test_a_backfill_and_a_rehearsal_tell_nothing_and_are_nothing_to_recover_from(trigger: Trigger, tells: bool) -> None:
    assert bool(list_events(ended(BAD, trigger=trigger), [])) is tells
    assert list_events(ended(OK, 5), [ended(OK), ended(BAD, 1, trigger)]) == ((RECOVERY,) if tells else ())
    assert list_events(ended(OK, 5), [ended(OK, 1, trigger)]) == (() if tells else (FIRST,))


def test_a_run_that_is_still_going_is_no_failure_to_recover_from() -> None:
    going = ended(RunStatus.RUNNING, 1).model_copy(update={"ended_at": None})
    assert list_events(ended(OK, 5), [ended(OK), going]) == ()


def test_of_a_retry_it_counts_when_it_ended_not_when_it_was_due() -> None:
    retried = ended(OK, 3, Trigger.RETRY).model_copy(update={"scheduled_for": NOON})
    assert list_events(ended(OK, 5), [ended(BAD, 1), retried]) == ()


def test_each_channel_gets_one_word_about_the_weightiest_that_was_picked() -> None:
    run, failed = ended(OK, 5), ended(BAD)
    both = Notify(channels=("ops", "team", "ops"), on=(RECOVERY, FIRST))
    assert [(word.channel, word.occasion) for word in notifications_for(both, run, [failed])] == [
        ("ops", FIRST),
        ("team", FIRST),
    ]
    recovery = Notify(channels=("ops",), on=(RECOVERY,))
    assert [word.occasion for word in notifications_for(recovery, run, [failed])] == [RECOVERY]


def test_without_a_channel_or_a_pick_nothing_is_owed() -> None:
    assert notifications_for(Notify(), ended(BAD), []) == []
    assert notifications_for(Notify(channels=("ops",), on=(FIRST,)), ended(BAD), []) == []
    assert (
        build_notifications(Notify(channels=("ops",), on=(FIRST,)), NotificationEvent.AUTO_PAUSE, ended(BAD).id) == []
    )


def test_the_same_word_has_the_same_number_and_another_word_another() -> None:
    notify, run = Notify(channels=("ops", "team")), ended(BAD)
    first, again = notifications_for(notify, run, []), notifications_for(notify, run, [])
    assert first == again
    numbers = {word.message_id for word in first}
    assert len(numbers) == 1
    for by in ("2026-11-24T09:00:00Z", "2026-11-25T09:00:00Z"):
        numbers |= {word.message_id for word in build_notifications(notify, NotificationEvent.SILENCE, run.id, by=by)}
    assert len(numbers) == 3


def test_earlier_runs_are_looked_at_only_where_they_matter() -> None:
    assert needs_history(Notify(channels=("ops",)), ended(OK))
    assert not needs_history(Notify(channels=("ops",)), ended(BAD))
    assert not needs_history(Notify(), ended(OK))
    assert not needs_history(Notify(channels=("ops",), on=(NotificationEvent.FAILURE,)), ended(OK))
