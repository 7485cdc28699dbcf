"""The contract of what has machines for ad-hoc workers: it launches, shows, extends and ends them."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from jupyter_schedule.core.models import AdHocWorker

#: an ad-hoc worker by its id, None when the ledger has no such
FindAdHocWorker = Callable[[str], AdHocWorker | None]


def find_no_worker(worker_id: str) -> AdHocWorker | None:
    """Of a ledger without ad-hoc workers."""
    del worker_id
    return None


@dataclass(frozen=True)
class AdHocPlan:
    """The way in which a machine is asked for: frozen in the worker's row before it is."""

    #: JSON: at least `region` and `login_user`, which tell how the machine is reached
    parameters: dict[str, Any]
    #: dollars for an hour; None where no price is known
    hourly: Decimal | None


@dataclass(frozen=True)
class AdHocMachine:
    """A worker's machine as it is now."""

    instance: str
    #: it may cost money, or run code
    lives: bool = True
    #: it has begun to boot
    runs: bool = True
    address: str | None = None
    #: when it ends by itself, as it knows that now
    deadline: datetime | None = None
    #: why it is over, as its launcher calls that, and whether it ended from inside
    ended_by: str = ""
    ended_itself: bool = False


class AdHocHost(ABC):
    """Has machines that people develop on.

    | what the world holds                     | `see` answers       | `launch` again          | `terminate`  |
    |------------------------------------------|---------------------|-------------------------|--------------|
    | no machine was ever launched for the row | None                | launches one            | does nothing |
    | one was, whose answer was lost           | it, or None for now | answers the same one    | does nothing |
    | it lives                                 | it, or None for now | answers the same one    | ends it      |
    | it is over                               | it, or None         | None: it lived          | does nothing |
    """

    @abstractmethod
    def plan(self, worker: AdHocWorker, turn: int) -> AdHocPlan | None:
        """The `turn`th way (from 0) to get a machine for it; None when there are no further ways.

        Raises LaunchRefused.
        """

    @abstractmethod
    def launch(self, worker: AdHocWorker) -> str | None:
        """Ask for the machine that its parameters describe; None when that has lived and is over.

        May be repeated: the same parameters are one machine.  Raises LaunchRefused, NoCapacity, and OSError when the
        same may succeed later.
        """

    @abstractmethod
    def see(self, worker: AdHocWorker) -> AdHocMachine | None:
        """Its machine, also one whose answer was lost; None while none is shown.  Raises OSError."""

    @abstractmethod
    def extend(self, worker: AdHocWorker) -> None:
        """Let the machine end by itself at the worker's deadline, not sooner.  Raises OSError."""

    @abstractmethod
    def terminate(self, worker: AdHocWorker) -> None:
        """End the machine.  May be repeated.  Raises OSError."""
