"""Launchers as plug-ins: each is an entry point of an installed package, under the name that schedules call it.

An entry point of the group `jupyter_schedule.launchers` names a `LauncherPlugin`.  Its part of `service.toml` is the
table of that name, which its own model validates.  Our own launchers come in the same way.  docs/launchers.md shows a
whole one.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from jupyter_schedule.core.config import find_launchers
from jupyter_schedule.core.errors import Refused
from scheduler_service.launchers.base import Launcher
from scheduler_service.worker.limits import NO_LIMITS, ProcessLimits


class LauncherSettings(BaseModel):
    """A launcher's part of the settings; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def most_runs(self) -> int | None:
        """The most of its runs that may go at once, over all services; None leaves that to `max_running`."""
        return None

    def check_work_storage(self, address: str | None) -> None:
        """Raise ValueError, with a sentence, when its workers can't reach the work storage.

        address: None is a folder beside the ledger.
        """
        del address


@dataclass(frozen=True)
class LauncherContext:
    """The things of a service that a launcher may use."""

    #: the service's own, on its machine
    folder: Path
    #: the address of the work storage: a folder's or a bucket's
    work_storage: str
    #: of the deployment: what is derived from it tells our workers from another deployment's
    secret: bytes
    #: the time that the service goes by
    now: Callable[[], datetime]
    #: makes the service look at its runs soon
    wake: Callable[[], None]
    #: what one run may use on the service's machine
    limits: ProcessLimits = NO_LIMITS


@dataclass(frozen=True)
class CheckResult:
    """One thing that was tried, and how to mend it when it isn't right."""

    right: bool
    text: str


@dataclass(frozen=True)
class LauncherPlugin:
    """The thing that an entry point names."""

    settings: type[LauncherSettings]
    #: opens it once for each service.  Raises Refused with a sentence when it can't be used
    open: Callable[[Any, LauncherContext], Launcher]
    #: tries what the settings name and leaves nothing behind, for `python -m scheduler_service check`
    check: Callable[[Any, Path, datetime], Iterable[CheckResult]] = lambda _settings, _folder, _now: ()


def load_plugin(name: str, found: Mapping[str, EntryPoint] | None = None) -> LauncherPlugin:
    """The plug-in of that name.  Raises Refused `launcher_broken` with what its package said."""
    entry = (find_launchers() if found is None else found).get(name)
    if entry is None:
        raise Refused("launcher_broken", f"No installed package has a launcher called {name}.")
    package = f" of the package {entry.dist.name}" if entry.dist else ""
    broken = partial(Refused, "launcher_broken")
    try:
        plugin = entry.load()
    except Exception as problem:
        message = f"The launcher {name}{package} can't be loaded: {type(problem).__name__}: {problem}."
        raise broken(message) from problem
    if not isinstance(plugin, LauncherPlugin):
        raise broken(f"The launcher {name}{package} is of the type {type(plugin).__name__}, and not a LauncherPlugin.")
    return plugin
