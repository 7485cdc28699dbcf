"""The service: it opens what the settings name and ticks, when something is due and when something changed."""

import logging
import os
import shutil
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from jupyter_schedule.core import clock
from jupyter_schedule.core.account import account_of
from jupyter_schedule.core.config import find_launchers
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import LOCAL_LAUNCHER, LauncherCatalog
from jupyter_schedule.core.storage.factory import ObjectStorage, open_storage
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.leader_lock import Blocker, LeaderLock
from jupyter_schedule.core.store.records import ServiceRecord
from scheduler_service.anonymous_get import server_time
from scheduler_service.context import ACTOR, LEASE, ServiceContext
from scheduler_service.disclosure.files import FileLimits
from scheduler_service.health import HealthReporter, TroubleLog
from scheduler_service.launchers.base import Launcher
from scheduler_service.launchers.host import identify_host
from scheduler_service.launchers.plugins import LauncherContext, LauncherSettings, load_plugin
from scheduler_service.logfmt import logfmt
from scheduler_service.maintenance import MaintenanceLoop
from scheduler_service.notifications.channels import open_channels
from scheduler_service.notifications.deliver import Deliverer
from scheduler_service.notifications.message import MessageComposer
from scheduler_service.ownership import Ownership, has_marker, identify_ledger
from scheduler_service.retention.prune import Pruner
from scheduler_service.retention.prune_daily import DailyPruner
from scheduler_service.settings import Settings
from scheduler_service.standby import LeaderLook, LeaderWatch
from scheduler_service.tick import Ticker
from scheduler_service.trusted_clock import TrustedClock
from scheduler_service.worker.limits import ProcessLimits

log = logging.getLogger(__name__)

#: longest wait between two ticks, seconds: while runs are open, and otherwise
LOOK_AT_WORKERS = 0.25
LOOK_AT_CLOCK = 1.0
#: the same when something came due while it ticked
LOOK_AGAIN = 0.05
#: seconds between two looks at what takes a network: whose the work area is, and another clock
LOOK_OUTSIDE = 60.0
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


def open_launchers(settings: Mapping[str, LauncherSettings], context: LauncherContext) -> dict[str, Launcher]:
    """The launchers by their names; one that can't be opened is named in the log, and the others go on without it.

    settings: those of each launcher beside `local`, which is always there.
    """
    known, opened = find_launchers(), dict[str, Launcher]()
    for name, own in {LOCAL_LAUNCHER: LauncherSettings(), **settings}.items():
        try:
            opened[name] = load_plugin(name, known).open(own, context)
        except (Refused, OSError) as problem:
            log.error(logfmt("launcher_unusable", launcher=name, message=problem))
    return opened


@dataclass(frozen=True)
class ServiceFactories:
    """The makers of what a service works with: a test puts something of its own in between."""

    open_store: Callable[[str, Callable[[], datetime]], Store] = open_store
    #: for the work area and for every publication
    open_objects: Callable[[str], ObjectStorage] = open_storage
    open_launchers: Callable[[Mapping[str, LauncherSettings], LauncherContext], Mapping[str, Launcher]] = open_launchers
    #: seconds, see `context.LEASE`
    lease: int = LEASE


class Precedence(NamedTuple):
    """The right to tick for a ledger in a file, after the service that did last; None when there was none."""

    leader: ServiceRecord | None


