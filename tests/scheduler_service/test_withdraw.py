"""What was public and is private now leaves the public area, and nothing of it is lost."""

from jupyter_schedule.core.objects import digest
from scheduler_service.withdraw import withdraw
from tests.factories import NOON
from tests.scheduler_service.stores import Died, Dying, MemoryObjects
from tests.scheduler_service.test_publish import DAY, KEYS, data_of, document, due_on, publish_files


def published(area: MemoryObjects) -> None:
    for day in range(3):
        publish_files(due_on(day), {"same.csv": b"%d" % day, f"day{day}.csv": b"x"}, area)


def test_a_publication_moves_whole() -> None:
    public, private, plain = MemoryObjects(), MemoryObjects(), MemoryObjects()
    published(public)
    published(plain)

    assert withdraw("flights", public, private, NOON) > 0

    assert public.content == {}
    assert data_of(private) == data_of(plain)
    assert document(private, KEYS.latest) == document(plain, KEYS.latest)
    assert withdraw("flights", public, private, NOON) == 0


def test_newer_private_results_stay() -> None:
    public, private = MemoryObjects(), MemoryObjects()
    published(public)
    publish_files(due_on(5), {"same.csv": b"newest"}, private)

    withdraw("flights", public, private, NOON + 9 * DAY)

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
                withdraw("flights", Dying(public, write // 2, moment) if write % 2 else public,
                         private if write % 2 else Dying(private, write // 2, moment), NOON)  # fmt: skip
            except Died:
                withdraw("flights", public, private, NOON)
            assert public.content == {}
            assert data_of(private) == data_of(plain)
            assert digest(private.content[KEYS.latest]) == digest(plain.content[KEYS.latest])
