"""The protocol with one of its defences taken out, so that it is seen what each of them is for."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from jupyter_schedule.core.models import Attempt, Outcome, Run, Schedule
from jupyter_schedule.core.publications import PublicationKeys
from scheduler_service import decide, publish, tick
from scheduler_service.publication import Latest, Manifest
from tests.simulation.cloud import CloudLauncher, Defences
from tests.simulation.deployment import WHOLE, Deployment, Ledger


class AnyKey(Ledger):
    """No UNIQUE: whoever writes a run has one more."""

    def insert_run(self, run: Run, actor: str) -> None:
        self.keys.clear()
        super().insert_run(run, actor)


class CursorFirst(Ledger):
    """The cursor moves in a transaction of its own, before the rows."""

    def replace_schedule(
        self, before: Schedule, after: Schedule, runs: Sequence[Run] = (), *, actor: str, kind: str
    ) -> bool:
        if not self.move_cursor(before, after):
            return False
        self.world.acting.pause()
        for run in runs:
            self.insert_run(run, actor)
        return True


class NoFence(Ledger):
    """A run may be written by whoever held it once."""

    def is_current(self, run: Run) -> bool:
        return True


@dataclass(frozen=True)
class Mutant:
    """What is changed for as long as a world lives."""

    name: str
    defences: Defences = WHOLE
    ledger: type[Ledger] = Ledger
    change: Callable[[], Any] | None = None

    def live(self, seed: int) -> Deployment:
        """What became of that world."""
        deployment = Deployment(seed, self.defences, self.ledger)
        with self.change() if self.change else _unchanged():
            deployment.run()
        return deployment


@contextmanager
def _unchanged() -> Iterator[None]:
    yield


def _launched(alter: Callable[[CloudLauncher, Attempt], Attempt]) -> Callable[[], Any]:
    launch = CloudLauncher.launch
    return lambda: patch.object(CloudLauncher, "launch", lambda self, attempt: launch(self, alter(self, attempt)))


def _fresh_token(launcher: CloudLauncher, attempt: Attempt) -> Attempt:
    return attempt.model_copy(update={"token": f"{attempt.token}-{len(launcher._cloud.launches)}"})


def _fresh_parameters(launcher: CloudLauncher, attempt: Attempt) -> Attempt:
    told = attempt.parameters | {"environment": {"RUNNER_PYTHON": f"made at {launcher._cloud.world.time}"}}
    return attempt.model_copy(update={"parameters": told})


def _blind_latest() -> Any:
    def move(manifest: Manifest, area: Any) -> None:
        keys = PublicationKeys(manifest.schedule)
        area.put(keys.latest, Latest.of(manifest, area.url(keys.manifest(manifest.folder))).to_bytes())

    return patch.object(publish, "_move_latest", move)


def _eager() -> Any:
    def hasty(seen: decide.Seen, now: Any) -> decide.Decision:
        decision = decide.decide_attempt(seen, now)
        silent = seen.silent_for > 20 and seen.gate == decide.Gate.STARTED
        return decide.Stop(Outcome.LOST, at_once=True) if decision == decide.Wait() and silent else decision

    return patch.object(tick, "decide_attempt", hasty)


MUTANTS = (
    Mutant("no UNIQUE", ledger=AnyKey),
    Mutant("cursor before row", ledger=CursorFirst),
    Mutant("no gate", defences=replace(WHOLE, gate=False)),
    Mutant("no fence", ledger=NoFence),
    Mutant("a token per call", change=_launched(_fresh_token)),
    Mutant("overwritable result", defences=replace(WHOLE, write_once_result=False)),
    Mutant("blind latest", change=_blind_latest),
    Mutant("unfrozen parameters", change=_launched(_fresh_parameters)),
    Mutant("no self-shutdown", defences=replace(WHOLE, self_shutdown=False)),
)
#: what they cost is all that tells them
EAGER_LOST = Mutant("eager lost", change=_eager)
NO_REAPER = Mutant("no reaper", defences=replace(WHOLE, reaper=False))
