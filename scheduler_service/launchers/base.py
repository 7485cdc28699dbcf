"""The contract of a launcher: it starts, polls and ends workers, and knows them again after a restart."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from jupyter_schedule.core.models import Attempt, Run, Spec

#: a worker as data, which survives a restart of the service
Handle = dict[str, Any]


class WorkerState(StrEnum):
    """What a launcher knows of an attempt's worker."""

    #: nothing yet: the launch wasn't answered
    UNKNOWN = "unknown"
    ALIVE = "alive"
    #: on a machine that can't be asked; its heartbeat tells
    UNREACHABLE = "unreachable"
    #: it is over, with everything it started
    GONE = "gone"


class LaunchRefused(Exception):  # noqa: N818  (an answer: trying again won't help)
    """The launcher says no for good; the message is a sentence for a person."""


class NoCapacity(Exception):  # noqa: N818  (an answer: another attempt may find some)
    """No worker can be had this way now; the message is a sentence for a person."""


class Launcher(ABC):
    """Starts workers, each of which executes one attempt.

    | what the world holds           | `poll` answers | `terminate`       |
    |--------------------------------|----------------|-------------------|
    | the attempt has no handle yet  | `unknown`      | does nothing      |
    | its worker or anything it started lives | `alive` | asks, then kills |
    | it is on another machine       | `unreachable`  | does nothing      |
    | neither lives, or never will   | `gone`         | does nothing      |
    """

    #: the part of the work area that its workers write to: `workers/<identity>/`
    identity: str
    #: where alone its workers can be polled and ended, None when that is anywhere
    place: str | None = None

    @abstractmethod
    def environment(self) -> Mapping[str, str]:
        """Variables that tell a run what this launcher's workers have ready for it, frozen with the attempt."""

    def plan(self, run: Run, spec: Spec, *, number: int, token: str, deadline: datetime) -> dict[str, Any]:
        """What this launcher will ask for, as JSON: frozen as `launch` among the attempt's parameters.

        Raises LaunchRefused.
        """
        del run, spec, number, token, deadline
        return {}

    @abstractmethod
    def launch(self, attempt: Attempt) -> Handle:
        """Start a worker for the attempt.  May be repeated: the gate lets one of them start user code.

        Raises LaunchRefused when it never will, NoCapacity when another attempt may, OSError when this one may later.
        """

    @abstractmethod
    def poll(self, attempt: Attempt) -> WorkerState:
        """What is known of the attempt's worker; never blocks for long."""

    @abstractmethod
    def terminate(self, attempt: Attempt) -> None:
        """End the worker and everything it started: at first it may save what it has.  Idempotent, doesn't wait."""

    @abstractmethod
    def close(self) -> None:
        """Stop watching; workers go on."""
