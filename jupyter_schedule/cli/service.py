"""`service …`: keep the scheduler service going without JupyterLab, or for as long as a command waits."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from types import TracebackType
from typing import Self

import click

from jupyter_schedule.cli.command import Command, connected, json_option
from jupyter_schedule.cli.output import echo, echo_json
from jupyter_schedule.cli.server_option import asked_server
from jupyter_schedule.core import user_service
from jupyter_schedule.core.errors import Refused

#: `-P` keeps the folder that one is in from lending the service its modules
COMMAND = (sys.executable, "-P", "-m", "scheduler_service", "run", "--until-stdin-closes")
#: seconds that the service has to end when it is no longer needed
PATIENCE = 10


@click.group()
def service() -> None:
    """Keep the scheduler service going when JupyterLab is closed."""


@service.command(cls=Command)
@json_option
def install(*, as_json: bool) -> None:
    """Start it now, and whenever you log in."""
    _answer(_here(user_service.install)(), as_json=as_json)


@service.command(cls=Command)
@json_option
def status(*, as_json: bool) -> None:
    """Tell whether it is installed and runs, and what keeps it from starting anything."""
    with connected() as client:
        found = client.status()
    if asked_server() is None:
        said = user_service.status()
    else:
        said = "A service runs what is due." if found.ticking else "Nothing is ticking for that server."
    sentence = f"{said} {found.hindrance}" if found.hindrance else said
    _answer(sentence, as_json=as_json, installed=found.service_installed)


@service.command(cls=Command)
@json_option
def uninstall(*, as_json: bool) -> None:
    """Stop it; runs that are going go on."""
    _answer(_here(user_service.uninstall)(), as_json=as_json)


def _here(change: Callable[[], str]) -> Callable[[], str]:
    """The change, unless it was asked of a server: who installs a service must be on its machine."""
    if asked_server() is not None:
        message = "A service is installed on the machine where it runs: ask there, without --server."
        raise Refused("not_here", message)
    return change


def _answer(sentence: str, *, as_json: bool, installed: bool | None = None) -> None:
    if as_json:
        there = user_service.installed() if installed is None else installed
        echo_json({"message": sentence, "installed": there})
    else:
        echo(sentence)


class TemporaryService:
    """As a context: `ensure` starts a service when none ticks, leaving the block ends it; runs go on without it."""

    def __init__(
        self, is_ticking: Callable[[], bool], say: Callable[[str], None], command: tuple[str, ...] = COMMAND
    ) -> None:
        """`is_ticking` says that somebody's service runs; `say` tells the person that one was started."""
        self._is_ticking = is_ticking
        self._say = say
        self._command = command
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._complaints = tempfile.TemporaryFile()
        return self

    def ensure(self) -> None:
        """Somebody ticks, or Refused `service_ended` says why the service that was started doesn't."""
        if self._child is not None and self._child.poll() is None:
            return
        if self._is_ticking():
            return
        if self._child is not None:
            raise Refused("service_ended", f"The scheduler service ended: {self._last_words()}")
        self._say("No scheduler service is running; one runs until this run is over.")
        # a session of its own: Ctrl-C is for the command, which then ends the service in order
        self._child = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._complaints,
            start_new_session=True,
        )

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._end(self._child)
        self._complaints.close()

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdin is not None
        child.stdin.close()
        try:
            child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _last_words(self) -> str:
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing.")
