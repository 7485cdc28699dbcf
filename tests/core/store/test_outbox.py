"""What every store keeps of words and of deadlines of silence, run over each of them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from jupyter_schedule.core.models import Notification, NotificationEvent, Run, RunStatus, Schedule, ScheduleState
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.factory import open_store
from tests.databases import Clock
from tests.factories import NOON, make_run, make_schedule

DAY = timedelta(days=1)
LEASE = 30


def make_word(run: Run, channel: str = "ops", **changes: object) -> Notification:
    plain: dict[str, object] = {"message_id": f"{run.id}", "run_id": run.id, "occasion": NotificationEvent.FAILURE}
    return Notification(**plain | {"channel": channel} | changes)  # type: ignore[arg-type]


def failed(store: Store, *channels: str, schedule: Schedule | None = None) -> Run:
    """A run that failed, and told these channels."""
    schedule = schedule or make_schedule()
    store.schedules.add(schedule)
    run = make_run(schedule)
    store.runs.add(run, actor="service")
    after = run.model_copy(update={"status": RunStatus.FAILED})
    assert store.runs.replace(run, after, actor="service", notifications=[make_word(run, each) for each in channels])
    return run


class TestNotifications:
    def test_a_run_that_moves_leaves_its_words_and_one_that_does_not_leaves_none(self, store: Store) -> None:
        run = failed(store, "ops", "team")
        again = run.model_copy(update={"status": RunStatus.FAILED})
        assert not store.runs.replace(run, again, actor="service", notifications=[make_word(run, "third")])
        assert store.outbox.next_tries() == {"ops": NOON, "team": NOON}

    def test_a_schedule_that_moves_leaves_its_words_and_one_that_does_not_leaves_none(self, store: Store) -> None:
        run = failed(store)
        before = make_schedule()
        after = before.model_copy(update={"state": ScheduleState.PAUSED, "next_due": None})
        assert store.schedules.replace(before, after, actor="x", kind="paused", notifications=[make_word(run)])
        assert not store.schedules.replace(
            before, after, actor="x", kind="paused", notifications=[make_word(run, "team")]
        )
        assert list(store.outbox.next_tries()) == ["ops"]

    def test_a_word_is_claimed_as_it_was_written(self, store: Store) -> None:
        schedule = make_schedule()
        store.schedules.add(schedule)
        run = make_run(schedule)
        store.runs.add(run, actor="service")
        word = make_word(run, occasion=NotificationEvent.SILENCE, details={"deadline": "2026-11-24T09:00:00Z"})
        store.runs.replace(run, run, actor="service", notifications=[word])
        claimed = store.outbox.claim("ops", LEASE)
        assert claimed is not None
        assert (Notification(**claimed.model_dump(include=set(Notification.model_fields))), claimed.attempts) == (
            word,
            1,
        )

    def test_what_one_has_claimed_is_left_alone_until_its_lease_has_run_out(self, store: Store, clock: Clock) -> None:
        failed(store, "ops")
        first = store.outbox.claim("ops", LEASE)
        assert store.outbox.claim("ops", LEASE) is None
        clock.at(LEASE)
        second = store.outbox.claim("ops", LEASE)
        assert first is not None
        assert second is not None
        assert (second.message_id, second.attempts) == (first.message_id, 2)
        assert not store.outbox.mark_delivered(first)
        assert store.outbox.mark_delivered(second)

    def test_what_is_delivered_is_claimed_no_more(self, store: Store, clock: Clock) -> None:
        failed(store, "ops")
        word = store.outbox.claim("ops", LEASE)
        assert word is not None
        assert store.outbox.mark_delivered(word)
        clock.at(DAY.total_seconds())
        assert store.outbox.next_tries() == {}
        assert store.outbox.claim("ops", LEASE) is None
        assert not store.outbox.mark_delivered(word)
        assert store.outbox.list_failed(NOON) == []

    def test_what_failed_waits_for_as_long_as_it_was_told(self, store: Store, clock: Clock) -> None:
        failed(store, "ops")
        word = store.outbox.claim("ops", LEASE)
        assert word is not None
        assert store.outbox.mark_failed(word, "nobody answers", 90)
        assert store.outbox.next_tries() == {"ops": NOON + timedelta(seconds=90)}
        clock.at(89)
        assert store.outbox.claim("ops", LEASE) is None
        clock.at(90)
        assert store.outbox.claim("ops", LEASE) is not None

    def test_what_is_given_up_is_claimed_no_more_and_told(self, store: Store) -> None:
        run = failed(store, "ops")
        seen = store.last_change()
        word = store.outbox.claim("ops", LEASE)
        assert word is not None
        assert store.outbox.mark_failed(word, "nobody answers", None)
        assert store.outbox.next_tries() == {}
        (lost,) = store.outbox.list_failed(NOON)
        assert (lost.schedule, lost.channel, lost.given_up, lost.trouble) == ("daily", "ops", True, "nobody answers")
        assert [(event.kind, event.run_id) for event in store.events(seen)] == [("notification_given_up", run.id)]

    def test_what_is_over_goes_after_a_time_and_what_waits_stays(self, store: Store, clock: Clock) -> None:
        for number, channel in enumerate(("lost", "told", "waits", "later")):
            clock.at((number == 3) * 86_400)
            failed(store, channel, schedule=make_schedule(channel))
        for channel, ended in (("lost", False), ("told", True), ("later", False)):
            word = store.outbox.claim(channel, LEASE)
            assert word is not None
            assert store.outbox.mark_delivered(word) if ended else store.outbox.mark_failed(word, "no", None)
        assert [store.outbox.prune(NOON + DAY, 1) for _ in range(3)] == [1, 1, 0]
        assert [each.channel for each in store.outbox.list_failed(NOON)] == ["later"]
        assert list(store.outbox.next_tries()) == ["waits"]

    def test_channels_wait_apart_and_the_longest_waiting_comes_first(self, store: Store, clock: Clock) -> None:
        failed(store, "ops")
        clock.at(1)
        later = failed(store, "ops", "team", schedule=make_schedule("later"))
        first, second = store.outbox.claim("ops", LEASE), store.outbox.claim("ops", LEASE)
        assert first is not None
        assert second is not None
        assert (first.run_id != later.id, second.run_id) == (True, later.id)
        assert store.outbox.claim("other", LEASE) is None

    def test_an_owner_sees_the_undelivered_words_of_their_schedules(self, store: Store) -> None:
        for name, owner in (("hers", "ann"), ("his", "bob")):
            failed(store, "ops", schedule=make_schedule(name, owner=owner))
            word = store.outbox.claim("ops", LEASE)
            assert word is not None
            assert store.outbox.mark_failed(word, "no", 60)
        assert [each.schedule for each in store.outbox.list_failed(NOON, owner="ann")] == ["hers"]
        assert [each.schedule for each in store.outbox.list_failed(NOON)] == ["his", "hers"]
        assert [each.schedule for each in store.outbox.list_failed(NOON, limit=1)] == ["his"]
        assert store.outbox.list_failed(NOON + DAY) == []


class TestFreshness:
    def test_only_what_may_be_judged_is_due_the_longest_due_first(self, store: Store) -> None:
        for name, at, state in [
            ("later", NOON + DAY, ScheduleState.ACTIVE),
            ("now", NOON, ScheduleState.ACTIVE),
            ("ended", NOON - DAY, ScheduleState.ENDED),
            ("paused", NOON - DAY, ScheduleState.PAUSED),
            ("none", None, ScheduleState.ACTIVE),
        ]:
            store.schedules.add(make_schedule(name, silence_due=at, state=state))
        assert [schedule.name for schedule in store.schedules.list_freshness_due(NOON, 10)] == ["ended", "now"]
        assert [schedule.name for schedule in store.schedules.list_freshness_due(NOON, 1)] == ["ended"]

    @pytest.mark.parametrize("deadline", [NOON, None])
    def test_a_deadline_is_judged_once(self, store: Store, deadline: object) -> None:
        before = make_schedule(silence_due=deadline)
        store.schedules.add(before)
        after = before.model_copy(update={"silence_due": NOON + DAY})
        assert store.schedules.replace(before, after, actor="service", kind=None)
        assert not store.schedules.replace(before, after, actor="service", kind=None)
        assert store.schedules.get(before.id) == after


def test_of_services_that_claim_together_each_word_has_one(store: Store, ledger: str) -> None:
    for number in range(12):
        failed(store, "ops", schedule=make_schedule(f"s{number}"))
    others = [open_store(ledger, lambda: NOON) for _ in range(3)]

    def claim_all(other: Store) -> list[str]:
        claimed = []
        while (word := other.outbox.claim("ops", LEASE)) is not None:
            claimed.append(word.message_id)
        return claimed

    with ThreadPoolExecutor(3) as pool:
        shares = list(pool.map(claim_all, others))
    for other in others:
        other.close()
    assert sorted(number for share in shares for number in share) == sorted(run.id for run in store.runs.list_newest())
