"""When a run ends nothing of it is left, whatever it started."""

import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from scheduler_service.worker import processes
from tests.scheduler_service.worker.conftest import RUN, TOKEN, Bench, wait_until

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers; elsewhere it is a best effort")

#: calls setsid, forks twice, forgets its environment, ignores every signal it can, and holds the log open
ESCAPE = """
import os, signal, sys
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
for _ in range(2):
    if os.fork():
        os._exit(0)
    os.setsid()
os.execve("/bin/bash", ["bash", "-c", "trap '' TERM; echo $$ > $1; while :; do sleep 1000; done", "-", sys.argv[1]], {})
"""
#: a new process takes over every moment, each in a session of its own
REFORK = """
import os, sys
first = True
while True:
    if os.fork():
        os._exit(0)
    os.setsid()
    if first:
        open(sys.argv[1], "w").write(str(os.getpid()))
        first = False
"""
#: two that start each other again
PAIR = """
import os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").write(str(os.getpid()))
while True:
    child = os.fork()
    if child == 0:
        os.setsid()
        signal.pause()
    os.waitpid(child, 0)
"""


def gone(pid: int) -> bool:
    process = processes.read(pid)
    return process is None or not process.alive


def by_command_line(text: str) -> list[int]:
    """The pids of all processes, whatever became of their environment, that have `text` in their command line."""
    return [
        int(folder.name)
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and text.encode() in read_or_empty(folder / "cmdline")
    ]


def read_or_empty(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def script(bench: Bench, source: str) -> str:
    """A command that runs this Python source and tells it where to write the pid that it ends up with."""
    path = bench.folder / "script.py"
    path.write_text(textwrap.dedent(source))
    return f"{sys.executable} {path} {bench.folder}/pid"


@linux
@pytest.mark.parametrize("source", [ESCAPE, REFORK, PAIR], ids=["escape", "refork", "pair"])
def test_a_time_out_ends_what_tries_to_escape(bench: Bench, source: str) -> None:
    result = bench.run(f"{script(bench, source)} & wait; sleep 1000", timeout=0.7, grace=0.1)

    assert (result["outcome"], result["exit_code"], result["reason"]) == ("timed_out", None, "time_limit")
    assert result["sentence"] == "Timed out: stopped after 0.7 s."
    assert result["notes"] == []
    assert gone(int((bench.folder / "pid").read_text()))
    assert by_command_line(f"{bench.folder}/pid") == []


@linux
def test_a_normal_end_leaves_nothing_either_and_names_what_was_left(bench: Bench) -> None:
    result = bench.run(f"{script(bench, ESCAPE)}; until [ -s {bench.folder}/pid ]; do :; done; touch $OUTPUT_DIR/a")

    pid = int((bench.folder / "pid").read_text())
    assert result["reason"] == "ok"
    assert gone(pid)
    assert re.search(rf"The command left .*bash \(pid {pid}\).* behind, which was ended\.", bench.log())


@linux
def test_what_ends_by_itself_a_moment_after_the_command_is_left_to_it(bench: Bench) -> None:
    result = bench.run(
        "exec > >(read line; for i in {1..9999}; do :; done; echo got $line); echo one; echo > $OUTPUT_DIR/a"
    )
    assert result["reason"] == "ok"
    assert bench.log() == "got one\n"


@linux
def test_a_stop_ends_what_tries_to_escape(bench: Bench) -> None:
    agent = bench.start(bench.task(f"{script(bench, ESCAPE)}; sleep 1000"))
    pid = int(wait_until(lambda: read_or_empty(bench.folder / "pid").strip()))

    agent.send_signal(signal.SIGTERM)
    assert bench.finish(agent)["outcome"] == "stopped"
    assert gone(pid)


def test_a_time_out_lets_the_command_save_what_it_has(bench: Bench) -> None:
    command = "trap 'echo saved > $OUTPUT_DIR/a; exit 9' TERM; echo on; while :; do sleep 0.01; done"
    result = bench.run(command, timeout=0.5, grace=20)
    assert result["outcome"] == "timed_out"
    assert bench.output("a") == b"saved\n"


def test_orphans_that_end_during_the_run_are_reaped(bench: Bench) -> None:
    os.mkfifo(bench.folder / "go")
    orphans = "for i in 1 2 3 4 5; do (true & exec true); done"
    agent = bench.start(bench.task(f"{orphans}; echo on; read < {bench.folder}/go; touch $OUTPUT_DIR/a"))
    wait_until(lambda: bench.live_log() == b"on\n")

    wait_until(lambda: all(process.alive for process in processes.descendants(agent.pid)))
    (bench.folder / "go").write_text("\n")
    assert bench.finish(agent)["reason"] == "ok"


def test_the_marker_finds_a_runs_processes_and_only_those(bench: Bench) -> None:
    os.mkfifo(bench.folder / "go")
    agent = bench.start(bench.task(f"read < {bench.folder}/go; :"))
    (pid,) = wait_until(lambda: processes.with_marker(f"{RUN}.1"))

    assert processes.with_marker(f"{RUN}.11") == []
    assert processes.with_marker(f"{RUN}.") == []
    process = processes.read(pid)
    assert process
    assert process.parent == agent.pid
    (bench.folder / "go").write_text("\n")
    bench.finish(agent)


@linux
def test_a_signal_never_reaches_another_process_that_got_the_pid() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as bystander:
        process = processes.read(bystander.pid)
        assert process
        processes.send(process._replace(started=process.started - 1), signal.SIGKILL)
    assert bystander.returncode == 0


def test_a_process_is_read_whatever_its_name(bench: Bench) -> None:
    name = "a) R 1 (b"
    Path(f"/proc/{os.getpid()}/comm").write_text(name) if sys.platform == "linux" else pytest.skip("Linux only")
    process = processes.read(os.getpid())
    assert process
    assert (process.name, process.parent, process.alive) == (name, os.getppid(), True)


def test_nobody_is_there_under_a_pid_that_is_free() -> None:
    assert processes.read(2**22 + 1) is None
    assert processes.with_marker("nobody's") == []


@linux
def test_the_kernel_takes_the_analysis_first_when_memory_runs_out(bench: Bench) -> None:
    bench.run("until [ $(cat /proc/self/oom_score_adj) = 500 ]; do :; done; touch $OUTPUT_DIR/a")
    assert bench.output("a") == b""


def test_the_token_names_the_scratch_folder(bench: Bench) -> None:
    bench.run("pwd > $OUTPUT_DIR/a")
    assert bench.output("a").decode().strip() == str(bench.work / TOKEN / "code")
