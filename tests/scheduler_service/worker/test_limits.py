"""What a run may use of its machine: memory, CPUs, output."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from scheduler_service.worker import processes
from scheduler_service.worker.limits import (
    Cgroup,
    LimitWatcher,
    ProcessLimits,
    create_cgroup,
    end_cgroup,
    measure_memory,
)
from tests.scheduler_service.worker.conftest import Bench

linux = pytest.mark.skipif(sys.platform != "linux", reason="a best effort that only Linux allows")
MIB = 1024 * 1024
#: takes as many MiB and keeps them
TAKE = f"{sys.executable} -c 'import time; taken = bytearray({{0}} * 2**20); time.sleep(1000)'"


@linux
def test_a_run_that_takes_more_memory_than_it_may_is_stopped(bench: Bench) -> None:
    command = f"echo half > $OUTPUT_DIR/half; {TAKE.format(80)} & {TAKE.format(80)}"
    result = bench.run(command, limits={"memory": 120 * MIB})
    assert (result["outcome"], result["reason"]) == ("finished", "out_of_memory")
    assert result["sentence"] == "Stopped: more memory than a run may use here."
    assert bench.output("half") == b"half\n"


def test_a_run_that_writes_more_than_it_may_is_stopped_and_its_files_are_kept(bench: Bench) -> None:
    command = "head -c 3000 /dev/zero > $OUTPUT_DIR/a; mkdir $OUTPUT_DIR/b; head -c 3000 /dev/zero > $OUTPUT_DIR/b/b"
    result = bench.run(f"{command}; sleep 1000", limits={"output": 5000})
    assert (result["outcome"], result["reason"]) == ("finished", "output_too_large")
    assert result["sentence"] == "Stopped: more output than a run may write here."
    assert [file["path"] for file in result["files"]] == ["a", "b/b"]


def test_a_run_that_keeps_to_its_limits_is_left_alone(bench: Bench) -> None:
    command = "head -c 5000 /dev/zero > $OUTPUT_DIR/a"
    assert bench.run(command, limits={"output": 5000, "memory": 500 * MIB, "cpus": 1})["reason"] == "ok"


@linux
def test_a_run_has_no_more_cpus_than_it_may(bench: Bench) -> None:
    bench.run("nproc > $OUTPUT_DIR/n", limits={"cpus": 0.5})
    assert bench.output("n") == b"1\n"


@linux
def test_memory_that_processes_have_in_common_counts_once() -> None:
    """A forked child doesn't double what it was born with."""
    source = "import os, time; x = bytearray(100 * 2**20); os.fork(); os.write(1, b'.'); time.sleep(1000)"
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        while parent.stdout.read(1) and len(family := list(processes.walk_descendants(parent.pid))) < 1:
            pass
        parent.stdout.read(1)
        ours = [process for process in (processes.read(parent.pid), *family) if process]
        total = sum(map(measure_memory, ours))
        for process in ours:
            processes.send(process, signal.SIGKILL)
    assert 100 * MIB < total < 150 * MIB


def test_nothing_is_looked_at_without_a_limit(tmp_path: Path) -> None:
    watch = LimitWatcher(ProcessLimits(cpus=1), tmp_path)
    assert (watch.exceeded(iter([])), watch.pause) == (None, 3600.0)


class TestGroup:
    """A folder in the place of one that a kernel shows: not every machine gives us one with controllers."""

    @pytest.fixture
    def group(self, tmp_path: Path) -> Cgroup:
        folder = tmp_path / "ours"
        folder.mkdir()
        (folder / "cgroup.controllers").write_text("cpu memory pids\n")
        return Cgroup(folder)

    def test_the_kernel_keeps_memory_and_cpus(self, group: Cgroup, tmp_path: Path) -> None:
        left = group.keep_to(ProcessLimits(memory=MIB, cpus=1.5, output=7))
        assert left == ProcessLimits(output=7)
        assert (tmp_path / "ours" / "memory.max").read_text() == str(MIB)
        assert (tmp_path / "ours" / "memory.swap.max").read_text() == "0"
        assert (tmp_path / "ours" / "cpu.max").read_text() == "150000 100000"

    def test_what_the_kernel_does_not_keep_is_left_to_be_watched(self, group: Cgroup, tmp_path: Path) -> None:
        (tmp_path / "ours" / "cgroup.controllers").write_text("pids\n")
        (tmp_path / "cgroup.subtree_control").mkdir()  # can't be written: EBUSY where processes are in the way
        assert group.keep_to(ProcessLimits(memory=MIB, cpus=1)) == ProcessLimits(memory=MIB, cpus=1)

    @pytest.mark.parametrize(("events", "ran_out"), [("oom 1\noom_kill 1\n", True), ("oom 3\noom_kill 0\n", False)])
    def test_only_a_process_that_was_ended_counts_as_memory_that_ran_out(
        self, group: Cgroup, tmp_path: Path, events: str, ran_out: bool
    ) -> None:
        (tmp_path / "ours" / "memory.events").write_text(events)
        assert group.ran_out_of_memory() is ran_out


@linux
def test_a_group_ends_all_that_joined_it_and_goes(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with create_cgroup("test", record) as group:
        if group is None:
            pytest.skip("this machine has no part of the control groups' tree for us")
        folder = Path(record.read_text())
        join = f"echo 0 > {folder}/cgroup.procs && echo joined && exec sleep 1000"
        with subprocess.Popen(["sh", "-c", join], stdout=subprocess.PIPE) as process:
            assert process.stdout
            process.stdout.readline()
            end_cgroup(record)
        assert process.returncode == -9
        assert not folder.exists()
        end_cgroup(record)


@pytest.fixture
def small_memory() -> Iterator[Path]:
    """A control group with 60 MiB of memory, of version 1, which a machine's root can make."""
    root = Path("/sys/fs/cgroup/memory")
    if not os.access(root, os.W_OK) or not (root / "memory.limit_in_bytes").exists():
        pytest.skip("only root can make a machine run out of memory, where the memory controller is of version 1")
    folder = root / f"test-{uuid4().hex[:8]}"
    folder.mkdir()
    (folder / "memory.limit_in_bytes").write_text(str(60 * MIB))
    try:
        yield folder
    finally:
        folder.rmdir()


@linux
def test_a_process_that_the_machine_ends_for_want_of_memory_is_known(bench: Bench, small_memory: Path) -> None:
    bench.machine = ["sh", "-c", f'echo $$ > {small_memory}/cgroup.procs && exec "$@"', "-"]
    result = bench.run(TAKE.format(200))
    assert (result["reason"], result["sentence"]) == ("out_of_memory", "Ran out of memory.")
