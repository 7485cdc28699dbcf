"""The service: it opens what the settings name and ticks, when something is due and when something changed."""

import logging
import os
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from jupyter_schedule.core import clock
from jupyter_schedule.core.account import AccountKey
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import LauncherCatalog
from jupyter_schedule.core.storage.factory import ObjectStorage, open_storage
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.leader_lock import Blocker, LeaderLock
from scheduler_service.context import ACTOR, LEASE, ServiceContext, second_clock
from scheduler_service.disclosure.files import FileLimits
from scheduler_service.health import HealthReporter
from scheduler_service.launchers.base import Launcher
from scheduler_service.launchers.ec2.client import open_ec2
from scheduler_service.launchers.local import LocalLauncher
from scheduler_service.logfmt import logfmt
from scheduler_service.maintenance import MaintenanceLoop
from scheduler_service.notifications.channels import open_channels
from scheduler_service.notifications.deliver import Deliverer
from scheduler_service.notifications.message import MessageComposer
from scheduler_service.retention.prune import Pruner
from scheduler_service.retention.prune_daily import DailyPruner
from scheduler_service.settings import Settings
from scheduler_service.tick import Ticker
from scheduler_service.trusted_clock import TrustedClock
from scheduler_service.worker.handle import identify_host
from scheduler_service.worker.limits import ProcessLimits

log = logging.getLogger(__name__)

#: longest wait between two ticks, seconds: while runs are open, and otherwise
LOOK_AT_WORKERS = 0.25
LOOK_AT_CLOCK = 1.0
#: the same when something came due while it ticked
LOOK_AGAIN = 0.05
#: seconds between two tries to become the one who ticks
STANDBY = 0.5


def until_next_tick(next_due: datetime | None, now: datetime, *, busy: bool) -> float:
    """Seconds until the next tick: at the next occurrence, or sooner, to look at workers and at the clock."""
    longest = LOOK_AT_WORKERS if busy else LOOK_AT_CLOCK
    if next_due is None:
        return longest
    coming = (next_due - now).total_seconds()
    if coming > 0:
        return min(longest, coming)
    # what has been due for long was left for a reason that lasts, such as a clock that is doubted
    return LOOK_AGAIN if coming > -LOOK_AT_CLOCK else longest


def open_launchers(folder: Path, limits: ProcessLimits, on_exit: Callable[[], None]) -> Mapping[str, Launcher]:
    """By their names, the launchers of a service that keeps its things in `folder`; `limits` are those of each run."""
    return {"local": LocalLauncher(folder, limits=limits, on_exit=on_exit)}


@dataclass(frozen=True)
class ServiceFactories:
    """The makers of what a service works with: a test puts something of its own in between."""

    open_store: Callable[[str, Callable[[], datetime]], Store] = open_store
    #: for the work area and for every publication
    open_objects: Callable[[str], ObjectStorage] = open_storage
    open_launchers: Callable[[Path, ProcessLimits, Callable[[], None]], Mapping[str, Launcher]] = open_launchers
    #: seconds, see `context.LEASE`
    lease: int = LEASE


