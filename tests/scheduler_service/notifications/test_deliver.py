"""When a word is sent, again and no more: rules, without a network."""

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_schedule.core.models import Notification, NotificationEvent, QueuedNotification, RunStatus
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.factory import open_store
from scheduler_service.notifications.deliver import (
    FIRST_PAUSE,
    LEASE,
    LONGEST_PAUSE,
    LOOK,
    MOST,
    Deliverer,
    retry_delay,
)
from scheduler_service.notifications.message import Message
from tests.databases import Clock
from tests.engine import PATIENCE, eventually
from tests.factories import NOON, make_run, make_schedule


class Fake:
    """A channel that does as it is told."""

    def __init__(self, *answers: str | None) -> None:
        self.answers: Iterator[str | None] = itertools.chain(answers, itertools.repeat(None))
        self.got: list[str] = []
        #: while it isn't set, who sends waits
        self.free = threading.Event()
        self.free.set()

    def send(self, message: Message) -> str | None:
        self.got.append(message.id)
        assert self.free.wait(PATIENCE)
        return next(self.answers)


def compose(word: QueuedNotification) -> Message:
    return Message(word.message_id, "title", "body", good=False)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/ledger.sqlite3", clock)
    yield opened
    opened.close()


def owe(store: Store, channel: str, number: str) -> None:
    """Have a run that tells a channel something."""
    schedule = make_schedule(number)
    store.schedules.add(schedule)
    run = make_run(schedule)
    store.runs.add(run, actor="service")
    word = Notification(message_id=number, run_id=run.id, occasion=NotificationEvent.FAILURE, channel=channel)
    store.runs.replace(run, run.model_copy(update={"status": RunStatus.FAILED}), actor="service", notifications=[word])


def carried(deliverer: Deliverer) -> None:
    """Look once, and wait for what that set off."""
    deliverer.look()
    for thread in deliverer._delivering.values():
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_pauses_double_up_to_an_hour_and_end() -> None:
    longest = [retry_delay(attempts, 1) for attempts in range(1, MOST)]
    assert longest[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert longest[-1] == LONGEST_PAUSE
    assert retry_delay(1, 0) == FIRST_PAUSE / 2
    assert retry_delay(MOST, 1) is None
    assert 4 * 3600 < sum(pause for pause in longest if pause) < 6 * 3600


def test_what_waits_is_sent_in_order_and_not_again(store: Store, clock: Clock) -> None:
    for number in ("first", "second"):
        owe(store, "ops", number)
    ops = Fake()
    deliverer = Deliverer(store, {"ops": ops}, compose, now=clock)
    carried(deliverer)
    clock.at(LEASE + 1)
    carried(deliverer)
    assert ops.got == ["first", "second"]


def test_a_word_that_failed_is_sent_again_after_its_pause(store: Store, clock: Clock) -> None:
    owe(store, "ops", "one")
    ops = Fake("down", "still down")
    deliverer = Deliverer(store, {"ops": ops}, compose, now=clock, chance=lambda: 1)
    carried(deliverer)
    assert deliverer.look() == FIRST_PAUSE
    clock.at(FIRST_PAUSE)
    carried(deliverer)
    assert ops.got == ["one"] * 2
    clock.at(3 * FIRST_PAUSE)
    carried(deliverer)
    assert ops.got == ["one"] * 3
    assert store.outbox.next_tries() == {}
    assert store.outbox.list_failed(NOON) == []


def test_a_word_that_fails_too_often_is_given_up_and_known_as_such(store: Store, clock: Clock) -> None:
    owe(store, "ops", "one")
    ops = Fake(*["535 wrong password"] * MOST)
    deliverer = Deliverer(store, {"ops": ops}, compose, now=clock, chance=lambda: 1)
    for hour in range(2 * MOST):
        clock.at(hour * LONGEST_PAUSE)
        carried(deliverer)
    assert ops.got == ["one"] * MOST
    (lost,) = store.outbox.list_failed(NOON)
    assert (lost.given_up, lost.trouble, lost.attempts) == (True, "535 wrong password", MOST)


def test_a_channel_that_is_not_set_up_here_is_a_failure_that_says_so(store: Store, clock: Clock) -> None:
    owe(store, "gone", "one")
    carried(Deliverer(store, {}, compose, now=clock))
    (waiting,) = store.outbox.list_failed(NOON)
    assert (waiting.given_up, waiting.trouble) == (False, "No channel of that name is set up.")


def test_what_a_broken_channel_says_is_not_repeated(
    store: Store, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Fake):
        def send(self, message: Message) -> str | None:
            raise RuntimeError("smtp://ann:canary@host")

    owe(store, "ops", "one")
    carried(Deliverer(store, {"ops": Broken()}, compose, now=clock))
    (waiting,) = store.outbox.list_failed(NOON)
    assert waiting.trouble == "It couldn't be sent: RuntimeError."
    assert "canary" not in caplog.text


def test_a_channel_of_which_no_word_can_be_claimed_is_left_alone_for_a_while(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would be tried without a pause, as each try would set off the next."""
    tries = []

    def claim(channel: str, lease: int) -> QueuedNotification | None:
        tries.append(channel)
        raise OSError("the ledger is away")

    owe(store, "ops", "one")
    monkeypatch.setattr(store.outbox, "claim", claim)
    deliverer = Deliverer(store, {}, compose, now=clock)
    carried(deliverer)
    assert not deliverer._woken.is_set()
    carried(deliverer)
    assert tries == ["ops"]
    clock.at(LOOK)
    carried(deliverer)
    assert tries == ["ops"] * 2


def test_a_slow_channel_keeps_no_other_waiting(store: Store, clock: Clock) -> None:
    owe(store, "slow", "one")
    owe(store, "quick", "two")
    slow, quick = Fake(), Fake()
    slow.free.clear()
    deliverer = Deliverer(store, {"slow": slow, "quick": quick}, compose, now=clock)
    deliverer.look()
    eventually(lambda: slow.got and quick.got, what="both")
    deliverer.look()
    assert slow.got == ["one"]
    slow.free.set()
    eventually(lambda: store.outbox.next_tries() == {}, what="the slow one")


def test_of_two_services_one_sends_and_the_other_when_that_has_died(store: Store, clock: Clock) -> None:
    owe(store, "ops", "one")
    dying, ops = Fake(), Fake()
    # it claims, sends, and is gone before it notes so
    word = store.outbox.claim("ops", LEASE)
    assert word is not None
    dying.send(compose(word))
    other = Deliverer(store, {"ops": ops}, compose, now=clock)
    carried(other)
    assert ops.got == []
    clock.at(LEASE)
    carried(other)
    assert dying.got == ops.got == ["one"]


def test_it_stops_also_when_a_channel_never_answers(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler_service.notifications.deliver.FAREWELL", 0.01)
    owe(store, "ops", "one")
    ops = Fake()
    ops.free.clear()
    deliverer = Deliverer(store, {"ops": ops}, compose, now=clock)
    thread = threading.Thread(target=deliverer.run)
    thread.start()
    eventually(lambda: ops.got, what="the first word")
    deliverer.stop()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    ops.free.set()
    eventually(lambda: store.outbox.next_tries() == {}, what="the late answer")
