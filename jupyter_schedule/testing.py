"""The contract of launchers as tests, for packages that bring a launcher: see docs/launchers.md.

A class of tests derives from `LauncherContract` and has a fixture `workshop`.  `PluginWorkshop` is one for any plug-in;
a launcher with a world of its own, such as a cloud's double, has a `Workshop` of its own.
"""

import io
import json
import tarfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from jupyter_schedule.core import clock
from jupyter_schedule.core.bundles import archive
from jupyter_schedule.core.models import LOCAL_OWNER, Attempt, Run, RunStatus, Spec, Timing, Trigger
from jupyter_schedule.core.object_keys import bundle_key
from jupyter_schedule.core.storage.factory import LocalStorage
from scheduler_service.launchers.base import Launcher, WorkerState
from scheduler_service.launchers.plugins import LauncherContext, LauncherPlugin
from scheduler_service.task import build_task, token_of
from scheduler_service.worker.task import freeze

#: what workers do until somebody ends them
_COMMAND = "sleep 3601"


class Workshop(ABC):
    """A world in which a launcher's workers live."""

    #: seconds until what should have happened has not
    patience = 240.0

    @abstractmethod
    def launcher(self) -> Launcher:
        """A launcher that knows nothing but what is in the world: as after a restart."""

    @abstractmethod
    def attempt(self, number: int = 1) -> Attempt:
        """The `number`th attempt at a run, not yet launched; the same each time."""

    @abstractmethod
    def living(self) -> int:
        """Count the workers of ours that live."""

    def after_quarantine(self) -> None:  # noqa: B027  (most need none)
        """Let the time pass for which what nobody owns is left alone."""

    def before_another_look(self) -> None:
        """Wait where looking costs something."""
        time.sleep(0.02)

    def launched(self, number: int = 1, *, by: Launcher | None = None) -> Attempt:
        """That attempt as the ledger has it afterwards, by way of JSON."""
        attempt = self.attempt(number)
        handle = (by or self.launcher()).launch(attempt)
        return attempt.model_copy(update={"handle": json.loads(json.dumps(handle))})

    def is_gone(self, attempt: Attempt) -> bool:
        """Look once more whether its worker is gone."""
        self.before_another_look()
        return self.launcher().poll(attempt) == WorkerState.GONE

    def await_end(self, attempt: Attempt, *, ask: bool = False) -> None:
        """Return when its worker is gone.  ask: ask it to end each time, as the service does."""
        give_up = time.monotonic() + self.patience
        while True:
            if ask:
                self.launcher().terminate(attempt)
            if self.is_gone(attempt):
                return
            assert time.monotonic() < give_up, f"the worker did not end in {self.patience:g} s"


class PluginWorkshop(Workshop):
    """A plug-in with its settings, at work on attempts that last until they are ended.

    Its workers have a work area in `folder`.  Close it, which ends them.
    """

    def __init__(self, plugin: LauncherPlugin, table: Mapping[str, Any], folder: Path) -> None:
        """`table` is its part of `service.toml`."""
        self._plugin = plugin
        self._settings = plugin.settings.model_validate(table)
        self._now = clock.now()
        objects = LocalStorage(folder / "objects")
        self._spec = Spec(
            timing=Timing(cron="0 12 * * *"),
            bundle=_put_bundle(objects, folder),
            command=_COMMAND,
            publication_base=LocalStorage(folder).url("published"),
        )
        self._run = Run(
            id=str(uuid4()),
            schedule_id=str(uuid4()),
            schedule="contract",
            owner=LOCAL_OWNER,
            version=1,
            key="contract",
            trigger=Trigger.MANUAL,
            status=RunStatus.RUNNING,
            scheduled_for=self._now,
            data_interval_start=self._now - timedelta(days=1),
            data_interval_end=self._now,
            created_at=self._now,
        )
        self._context = LauncherContext(folder, objects.url(""), self._run.id.encode(), clock.now, lambda: None)
        self._made: list[Launcher] = []
        self._launched: dict[int, Attempt] = {}

    def launcher(self) -> Launcher:
        self._made.append(self._plugin.open(self._settings, self._context))
        return self._made[-1]

    def attempt(self, number: int = 1) -> Attempt:
        launcher = self.launcher()
        token, deadline = token_of(self._context.secret, self._run.id, number), self._now + timedelta(hours=2)
        plan = launcher.plan(self._run, self._spec, number=number, token=token, deadline=deadline)
        task = build_task(
            self._run,
            self._spec,
            number=number,
            token=token,
            worker=launcher.identity,
            work_area=self._context.work_storage,
            launcher_environment=launcher.environment(),
        )
        return Attempt(
            run_id=self._run.id,
            number=number,
            token=token,
            launcher="contract",
            parameters=freeze(task, plan),
            deadline=deadline,
            created_at=self._now,
        )

    def launched(self, number: int = 1, *, by: Launcher | None = None) -> Attempt:
        self._launched[number] = super().launched(number, by=by)
        return self._launched[number]

    def living(self) -> int:
        return sum(self.launcher().poll(attempt) != WorkerState.GONE for attempt in self._launched.values())

    def close(self) -> None:
        """Leave no worker."""
        for attempt in self._launched.values():
            self.launcher().kill(attempt)
            self.await_end(attempt)
            for launcher in self._made:
                launcher.discard(attempt)
        for launcher in self._made:
            launcher.close()