class Service:
    """One scheduler service.

    On a database that many share all tick, each on the runs that it holds.  On a file one ticks; any other stands by
    and takes over when it ends, or has finished no tick for a minute.
    """

    def __init__(
        self, settings: Settings, now: Callable[[], datetime] = clock.now, factories: ServiceFactories | None = None
    ) -> None:
        """A channel that can't be used is named in the log, and stops nothing."""
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
        """Tick until stopped.  Who ticked for a file and is stopped for long stands by when it wakes up."""
        places = self._settings.places
        places.make_private()
        if places.shared_store is not None:
            self._serve(None, None)
            return
        lock = LeaderLock(places.lock)
        try:
            while (before := self._wait_to_lead(lock)) is not None:
                self._serve(lock, before.leader)
        finally:
            lock.release()

    def _serve(self, lock: LeaderLock | None, before: ServiceRecord | None) -> None:
        """Tick until stopped, or until another does instead, after `before`; lock: of a ledger in a file."""
        context = self._open_context()
        store = context.store
        service = ServiceRecord(
            holder=context.holder,
            host=context.host,
            has_lock=lock is not None and lock.is_ours,
            launchers=tuple(context.launchers),
            limits=context.concurrency.model_dump(mode="json"),
        )
        try:
            if _take_up(store, service, before, alone=lock is not None):
                self._serve_as_owner(context, HealthReporter(store, service, lock, clock.awake))
        finally:
            for launcher in context.launchers.values():
                launcher.close()
            with suppress(Refused):
                store.services.remove(service.holder)
            store.close()
            if lock is not None:
                lock.release()

    def _open_context(self) -> ServiceContext:
        places = self._settings.places
        work_area = self._settings.storage.work or places.objects
        objects = self._factories.open_objects(work_area)
        trusted_clock = TrustedClock(self._now, clock.since_boot, lambda: store.clock())  # noqa: PLW0108  (opened below)
        store = self._factories.open_store(places.store, trusted_clock.now)
        account = account_of(places)
        secret = store.secret()
        given = LauncherContext(
            folder=places.folder,
            work_storage=work_area,
            secret=secret,
            now=trusted_clock.now,
            wake=self._wake.set,
            limits=ProcessLimits(**self._settings.limits.model_dump()),
        )
        for name, sentence in self._settings.broken_launchers.items():
            log.error(logfmt("launcher_unusable", launcher=name, message=sentence))
        opened = self._factories.open_launchers(self._settings.launchers, given)
        offered = {name: each for name, each in opened.items() if name != LOCAL_LAUNCHER or self._settings.runs_here}
        # the local launcher has it in use by now, and keeps it so
        host = identify_host(places.folder)
        host.close()
        return ServiceContext(
            store=store,
            objects=objects,
            open_objects=self._factories.open_objects,
            storage=self._settings.storage,
            limits=FileLimits(smallest_cell=self._settings.smallest_cell),
            work_area=work_area,
            launchers=offered,
            secret=secret,
            holder=f"{os.getpid()}-{uuid4().hex[:8]}",
            host=host.name,
            concurrency=self._settings.room,
            clock=trusted_clock,
            account=account,
            lease=self._factories.lease,
            free=lambda: shutil.disk_usage(places.folder).free,
            wake=self._wake.set,
        )

    def _serve_as_owner(self, context: ServiceContext, health: HealthReporter) -> None:
        """Serve while the ledger owns its work area; a copy starts nothing, ends nothing, and says so."""
        ours = identify_ledger(context.store, self._settings.places, context.host, context.secret)
        marked = has_marker(self._settings.places, context.objects)
        ownership = Ownership(context.objects, context.store, ours, self._wake.set)
        if not marked:
            ownership.blocker = None
        looks = ownership.look if marked else lambda: None
        over = threading.Event()
        observer = threading.Thread(target=_observe, args=(context, looks, over), name="observer", daemon=True)
        observer.start()
        if marked:
            ownership.wait_for_look()
        try:
            while not self._stopped.is_set() and not health.is_deposed():
                if ownership.blocker is None:
                    self._serve_with(context, health, ownership)
                else:
                    self._keep_still(health, ownership.blocker)
        finally:
            over.set()

    def _keep_still(self, health: HealthReporter, blocker: Blocker) -> None:
        self._wake.clear()
        try:
            health.note_tick(blocker)
        except Refused as refusal:
            log.debug(logfmt("tick_refused", message=refusal.message))
        self._wake.wait(LOOK_AT_CLOCK)

    def _serve_with(self, context: ServiceContext, health: HealthReporter, ownership: Ownership) -> None:
        store, folder = context.store, self._settings.places.folder
        context.clock.assess()
        offered = tuple(launcher.describe(name) for name, launcher in context.launchers.items())
        store.publish_catalog(LauncherCatalog(launchers=offered, room=self._settings.room), actor=ACTOR)
        ticker = Ticker(context)
        trouble = TroubleLog(clock.awake)
        compose = MessageComposer(store, context.objects)
        words = Deliverer(store, self._channels, compose, now=context.now, warn=trouble.warn)
        maintenance = self._maintenance(context, trouble)
        self._wakers = (self._wake.set, words.wake, maintenance.wake)
        over = threading.Event()
        helpers = [
            threading.Thread(target=self._watch, args=(store, over, trouble), name="watcher"),
            threading.Thread(target=words.run, name="words"),
            threading.Thread(target=maintenance.run, name="maintenance"),
        ]
        for helper in helpers:
            helper.start()
        log.info(logfmt("ticking", folder=folder))
        try:
            self._tick_until_stopped(
                ticker, store, health=health, now=context.now, trouble=trouble, ownership=ownership
            )
        finally:
            over.set()
            words.stop()
            maintenance.stop()
            for helper in helpers:
                helper.join()
            ticker.close()
            log.info(logfmt("stopped", folder=folder))

    def _maintenance(self, context: ServiceContext, trouble: TroubleLog) -> MaintenanceLoop:
        store, now, open_area = context.store, context.now, context.open_objects
        objects = open_area(context.work_area)
        pruning = Pruner(store, objects, open_area, self._settings.retention.keep, context.account)
        daily = DailyPruner(pruning, objects, context.holder, now())
        return MaintenanceLoop(
            store, context.storage, open_area, now, daily, work_area=context.work_area, warn=trouble.warn
        )

    def _wait_to_lead(self, lock: LeaderLock) -> "Precedence | None":
        """Stand by until the right to tick is ours, and from whom; None when stopped before."""
        places = self._settings.places
        watch = LeaderWatch(clock.awake)
        look = LeaderLook(places, lambda: open_store(places.store, self._now, migrates=False))
        told = False
        try:
            while not self._stopped.is_set():
                has_lock = lock.acquire()
                leader = look.leader()
                if watch.may_lead(leader, has_lock=has_lock):
                    if not has_lock:
                        log.warning(
                            logfmt("takes_over", message="the service that ticked has finished no tick for long")
                        )
                    return Precedence(leader)
                lock.release()
                if not told:
                    message = "another service ticks for this store, or a program holds its lock"
                    log.info(logfmt("standby", message=message))
                    told = True
                self._stopped.wait(STANDBY)
        finally:
            look.close()
        return None

    def _tick_until_stopped(
        self,
        ticker: Ticker,
        store: Store,
        *,
        health: HealthReporter,
        now: Callable[[], datetime],
        trouble: TroubleLog,
        ownership: Ownership,
    ) -> None:
        while not self._stopped.is_set() and ownership.blocker is None:
            self._wake.clear()
            try:
                if health.is_deposed():
                    log.error(logfmt("deposed", message="this service was stopped for long, and another ticks now"))
                    return
                busy = ticker.tick()
                pause = until_next_tick(store.schedules.next_due(), now(), busy=busy)
                health.note_tick(ticker.blocker)
                self._wake.wait(pause)
            except Refused as refusal:
                # the ledger can't be used now
                known = refusal.code in set(Blocker)
                health.report(Blocker(refusal.code) if known else Blocker.UNUSABLE)
                trouble.warn("tick_refused", refusal)
                self._stopped.wait(LOOK_AT_CLOCK)
            except Exception:
                # whatever it was, the next tick starts from the ledger again
                log.exception(logfmt("tick_failed"))
                self._stopped.wait(LOOK_AT_CLOCK)

    def _watch(self, store: Store, over: threading.Event, trouble: TroubleLog) -> None:
        """Wake the ticker when anybody writes to the store."""
        seen = 0
        while not over.is_set():
            try:
                newest = store.wait_for_change(seen, LOOK_AT_CLOCK, over)
            except Refused as refusal:
                trouble.warn("watch_failed", refusal)
                over.wait(LOOK_AT_CLOCK)
                continue
            if newest > seen:
                seen = newest
                for wake in self._wakers:
                    wake()


def _observe(context: ServiceContext, look: Callable[[], None], over: threading.Event) -> None:
    """Ask now and then whose the work area is, and who keeps it for the time: no tick waits for a network."""
    while not over.is_set():
        context.clock.observe(server_time(context.objects))
        look()
        over.wait(LOOK_OUTSIDE)


def _take_up(store: Store, service: ServiceRecord, before: ServiceRecord | None, *, alone: bool) -> bool:
    """Count as one who ticks, or as the only one, instead of `before`; False when another was quicker."""
    if not alone:
        store.services.register(service)
    elif not store.services.take_over(service, before):
        return False
    store.leases.register()
    return True
