"""The launcher of this machine; that it runs things is shown where the service is."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from scheduler_service.launchers import local
from scheduler_service.launchers.base import WorkerState
from scheduler_service.launchers.local import LocalLauncher
from scheduler_service.worker import processes
from scheduler_service.worker.handle import identify_boot
from scheduler_service.worker.limits import create_cgroup
from tests.engine import PATIENCE
from tests.factories import NOON, make_attempt, make_run, make_schedule

RUN = make_run(make_schedule())


class TestReaping:
    """Processes that carry a deployment's mark, as its agents and all that they start do."""

    @pytest.fixture
    def launcher(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalLauncher]:
        monkeypatch.setattr(local, "ensure_runner", lambda _: Path(sys.executable))
        made = LocalLauncher(tmp_path / "ours")
        yield made
        made.close()

    @pytest.fixture
    def process(self, launcher: LocalLauncher) -> Iterator["subprocess.Popen[bytes]"]:
        """Belongs to attempt 1 of a run."""
        with marked_process(f"{launcher._owner}:{RUN.id}.1") as started:
            yield started

    def test_what_no_attempt_owns_is_ended_at_the_second_look(
        self, launcher: LocalLauncher, process: "subprocess.Popen[bytes]"
    ) -> None:
        launcher.reap(lambda *_: None)
        assert process.poll() is None
        launcher.reap(lambda *_: None)
        assert process.wait(PATIENCE) == -signal.SIGKILL

    def test_what_belongs_to_an_attempt_that_is_over_is_ended(
        self, launcher: LocalLauncher, process: "subprocess.Popen[bytes]"
    ) -> None:
        over = {1: make_attempt(RUN, ended_at=NOON), 2: make_attempt(RUN, 2)}
        for _ in range(2):
            launcher.reap(lambda _, number: over[number])
        assert process.wait(PATIENCE) == -signal.SIGKILL

    def test_what_belongs_to_an_attempt_that_goes_on_is_left_alone(
        self, launcher: LocalLauncher, process: "subprocess.Popen[bytes]"
    ) -> None:
        for _ in range(3):
            launcher.reap(lambda *_: make_attempt(RUN))
        assert process.poll() is None

    def test_what_is_another_deployments_is_left_alone(self, launcher: LocalLauncher) -> None:
        with marked_process(f"{'0' * 16}:{RUN.id}.1") as foreign:
            for _ in range(3):
                launcher.reap(lambda *_: None)
            assert foreign.poll() is None

    def test_the_scratch_folder_of_an_attempt_that_is_over_is_removed_when_nobody_works_in_it(
        self, launcher: LocalLauncher, process: "subprocess.Popen[bytes]", tmp_path: Path
    ) -> None:
        for number in (1, 2):
            (tmp_path / "ours" / "work" / f"token{number}").mkdir()
            (tmp_path / "ours" / "launched" / f"token{number}").write_text(f"{RUN.id}.{number}")
        launcher.reap(lambda *_: None)
        assert [path.name for path in (tmp_path / "ours" / "work").iterdir()] == ["token1"]

    def test_a_worker_is_orphaned_while_what_it_started_lives_and_a_look_ends_nothing(
        self, launcher: LocalLauncher
    ) -> None:
        dead = make_attempt(RUN, handle={"boot": identify_boot(), "pid": 2**22 - 1, "started": 1})
        with marked_process(f"{RUN.id}.1", processes.MARKER) as left:
            assert launcher.poll(dead) == WorkerState.ORPHANED
            assert left.poll() is None
            launcher.kill(dead)
            assert left.wait(PATIENCE) == -signal.SIGKILL
        assert launcher.poll(dead) == WorkerState.GONE

    def test_what_lost_its_mark_is_still_known_by_its_control_group(
        self, launcher: LocalLauncher, tmp_path: Path
    ) -> None:
        dead = make_attempt(RUN, handle={"boot": identify_boot(), "pid": 2**22 - 1, "started": 1})
        record = tmp_path / "ours" / "work" / dead.token / "cgroup"
        record.parent.mkdir()
        with create_cgroup("test", record) as group:
            if group is None:
                pytest.skip("this machine has no part of the control groups' tree for us")
            join = ["sh", "-c", f"echo 0 > {record.read_text()}/cgroup.procs && echo on && exec sleep 600"]
            with subprocess.Popen(join, stdout=subprocess.PIPE) as left:
                assert left.stdout
                left.stdout.readline()
                assert launcher.poll(dead) == WorkerState.ORPHANED
                launcher.kill(dead)
                assert left.wait(PATIENCE) == -signal.SIGKILL
            assert launcher.poll(dead) == WorkerState.GONE

    def test_a_worker_of_another_place_cannot_be_asked(self, launcher: LocalLauncher) -> None:
        elsewhere = make_attempt(
            RUN, place="elsewhere", handle={"boot": identify_boot(), "pid": 2**22 - 1, "started": 1}
        )
        assert launcher.poll(elsewhere) == WorkerState.UNREACHABLE


@contextmanager
def marked_process(value: str, name: str = local.OWNER) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that only waits, with this variable."""
    process = subprocess.Popen(["sleep", "600"], env=os.environ | {name: value})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_record_that_is_about_to_be_written_keeps_the_others_from_nothing(tmp_path: Path) -> None:
    """A launch makes the file first, and a look for strays may come in between."""
    with closing(LocalLauncher(tmp_path / "ours")) as launcher:
        launched = tmp_path / "ours" / "launched"
        (launched / "begun").touch()
        (launched / "left").write_text(f"{RUN.id}.1")
        launcher.reap(lambda *_: None)
        assert [record.name for record in launched.iterdir()] == ["begun"]
