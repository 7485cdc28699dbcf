"""One run through one failpoint: a whole deployment with real services, one of which dies or stops there."""

import json
import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Attempt, Run, Spec, Timing
from tests.databases import PostgresqlServer
from tests.engine import Engine, eventually
from tests.faults import failing_service
from tests.faults.failing_service import LEASE
from tests.faults.failpoints import Failpoint
from tests.faults.processes import Process

#: Alembic keeps what it is at in globals
_MIGRATING = threading.Lock()
#: where the command waits for the fault: one that is over before its handle is stored needs none any more
WHILE_IT_RUNS = {"handle stored", "release"}
#: lines of the services' log that are shown beside a failure
SAID_LAST = 40
#: where the worker is the one that dies, not the service
IN_THE_WORKER = {"gate"}


@dataclass(frozen=True)
class Case:
    """Where, how, and among how many."""

    step: str
    moment: str
    fault: str
    services: str
    database: str

    def __str__(self) -> str:
        return f"{self.fault} {self.moment} {self.step}, {self.services}, {self.database}"

    @property
    def signal(self) -> signal.Signals:
        return signal.SIGKILL if self.fault == "killed" else signal.SIGSTOP

    @property
    def others(self) -> bool:
        """Whether another service takes over while one is stopped: on SQLite that one still has the lock."""
        return self.services == "two" and self.database != "sqlite" and self.step not in IN_THE_WORKER


class Claim(NamedTuple):
    """A service took a run."""

    pid: int
    #: seconds since the epoch, as all times here
    at: float
    #: how often it had looked
    looks: int


@dataclass(frozen=True)
class Story:
    """What is known when it is over."""

    runs: list[Run]
    attempts: list[Attempt]
    #: `<run>.<attempt>` for each time that user code began, in order
    executions: list[str]
    #: tokens of the attempts that left a result
    results: list[str]
    published: dict[str, str]
    latest: dict[str, Any]
    victim: int
    failed_at: float
    claims: list[Claim]


class Deployment:
    """A ledger, its services, and the one run that goes through the failpoint."""

    def __init__(self, case: Case, folder: Path, server: PostgresqlServer | None) -> None:
        self.case = case
        with _MIGRATING:
            ledger = server.new_ledger() if server else None
            self.engine = Engine(folder, ledger=ledger)
        self.settings: dict[str, Any] = {"folder": self.engine.places.folder, "store": ledger}
        self._failpoint = Failpoint(case.step, case.moment, case.signal, folder / "mark")
        self._counter = folder / "executions"
        self._services: dict[int, Process] = {}

    def play(self) -> Story:
        """Let the run come due, fail, go on and end; then stop all services and look at what there is."""
        for _ in range(2 if self.case.services == "two" else 1):
            self._start()
        self._make_schedule()
        if self.case.step == "release":
            self._stop_the_holder()
        victim, failed_at = eventually(self._mark, what="the failpoint")
        (self._bury if self.case.fault == "killed" else self._hold_up)(victim, failed_at)
        (self.engine.root / "go").touch()
        self.engine.ended(eventually(self._run, what="the run"))
        self._stop_all()
        return self._story(victim, failed_at)

    def close(self) -> None:
        """End every process that is left."""
        (self.engine.root / "go").touch()
        for service in self._services.values():
            service.kill()
            service.ended()
        self.engine.store.close()

    def _make_schedule(self) -> None:
        wait = f"until [ -e {self.engine.root}/go ]; do sleep 0.05; done" if self.case.step in WHILE_IT_RUNS else "true"
        script = (
            f'echo "$JUPYTER_SCHEDULE_ATTEMPT" >> {self._counter}; echo begun; {wait}; echo 1 > "$OUTPUT_DIR/a.csv"'
        )
        spec = self.engine.script("made", script).spec
        eventually(lambda: self._due_soon(spec), what="a schedule that is due in a second")

    def _due_soon(self, spec: Spec) -> bool:
        """Whether it was made before its time had passed."""
        once = datetime.fromtimestamp(math.ceil(time.time()) + 1, UTC)
        try:
            self.engine.operations.schedules.create("once", spec.model_copy(update={"timing": Timing(once=once)}))
        except Refused:
            return False
        return True

    def _start(self) -> None:
        service = Process(failing_service.serve, self.settings, self._failpoint, self.engine.root)
        self._services[service.pid] = service

    def _stop_the_holder(self) -> None:
        self.engine.started(eventually(self._run, what="the run"))
        self._services[self._claims()[-1].pid].terminate()

    def _bury(self, victim: int, failed_at: float) -> None:
        if victim in self._services:
            code = self._services.pop(victim).ended()
            assert code == -signal.SIGKILL, f"{victim} ended with {code}"
            if self.case.services == "one":
                self._start()

    def _hold_up(self, victim: int, failed_at: float) -> None:
        """Let it go on once its lease is over and, where another service can take the run, another has it."""
        run_exists = self._run() is not None

        def over() -> bool:
            run = self._run()
            taken = any(claim.pid != victim and claim.at > failed_at for claim in self._claims())
            return time.time() > failed_at + LEASE + 1.5 and (
                not self.case.others or not run_exists or taken or bool(run and run.status.terminal)
            )

        eventually(over, what="the end of the lease")
        os.kill(victim, signal.SIGCONT)
        if self.case.step == "release":
            self._services.pop(victim).ended()
            if self.case.services == "one":
                self._start()

    def _stop_all(self) -> None:
        """As an operator does it: what is under way comes to its end, so that a late effect would be seen."""
        for service in self._services.values():
            service.terminate()
        for service in self._services.values():
            code = service.ended()
            # one that has just been started may not have its handler yet
            assert code in {0, -signal.SIGTERM}, f"{service.pid} ended with {code}"

    # -- looking

    def said_last(self) -> str:
        """The last lines of the services' log."""
        log = self.engine.root / "service.log"
        return "\n".join(log.read_text().splitlines()[-SAID_LAST:]) if log.exists() else "No service said anything."

    def _mark(self) -> tuple[int, float] | None:
        with suppress(FileNotFoundError):
            pid, at = self._failpoint.mark.read_text().split()
            return int(pid), float(at)
        return None

    def _run(self) -> Run | None:
        runs = self.engine.operations.runs.list_newest("once")
        return runs[0] if runs else None

    def _claims(self) -> list[Claim]:
        journal = self.engine.root / "journal"
        lines = journal.read_text().splitlines() if journal.exists() else []
        return [Claim(**entry) for entry in map(json.loads, lines)]

    def _story(self, victim: int, failed_at: float) -> Story:
        runs = self.engine.operations.runs.list_newest("once")
        attempts = [attempt for run in runs for attempt in self.engine.operations.runs.list_attempts(run)]
        latest = self.engine.root / "published" / "once" / "latest.json"
        return Story(
            runs=runs,
            attempts=attempts,
            executions=self._counter.read_text().split(),
            results=[
                stored.key.split("/")[2]
                for stored in self.engine.objects.list("workers/")
                if stored.key.endswith("/result")
            ],
            published=self.engine.published("once"),
            latest=json.loads(latest.read_text()),
            victim=victim,
            failed_at=failed_at,
            claims=self._claims(),
        )


@contextmanager
def deployment(case: Case, folder: Path, server: PostgresqlServer | None) -> Iterator[Deployment]:
    """Made for one case and gone with it; with a `server`, its ledger is there.

    What its services said last is told beside whatever fails here.
    """
    folder.mkdir(parents=True)
    made = Deployment(case, folder, server)
    try:
        yield made
    except Exception as failure:
        failure.add_note(made.said_last())
        raise
    finally:
        made.close()