def _put_bundle(objects: LocalStorage, folder: Path) -> str:
    """The digest of a bundle without a file of anybody's."""
    packed = folder / "bundle.tar.gz"
    with tarfile.open(packed, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("nothing.txt"), io.BytesIO())
    digest, _ = archive.inspect(packed)
    objects.put_file(bundle_key(digest), packed)
    return digest


class LauncherContract:
    """The contract that `scheduler_service.launchers.base.Launcher` states, as far as one launcher alone shows it."""

    def test_of_an_attempt_that_was_never_answered_nothing_is_known_and_nothing_ends(self, workshop: Workshop) -> None:
        launcher, attempt = workshop.launcher(), workshop.attempt()
        assert launcher.poll(attempt) is WorkerState.UNKNOWN
        launcher.terminate(attempt)
        launcher.kill(attempt)
        launcher.discard(attempt)

    def test_what_is_frozen_with_an_attempt_is_json(self, workshop: Workshop) -> None:
        parameters = workshop.attempt().parameters
        assert json.loads(json.dumps(parameters)) == parameters

    def test_a_launched_worker_lives_and_is_known_after_a_restart(self, workshop: Workshop) -> None:
        attempt = workshop.launched()
        for _ in range(3):
            assert workshop.launcher().poll(attempt) is WorkerState.ALIVE
        assert workshop.living() == 1

    def test_a_worker_that_is_asked_to_end_ends_and_may_be_asked_again(self, workshop: Workshop) -> None:
        attempt = workshop.launched()
        workshop.await_end(attempt, ask=True)
        workshop.launcher().terminate(attempt)
        assert workshop.living() == 0

    def test_a_killed_worker_is_gone_and_may_be_killed_again(self, workshop: Workshop) -> None:
        attempt = workshop.launched()
        for _ in range(2):
            workshop.launcher().kill(attempt)
        workshop.await_end(attempt)
        assert workshop.living() == 0

    def test_ending_one_worker_leaves_the_others(self, workshop: Workshop) -> None:
        first, second = workshop.launched(1), workshop.launched(2)
        workshop.launcher().kill(first)
        workshop.await_end(first)
        assert workshop.launcher().poll(second) is WorkerState.ALIVE
        assert workshop.living() == 1

    def test_workers_go_on_when_their_launcher_is_closed(self, workshop: Workshop) -> None:
        attempt = workshop.launched(by=(launcher := workshop.launcher()))
        launcher.close()
        assert workshop.launcher().poll(attempt) in {WorkerState.ALIVE, WorkerState.QUEUED}

    def test_what_no_attempt_owns_is_ended_and_what_goes_on_is_left(self, workshop: Workshop) -> None:
        """A launcher that finds no worker without its handle has no `reap`, and ends none."""
        kept, stray = workshop.launched(1), workshop.launched(2)
        workshop.after_quarantine()
        launcher = workshop.launcher()
        for _ in range(2):
            launcher.reap(lambda _, number: kept if number == 1 else None)
        if type(launcher).reap is not Launcher.reap:
            workshop.await_end(stray)
        assert workshop.launcher().poll(kept) is WorkerState.ALIVE

    def test_nothing_is_left_of_an_attempt_that_is_over(self, workshop: Workshop) -> None:
        attempt = workshop.launched()
        workshop.launcher().kill(attempt)
        workshop.await_end(attempt)
        for _ in range(2):
            workshop.launcher().discard(attempt)
        assert workshop.living() == 0
