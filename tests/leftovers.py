"""What a session of tests left running: it fails by that, and names it."""

import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

#: in the environment of whatever a session starts; a run's environment may lack it, and names the session's folder
VARIABLE = "TEST_SESSION"
#: seconds in which whatever has been told to end can do so
PATIENCE = 60.0
#: characters of a command that are shown
SHOWN = 200


class Leftovers:
    """Looks for this session's processes when all workers have ended.  Only Linux shows them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._left: list[str] = []
        os.environ[VARIABLE] = secrets.token_hex(16)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        words = [f"{VARIABLE}={os.environ[VARIABLE]}\0".encode(), f"{self._folder()}/".encode()]
        give_up = time.monotonic() + PATIENCE
        while (left := list(processes_with(words))) and time.monotonic() < give_up:
            time.sleep(0.2)
        self._left = left
        if left and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self._left:
            terminalreporter.write_line(f"left running by these tests: {line}", red=True)

    def _folder(self) -> Path:
        """The folder in which this session's tests have theirs."""
        factory: pytest.TempPathFactory = self._config._tmp_path_factory  # type: ignore[attr-defined]
        return factory.getbasetemp()


def processes_with(words: list[bytes]) -> Iterator[str]:
    """Pid and command of each living process whose environment has one of these words."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes() + b"\0"
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended, or is somebody else's
        # multiprocessing's own helpers end with us
        helper = parent == os.getpid() and "from multiprocessing." in command
        if int(folder.name) != os.getpid() and not helper and any(word in environment for word in words):
            yield f"{folder.name} {command[:SHOWN]}"