class Service:
    """One scheduler service.

    On a database that many share all tick, each on the runs that it holds.  On a file one ticks; any other stands by
    and takes over when it ends.
    """

    def __init__(
        self, settings: Settings, now: Callable[[], datetime] = clock.now, factories: ServiceFactories | None = None
    ) -> None:
        """Raises Refused when a channel can't be used."""
        self._settings = settings
        self._channels = open_channels(settings.notifications)
        self._now = now
        self._factories = factories or ServiceFactories()
        self._wake = threading.Event()
        self._stopped = threading.Event()
        #: called when anybody has written to the store
        self._wakers: tuple[Callable[[], None], ...] = (self._wake.set,)

    def stop(self) -> None:
        """End `run` soon: no more ticks; workers go on."""
        self._stopped.set()
        self._wake.set()

    def run(self) -> None:
        """Tick until stopped."""
        places = self._settings.places
        places.make_private()
        lock = LeaderLock(places.lock)
        if places.shared_store is None and not self._wait_for(lock):
            return
        work_area = self._settings.storage.work or places.objects
        objects = self._factories.open_objects(work_area)
        trusted_clock = TrustedClock(self._now, clock.since_boot, lambda: second_clock(store, objects))
        store = self._factories.open_store(places.store, trusted_clock.now)
        account = AccountKey.open(places.folder) if places.shared_store else None
        store.leases.register()
        trusted_clock.assess()
        limits = ProcessLimits(**self._settings.limits.model_dump())
        launchers = dict(self._factories.open_launchers(places.folder, limits, self._wake.set))
        if self._settings.ec2 is not None:
            launchers["ec2"] = open_ec2(self._settings.ec2, work_area, store.secret(), trusted_clock.now, places.folder)
        holder = f"{os.getpid()}-{uuid4().hex[:8]}"
        offered = tuple(launcher.describe(name) for name, launcher in launchers.items())
        store.publish_catalog(LauncherCatalog(launchers=offered, room=self._settings.room), actor=ACTOR)
        ticker = Ticker(
            ServiceContext(
                store=store,
                objects=objects,
                open_objects=self._factories.open_objects,
                storage=self._settings.storage,
                limits=FileLimits(smallest_cell=self._settings.smallest_cell),
                work_area=work_area,
                launchers=launchers,
                secret=store.secret(),
                holder=holder,
                host=identify_host(),
                concurrency=self._settings.room,
                clock=trusted_clock,
                account=account,
                lease=self._factories.lease,
                free=lambda: shutil.disk_usage(places.folder).free,
                wake=self._wake.set,
            )
        )
        words = Deliverer(store, self._channels, MessageComposer(store, objects), now=trusted_clock.now)
        self._wakers = (self._wake.set, words.wake)
        maintenance = self._maintenance(store, work_area, holder, trusted_clock.now)
        helpers = [
            threading.Thread(target=self._watch, args=(store,), name="watcher"),
            threading.Thread(target=words.run, name="words"),
            threading.Thread(target=maintenance.run, args=(self._stopped,), name="maintenance"),
        ]
        health = HealthReporter(store, None if places.shared_store else lock)
        for helper in helpers:
            helper.start()
        log.info(logfmt("ticking", folder=places.folder))
        try:
            self._tick_until_stopped(ticker, store, health, trusted_clock.now)
        finally:
            self.stop()
            words.stop()
            for helper in helpers:
                helper.join()
            ticker.close()
            for launcher in launchers.values():
                launcher.close()
            store.close()
            lock.release()
            log.info(logfmt("stopped", folder=places.folder))

    def _maintenance(self, store: Store, work_area: str, holder: str, now: Callable[[], datetime]) -> MaintenanceLoop:
        settings, open_area = self._settings, self._factories.open_objects
        objects = open_area(work_area)
        pruning = Pruner(store, objects, open_area, settings.retention.keep)
        daily = DailyPruner(pruning, objects, holder, now())
        return MaintenanceLoop(store, settings.storage, open_area, now, daily, work_area=work_area)

    def _wait_for(self, lock: LeaderLock) -> bool:
        """Stand by until the right to tick is ours; False when stopped before."""
        if not lock.acquire():
            log.info(logfmt("standby", message="another service ticks for this store, or a program holds its lock"))
            while not lock.acquire():
                if self._stopped.wait(STANDBY):
                    return False
        return not self._stopped.is_set()

    def _tick_until_stopped(
        self, ticker: Ticker, store: Store, health: HealthReporter, now: Callable[[], datetime]
    ) -> None:
        while not self._stopped.is_set():
            self._wake.clear()
            try:
                busy = ticker.tick()
                pause = until_next_tick(store.schedules.next_due(), now(), busy=busy)
                health.report(ticker.blocker)
                self._wake.wait(pause)
            except Refused as refusal:
                # the ledger can't be used now
                known = refusal.code in set(Blocker)
                health.report(Blocker(refusal.code) if known else Blocker.UNUSABLE)
                log.info(logfmt("tick_refused", message=refusal.message))
                self._stopped.wait(LOOK_AT_CLOCK)
            except Exception:
                # whatever it was, the next tick starts from the ledger again
                log.exception(logfmt("tick_failed"))
                self._stopped.wait(LOOK_AT_CLOCK)

    def _watch(self, store: Store) -> None:
        """Wake the ticker when anybody writes to the store."""
        seen = 0
        while not self._stopped.is_set():
            try:
                newest = store.wait_for_change(seen, LOOK_AT_CLOCK)
            except Refused as refusal:
                log.warning(logfmt("watch_failed", message=refusal.message))
                self._stopped.wait(LOOK_AT_CLOCK)
                continue
            if newest > seen:
                seen = newest
                for wake in self._wakers:
                    wake()
