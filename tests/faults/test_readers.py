"""Whoever reads a publication while its publishers are killed, one after the other, never meets a mixture."""

import itertools
import os
import random
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest

from jupyter_schedule.core.models import utc_text
from jupyter_schedule.core.storage.factory import LocalStorage, ObjectStorage, S3Storage
from tests.faults.processes import CONTEXT, Process
from tests.faults.publisher import files_of, publish_days, put_outputs, read
from tests.faulty import Fault, faulty
from tests.s3_servers import S3Server, variables
from tests.scheduler_service.publishing.results import (
    assert_readers_find_what_latest_points_at,
    data_of,
    due_on,
)

#: how many days are published, which is how often the publishers can be killed
DAYS = pytest.mark.parametrize("days", [40, pytest.param(200, marks=pytest.mark.proof("faults"))])
#: starts a publisher of these days, which is killed at the nth thing that it does
StartPublisher = Callable[[range, int], Process]


class Reader:
    """Reads in a process of its own, as long as the block lasts."""

    def __init__(self, area: ObjectStorage, folder: Path) -> None:
        self._area = area
        self._over = CONTEXT.Event()
        self._seen = folder / "seen"

    def __enter__(self) -> Self:
        self._process = Process(read, self._area, self._over, self._seen, variables())
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        assert self._process.ended() == 0, "it met a mixture: see what it said"

    def seen(self, what: str) -> list[str]:
        """The `runs` that latest.json pointed at, or the `days` that the file was of, in order."""
        pairs = [line.split() for line in self._seen.read_text().splitlines()]
        return [word for kind, word in pairs if kind == what]


def publish_all(start: StartPublisher, done: Path, *, days: int, longest: int) -> int:
    """Have all days published, by one publisher after the other; how many of them were killed.

    longest: none does more than so many things.
    """
    chance = random.Random(6)
    killed = 0
    while (published := len(done.read_text().splitlines()) if done.exists() else 0) < days:
        ended = start(range(published, days), chance.randrange(longest)).ended()
        assert ended in {0, -signal.SIGKILL}
        killed += ended != 0
    return killed


def assert_never_backwards(reader: Reader, area: ObjectStorage, days: int) -> None:
    """It never saw an older run after a newer one, it was there all the time, and in the end everything is in place."""
    for what in ("runs", "days"):
        seen = reader.seen(what)
        assert seen == sorted(seen)
        assert len(set(seen)) > days / 10
    assert assert_readers_find_what_latest_points_at(area) == utc_text(due_on(days - 1).scheduled_for)
    newest = {f"day{day % 5}.csv": files_of(day)[f"day{day % 5}.csv"] for day in range(days - 5, days)}
    assert data_of(area) == newest | {"same.csv": files_of(days - 1)["same.csv"]}


@DAYS
def test_in_a_folder_where_they_die_before_any_touch_of_a_file(tmp_path: Path, days: int) -> None:
    work, area = LocalStorage(tmp_path / "work"), LocalStorage(tmp_path / "published")
    put_outputs(work, range(days))
    done = tmp_path / "done"

    def start(which: range, dies_at: int) -> Process:
        return Process(publish_days, work, area, which, done, dies_at=dies_at, variables={})

    with Reader(area, tmp_path) as reader:
        killed = publish_all(start, done, days=days, longest=400)
    assert killed > days / 4
    assert_never_backwards(reader, area, days)


@pytest.mark.s3
@DAYS
def test_on_s3_where_they_die_in_the_middle_of_any_request(seaweedfs: S3Server, tmp_path: Path, days: int) -> None:
    """Half of the requests that somebody dies at happen all the same."""
    work, area = seaweedfs.objects("work"), seaweedfs.objects("public")
    put_outputs(work, range(days))
    done = tmp_path / "done"
    with faulty(seaweedfs.endpoint) as proxy:
        address = seaweedfs.address(area.address.bucket, prefix=area.address.prefix, endpoint=proxy.endpoint)

        def start(which: range, dies_at: int) -> Process:
            requests, known = itertools.count(), threading.Event()

            def decide(method: str, path: str) -> Fault | None:
                number = next(requests)
                if number == dies_at:
                    known.wait()
                    os.kill(publisher.pid, signal.SIGKILL)
                return (Fault.CLOSED, Fault.LOST)[number % 2] if number >= dies_at else None

            proxy.decide = decide
            publisher = Process(
                publish_days, work, S3Storage(address), which, done, dies_at=None, variables=variables()
            )
            known.set()
            return publisher

        with Reader(area, tmp_path) as reader:
            killed = publish_all(start, done, days=days, longest=300)
    assert killed > days / 4
    assert_never_backwards(reader, area, days)
