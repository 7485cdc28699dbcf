"""The service with a failpoint and a short lease, otherwise as `python -m scheduler_service run` runs it."""

import json
import logging
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

from jupyter_schedule.core.storage.factory import open_storage
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.records import ScheduledRun
from scheduler_service.__main__ import run_until_signalled
from scheduler_service.launchers import local
from scheduler_service.launchers.local import AGENT, LocalLauncher
from scheduler_service.launchers.plugins import LauncherContext
from scheduler_service.service import Service, ServiceFactories
from scheduler_service.settings import Settings
from tests.faults.failpoints import Failing, Failpoint

#: seconds; the product's is longer
LEASE = 2


def serve(settings: dict[str, Any], failpoint: Failpoint, folder: Path) -> None:
    """Be a service until a signal ends it.  Its log and a journal of its claims go to `folder`."""
    with (folder / "service.log").open("ab") as log:
        os.dup2(log.fileno(), 2)
    logging.basicConfig(level=logging.INFO, format="%(process)d %(asctime)s %(name)s %(message)s")
    run_until_signalled(Service(Settings(**settings), factories=parts(failpoint, folder / "journal")))


def parts(failpoint: Failpoint, journal: Path) -> ServiceFactories:
    """The product's own parts, each wrapped."""
    # these runs are commands, which need no runner
    mock.patch.object(local, "ensure_runner", return_value=Path(sys.executable)).start()
    worker = Path(__file__).with_name("failing_worker.py")
    failing_agent = (sys.executable, str(worker), failpoint.moment, str(int(failpoint.signal)), str(failpoint.mark))
    agent = failing_agent if failpoint.step == "gate" else AGENT

    def store(address: str, now: Callable[[], datetime]) -> Any:
        return Journalled(Failing(open_store(address, now), "store", failpoint), journal)

    def objects(address: str) -> Any:
        # whoever gives up on an attempt writes its gate too; what dies here is the worker
        inner = open_storage(address)
        return inner if failpoint.step == "gate" else Failing(inner, "objects", failpoint)

    def launchers(_: object, context: LauncherContext) -> dict[str, Any]:
        launcher = LocalLauncher(context.folder, limits=context.limits, on_exit=context.wake, agent=agent)
        return {"local": Failing(launcher, "launcher", failpoint)}

    return ServiceFactories(open_store=store, open_objects=objects, open_launchers=launchers, lease=LEASE)


class Journalled:
    """A store whose leases are written down."""

    def __init__(self, inner: Any, journal: Path) -> None:
        self._inner = inner
        self.leases = JournalledLeases(inner.leases, journal)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class JournalledLeases:
    """Writes down when this process first holds a run, and how often it had looked for one by then."""

    def __init__(self, inner: Any, journal: Path) -> None:
        self._inner = inner
        self._journal = journal
        self._known: set[tuple[str, int]] = set()
        self._looks = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def claim(self, *arguments: Any, **options: Any) -> list[ScheduledRun]:
        self._looks += 1
        claimed: list[ScheduledRun] = self._inner.claim(*arguments, **options)
        for run, _, _ in claimed:
            if (run.id, run.fence) not in self._known:
                self._known.add((run.id, run.fence))
                with self._journal.open("a") as journal:
                    journal.write(json.dumps({"pid": os.getpid(), "at": time.time(), "looks": self._looks}) + "\n")
        return claimed
