"""A launcher that this service hasn't: its workers can't be asked here, and it starts none."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jupyter_schedule.core.models import Attempt, Run, Spec
from scheduler_service.launchers.base import Handle, Launcher, LaunchRefused, WorkerState


class MissingLauncher(Launcher):
    """Answers for workers that another service, or other settings of this one, may have started."""

    identity = ""

    def __init__(self, name: str) -> None:
        self._name = name

    def environment(self) -> Mapping[str, str]:
        return {}

    def plan(self, run: Run, spec: Spec, *, number: int, token: str, deadline: datetime) -> dict[str, Any]:
        del run, spec, number, token, deadline
        raise self._refusal()

    def launch(self, attempt: Attempt) -> Handle:
        del attempt
        raise self._refusal()

    def poll(self, attempt: Attempt) -> WorkerState:
        del attempt
        return WorkerState.UNREACHABLE

    def terminate(self, attempt: Attempt) -> None:
        """Nobody here can."""

    def close(self) -> None:
        """Nothing is open."""

    def _refusal(self) -> LaunchRefused:
        return LaunchRefused(f"This service has no launcher called {self._name}.")


class Launchers(dict[str, Launcher]):
    """Launchers by their names; for a name that isn't there answers one that is absent."""

    def __missing__(self, name: str) -> Launcher:
        return MissingLauncher(name)
