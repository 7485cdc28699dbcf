"""The child that ticks: one at a time, back when it dies, gone when it is asked."""

import logging
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from jupyter_schedule.server.embedded import Supervisor, service_command
from tests.engine import PATIENCE, eventually

LOG = logging.getLogger("supervisor")
GOOD = "import sys; sys.stdin.read()"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"


def supervisor(program: str, pauses: list[int] | None = None, patience: threading.Event | None = None) -> Supervisor:
    def pause_after(failures: int) -> float:
        if pauses is not None:
            pauses.append(failures)
        return 600.0 if patience is not None and len(pauses or ()) >= 3 else 0.0

    return Supervisor([sys.executable, "-c", program], LOG, pause_after)


def test_a_child_that_dies_is_started_again() -> None:
    made = supervisor(GOOD)
    made.start()
    first = eventually(lambda: made.pid)
    os.kill(first, signal.SIGKILL)
    second = eventually(lambda: made.pid if made.pid != first else None)
    made.stop()
    assert made.pid is None
    assert not Path(f"/proc/{second}").exists()


def test_failures_in_a_row_are_counted_for_the_pause() -> None:
    pauses: list[int] = []
    made = supervisor("raise SystemExit(3)", pauses, threading.Event())
    made.start()
    eventually(lambda: len(pauses) == 3)
    made.stop()
    assert pauses == [1, 2, 3]


def test_a_child_that_says_that_it_is_not_for_this_server_is_not_started_again() -> None:
    pauses: list[int] = []
    made = supervisor(f"raise SystemExit({os.EX_CONFIG})", pauses)
    made.start()
    made._thread.join(PATIENCE)
    assert not made._thread.is_alive()
    assert (pauses, made.pid) == ([], None)


def test_the_pause_doubles_up_to_a_minute() -> None:
    made = Supervisor(["true"], LOG)
    assert [made._pause_after(failures) for failures in (1, 2, 3, 7, 2000)] == [1, 2, 4, 60, 60]


def test_a_child_that_does_not_listen_is_ended() -> None:
    made = supervisor(STUBBORN)
    made.start()
    eventually(lambda: made.pid)
    made.stop(patience=0.2)
    assert made.pid is None


def test_stopping_before_the_start_starts_nothing() -> None:
    made = supervisor(GOOD)
    made.stop()
    made.start()
    made._thread.join()
    assert made.pid is None


def test_a_program_that_cannot_be_started_is_tried_again() -> None:
    pauses: list[int] = []

    def pause_after(failures: int) -> float:
        pauses.append(failures)
        return 0.0 if failures < 2 else 600.0

    made = Supervisor(["/no/such/program"], LOG, pause_after)
    made.start()
    eventually(lambda: len(pauses) == 2)
    made.stop()


@pytest.mark.parametrize(("folder", "ending"), [(None, []), (Path("/a b"), ["--folder", "/a b"])])
def test_the_child_is_the_program_that_an_operator_runs(folder: Path | None, ending: list[str]) -> None:
    program = [sys.executable, "-P", "-m", "scheduler_service", "run", "--embedded"]
    assert service_command(folder) == program + ending
