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
    store.add_schedule(schedule)
    run = make_run(schedule)
    store.add_run(run, actor="service")
    after = run.model_copy(update={"status": RunStatus.FAILED})
    assert store.replace_run(run, after, actor="service", words=[make_word(run, each) for each in channels])
    return run


class TestWords:
    def test_a_run_that_moves_leaves_its_words_and_one_that_does_not_leaves_none(self, store: Store) -> None:
        run = failed(store, "ops", "team")
        again = run.model_copy(update={"status": RunStatus.FAILED})
        assert not store.replace_run(run, again, actor="service", words=[make_word(run, "third")])
        assert store.words_waiting() == {"ops": NOON, "team": NOON}

    def test_a_schedule_that_moves_leaves_its_words_and_one_that_does_not_leaves_none(self, store: Store) -> None:
        run = failed(store)
        before = make_schedule()
        after = before.model_copy(update={"state": ScheduleState.PAUSED, "next_due": None})
        assert store.replace_schedule(before, after, actor="x", kind="paused", words=[make_word(run)])
        assert not store.replace_schedule(before, after, actor="x", kind="paused", words=[make_word(run, "team")])
        assert list(store.words_waiting()) == ["ops"]

    def test_a_word_is_claimed_as_it_was_written(self, store: Store) -> None:
        schedule = make_schedule()
        store.add_schedule(schedule)
        run = make_run(schedule)
        store.add_run(run, actor="service")
        word = make_word(run, occasion=NotificationEvent.SILENCE, details={"deadline": "2026-11-24T09:00:00Z"})
        store.replace_run(run, run, actor="service", words=[word])
        claimed = store.claim_word("ops", LEASE)
        assert claimed is not None
        assert (Notification(**claimed.model_dump(include=set(Notification.model_fields))), claimed.attempts) == (
            word,
            1,
        )

    def test_what_one_has_claimed_is_left_alone_until_its_lease_has_run_out(self, store: Store, clock: Clock) -> None:
        failed(store, "ops")
        first = store.claim_word("ops", LEASE)
        assert store.claim_word("ops", LEASE) is None
        clock.at(LEASE)
        second = store.claim_word("ops", LEASE)
        assert first is not None
        assert second is not None
        assert (second.message_id, second.attempts) == (first.message_id, 2)
        assert not store.word_delivered(first)
        assert store.word_delivered(second)

    def test_what_is_delivered_is_claimed_no_more(self, store: Store, clock: Clock) -> None:
        failed(store, "ops")
        word = store.claim_word("ops", LEASE)
        assert word is not None
        assert store.word_delivered(word)
        clock.at(DAY.total_seconds())
        assert store.words_waiting() == {}
        assert store.claim_word("ops", LEASE) is None
        assert not store.word_delivered(word)
        assert store.undelivered(NOON) == []

    def test_what_failed_waits_for_as_long_as_it_was_told(self, store: Store, clock: Clock) -> None:
        failed(store, "ops")
        word = store.claim_word("ops", LEASE)
        assert word is not None
        assert store.word_failed(word, "nobody answers", 90)
        assert store.words_waiting() == {"ops": NOON + timedelta(seconds=90)}
        clock.at(89)
        assert store.claim_word("ops", LEASE) is None
        clock.at(90)
        assert store.claim_word("ops", LEASE) is not None

    def test_what_is_given_up_is_claimed_no_more_and_told(self, store: Store) -> None:
        run = failed(store, "ops")
        seen = store.last_change()
        word = store.claim_word("ops", LEASE)
        assert word is not None
        assert store.word_failed(word, "nobody answers", None)
        assert store.words_waiting() == {}
        (lost,) = store.undelivered(NOON)
        assert (lost.schedule, lost.channel, lost.given_up, lost.trouble) == ("daily", "ops", True, "nobody answers")
        assert [(event.kind, event.run_id) for event in store.events(seen)] == [("word_given_up", run.id)]

    def test_channels_wait_apart_and_the_longest_waiting_comes_first(self, store: Store, clock: Clock) -> None:
        failed(store, "ops")
        clock.at(1)
        later = failed(store, "ops", "team", schedule=make_schedule("later"))
        first, second = store.claim_word("ops", LEASE), store.claim_word("ops", LEASE)
        assert first is not None
        assert second is not None
        assert (first.run_id != later.id, second.run_id) == (True, later.id)
        assert store.claim_word("other", LEASE) is None

    def test_an_owner_sees_the_undelivered_words_of_their_schedules(self, store: Store) -> None:
        for name, owner in (("hers", "ann"), ("his", "bob")):
            failed(store, "ops", schedule=make_schedule(name, owner=owner))
            word = store.claim_word("ops", LEASE)
            assert word is not None
            assert store.word_failed(word, "no", 60)
        assert [each.schedule for each in store.undelivered(NOON, owner="ann")] == ["hers"]
        assert [each.schedule for each in store.undelivered(NOON)] == ["his", "hers"]
        assert [each.schedule for each in store.undelivered(NOON, limit=1)] == ["his"]
        assert store.undelivered(NOON + DAY) == []


class TestSilences:
    def test_only_what_may_be_judged_is_due_the_longest_due_first(self, store: Store) -> None:
        for name, at, state in [
            ("later", NOON + DAY, ScheduleState.ACTIVE),
            ("now", NOON, ScheduleState.ACTIVE),
            ("ended", NOON - DAY, ScheduleState.ENDED),
            ("paused", NOON - DAY, ScheduleState.PAUSED),
            ("none", None, ScheduleState.ACTIVE),
        ]:
            store.add_schedule(make_schedule(name, silence_due=at, state=state))
        assert [schedule.name for schedule in store.silences_due(NOON, 10)] == ["ended", "now"]
        assert [schedule.name for schedule in store.silences_due(NOON, 1)] == ["ended"]

    @pytest.mark.parametrize("deadline", [NOON, None])
    def test_a_deadline_is_judged_once(self, store: Store, deadline: object) -> None:
        before = make_schedule(silence_due=deadline)
        store.add_schedule(before)
        after = before.model_copy(update={"silence_due": NOON + DAY})
        assert store.replace_schedule(before, after, actor="service", kind=None)
        assert not store.replace_schedule(before, after, actor="service", kind=None)
        assert store.schedule(before.id) == after


def test_of_services_that_claim_together_each_word_has_one(store: Store, ledger: str) -> None:
    for number in range(12):
        failed(store, "ops", schedule=make_schedule(f"s{number}"))
    others = [open_store(ledger, lambda: NOON) for _ in range(3)]

    def claim_all(other: Store) -> list[str]:
        claimed = []
        while (word := other.claim_word("ops", LEASE)) is not None:
            claimed.append(word.message_id)
        return claimed

    with ThreadPoolExecutor(3) as pool:
        shares = list(pool.map(claim_all, others))
    for other in others:
        other.close()
    assert sorted(number for share in shares for number in share) == sorted(run.id for run in store.runs())
