"""500 schedules due at once on this machine: how long until all are published, in how much memory, in which order."""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from benchmarks import Row
from jupyter_schedule.core import clock
from scheduler_service.worker import processes
from scheduler_service.worker.limits import measure_memory
from tests.crowd import farthest, gather, story
from tests.engine import Engine

CROWD = 500
#: runs that go at once by default
ROOM = 4
#: seconds from when the service is started to when all are due
SOON = timedelta(seconds=15)
#: seconds between two looks at memory
LOOK = 0.5


def rows() -> Iterable[Row]:
    """The floor is as many shells, as many at once."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        engine = Engine(folder)
        due = clock.now() + timedelta(seconds=60) + SOON
        gather(engine, CROWD, due)
        with engine.service_process() as service:
            memory = _Memory(service.pid)
            while clock.now() < due - timedelta(seconds=2):
                time.sleep(0.05)
            alone = memory.idle()
            while clock.now() < due:
                time.sleep(0.01)
            start = time.perf_counter()
            while len(engine.store.runs.list_open()) > 0 or story(engine.store).ended < CROWD:
                time.sleep(LOOK)
            took = time.perf_counter() - start
            most = memory.end()
        told = story(engine.store)
        assert told.ended == CROWD
        assert len(engine.published("crowd-0")) == 1
        yield Row(f"{CROWD} due at once → all published", took, f"{CROWD} shells, {ROOM} at once", _shells(folder))
    yield Row("… megabytes at most, workers included", most / 1e6, "the service alone", alone / 1e6, unit="MB")
    yield Row("… runs at work at once", told.most, "the limit", ROOM, unit="")
    yield Row("… places that a run was moved in line", farthest(told), "runs at once", ROOM, unit="")


def _shells(folder: Path) -> float:
    """Seconds for the same commands without a scheduler."""

    def once(number: int) -> None:
        place = folder / f"plain-{number}"
        place.mkdir()
        command = 'echo 1 > "$OUTPUT_DIR/x"'
        subprocess.run(["bash", "-c", command], check=True, env=os.environ | {"OUTPUT_DIR": str(place)})

    start = time.perf_counter()
    with ThreadPoolExecutor(ROOM) as pool:
        list(pool.map(once, range(CROWD)))
    return time.perf_counter() - start


class _Memory:
    """The most that a process and all below it had at once, looked at now and then."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._most = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def idle(self) -> int:
        """What it has now; what it had before is forgotten."""
        self._most = 0
        return self._now()

    def end(self) -> int:
        """The most since then."""
        self._over.set()
        self._thread.join()
        return self._most

    def _watch(self) -> None:
        while not self._over.wait(LOOK):
            self._most = max(self._most, self._now())

    def _now(self) -> int:
        own = processes.read(self._pid)
        family = [*([own] if own else []), *processes.walk_descendants(self._pid)]
        return sum(measure_memory(process) for process in family)
