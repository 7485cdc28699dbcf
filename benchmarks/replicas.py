"""Two services on one PostgreSQL ledger beside one: how soon they have run a crowd, and how they share the looks."""

import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import func, select

from benchmarks import Row
from jupyter_schedule.core.models import Overlap, RunStatus
from jupyter_schedule.core.store.sql import SqlStore
from jupyter_schedule.core.store.tables import runs
from tests.crowd import story
from tests.databases import PostgresqlServer, postgresql_server
from tests.engine import Engine, eventually

#: runs that are due when the services start, and those that go at once in all
CROWD, ROOM = 120, 8
COMMAND = "sleep 0.2"
#: seconds between two looks at who holds what goes
LOOK = 0.05


def rows() -> Iterable[Row]:
    """The services are up, and have made their runner, before anything is due."""
    with tempfile.TemporaryDirectory() as scratch, postgresql_server() as server:
        (one, _), (two, shares) = (_crowd(Path(scratch, str(count)), server, count) for count in (1, 2))
    yield Row(f"{CROWD} shell runs due at once, room {ROOM}, two services: until all ended", two, "one service", one)
    each = [100 * count / shares.total() for count in shares.values()]
    yield Row("… percent of what goes that is seen by the one who sees less", min(each), "half", 50, unit="")


def _crowd(folder: Path, server: PostgresqlServer, services: int) -> tuple[float, Counter[str]]:
    """Seconds from the first request to the last end; how often each service was found holding a run."""
    folder.mkdir()
    engine = Engine(folder, ledger=server.new_ledger())
    assert isinstance(engine.store, SqlStore)
    engine.script("warm", "true")
    engine.script("crowd", COMMAND, overlap=Overlap.ALLOW)
    going = runs.c.status.in_((RunStatus.LAUNCHING, RunStatus.RUNNING))
    holders = select(runs.c.holder, func.count()).where(going, runs.c.holder.is_not(None)).group_by(runs.c.holder)
    seen: Counter[str] = Counter()
    with ExitStack() as stack:
        for _ in range(services):
            stack.enter_context(engine.service_process(more=f"max_running = {ROOM}\n"))
        eventually(lambda: len(engine.store.services.list_all()) == services, what="the services")
        engine.ended(engine.run("warm"))
        start = time.perf_counter()
        for _ in range(CROWD):
            engine.run("crowd")
        while story(engine.store).ended < CROWD + 1:
            with engine.store.database.read() as connection:
                seen.update({row[0]: row[1] for row in connection.execute(holders)})
            time.sleep(LOOK)
        took = time.perf_counter() - start
    engine.store.close()
    return took, seen
