"""When a run ends nothing of it is left, whatever it started."""

import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from scheduler_service.worker import namespaces, processes
from scheduler_service.worker.limits import end_cgroup, find_cgroup_base
from scheduler_service.worker.workspace import CGROUP
from tests.engine import eventually
from tests.scheduler_service.worker.conftest import PREFIX, RUN, TOKEN, Bench

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


#: all of them at once, and the command ends only when each has said that it is there
ALL = {"escape": ESCAPE, "refork": REFORK, "pair": PAIR}

_NO_NAMESPACES = "echo 0 > /proc/sys/user/max_pid_namespaces"
_NO_GROUPS = "mount -t tmpfs none /sys/fs/cgroup"
_AS_ROOT = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
#: what makes this machine into one where a run is contained so, and whether it is then safe from the death of all
MACHINES = {
    "namespace": [],
    "namespace of a plain user": ["unshare", "--user", "--map-user=1000", "--map-group=1000"],
    "control group": [*_AS_ROOT, f'{_NO_NAMESPACES} && exec "$@"', "-"],
    "subreaper": [*_AS_ROOT, f'{_NO_NAMESPACES} && {_NO_GROUPS} && exec "$@"', "-"],
}


def machine(bench: Bench, kind: str) -> None:
    """Make this machine into one of that kind; skips where it can't be."""
    bench.machine = MACHINES[kind]
    if kind == "namespace" and not namespaces.are_available():
        pytest.skip("this machine has no process namespaces for us")
    if kind == "control group" and (sys.platform != "linux" or find_cgroup_base() is None):
        pytest.skip("this machine has no part of the control groups' tree for us")
    if subprocess.run([*bench.machine, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine can't be made into that kind")


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


def script(bench: Bench, source: str, name: str = "script") -> str:
    """A command that runs this Python source and tells it where to write a pid when it is where it wants to be."""
    path = bench.folder / f"{name}.py"
    path.write_text(textwrap.dedent(source))
    return f"{sys.executable} {path} {bench.folder}/{name}.pid"


def survivors(bench: Bench) -> list[int]:
    """What of the run is still there, its subreaper included."""
    return by_command_line(f"{bench.folder}/") + processes.find_marked(f"{RUN}.1", processes.SUBREAPER)


def start_all(bench: Bench, end: str) -> "subprocess.Popen[str]":
    """An attempt whose command starts everything that tries to survive, and then does `end`."""
    starts = "; ".join(f"{script(bench, source, name)} &" for name, source in ALL.items()).replace("&;", "&")
    there = " && ".join(f"[ -s {bench.folder}/{name}.pid ]" for name in ALL)
    return bench.start(bench.task(f"{starts} until {there}; do sleep 0.01; done; echo there; {end}"))


@linux
@pytest.mark.parametrize("kind", MACHINES)
class TestOnEveryKindOfMachine:
    @pytest.mark.promise("P27")
    def test_a_time_out_ends_what_tries_to_survive(self, bench: Bench, kind: str) -> None:
        machine(bench, kind)
        for name, source in ALL.items():
            assert any(self.times_out(bench, name, source, seconds) for seconds in (0.7, 5, 30))

    def times_out(self, bench: Bench, name: str, source: str, seconds: float) -> bool:
        """Whether it was where it wants to be when its time was over: a busy machine takes longer to get it there."""
        result = bench.run(
            f"{script(bench, source, name)} & wait; sleep 1000", timeout_seconds=seconds, grace_seconds=0.1
        )

        assert (result["outcome"], result["exit_code"], result["reason"]) == ("timed_out", None, "time_limit")
        assert result["sentence"] == f"Timed out: stopped after {seconds} s."
        assert result["notes"] == []
        assert survivors(bench) == []
        for key in (f"gates/{TOKEN}", f"{PREFIX}result"):
            bench.objects.delete(key)
        return (bench.folder / f"{name}.pid").exists()

    @pytest.mark.promise("P27")
    def test_a_normal_end_leaves_nothing_either_and_names_what_was_left(self, bench: Bench, kind: str) -> None:
        machine(bench, kind)
        agent = start_all(bench, "touch $OUTPUT_DIR/a")
        assert bench.finish(agent)["reason"] == "ok"
        assert survivors(bench) == []
        assert re.search(r"The command left .*bash \(pid \d+\).* behind, which was ended\.", bench.log())

    def test_a_stop_ends_it(self, bench: Bench, kind: str) -> None:
        machine(bench, kind)
        agent = start_all(bench, "sleep 1000")
        eventually(lambda: b"there" in bench.live_log())
        agent.send_signal(signal.SIGTERM)
        assert bench.finish(agent)["outcome"] == "stopped"
        assert survivors(bench) == []

    def test_the_death_of_the_agent_ends_it(self, bench: Bench, kind: str) -> None:
        machine(bench, kind)
        agent = start_all(bench, "sleep 1000")
        eventually(lambda: b"there" in bench.live_log())
        agent.kill()
        agent.wait()
        eventually(lambda: survivors(bench) == [])

    def test_the_death_of_the_keeper_ends_it_and_the_run(self, bench: Bench, kind: str) -> None:
        machine(bench, kind)
        agent = start_all(bench, "sleep 1000")
        eventually(lambda: b"there" in bench.live_log())
        os.kill(keeper_of(agent), signal.SIGKILL)
        result = bench.finish(agent)
        assert result["sentence"] == "The command was ended by signal 9 (SIGKILL)."
        assert survivors(bench) == []

    def test_a_run_is_contained_as_the_machine_allows(self, bench: Bench, kind: str) -> None:
        machine(bench, kind)
        bench.run("readlink /proc/self/ns/pid > $OUTPUT_DIR/namespace; cat /proc/self/cgroup > $OUTPUT_DIR/group")
        namespace = bench.output("namespace").decode().strip()
        assert (namespace != str(Path("/proc/self/ns/pid").readlink())) is kind.startswith("namespace")
        if kind == "control group":
            assert f"/jupyter-schedule-{RUN}.1" in bench.output("group").decode()

    def test_a_program_finds_itself_under_its_own_pid(self, bench: Bench, kind: str) -> None:
        machine(bench, kind)
        bench.run("cat /proc/$$/comm > $OUTPUT_DIR/name")
        assert bench.output("name") == b"bash\n"

    @pytest.mark.parametrize("death", ["exit 7", "kill -KILL $$", "kill -TERM $$"])
    def test_how_a_command_ended_is_known(self, bench: Bench, kind: str, death: str) -> None:
        machine(bench, kind)
        said = {
            "exit 7": "The command ended with exit code 7.",
            "kill -KILL $$": "The command was ended by signal 9 (SIGKILL).",
            "kill -TERM $$": "The command was ended by signal 15 (SIGTERM).",
        }
        assert bench.run(death)["sentence"] == said[death]


# where there is only the subreaper it is a best effort: what forgot its environment is beyond our knowledge then
@linux
@pytest.mark.parametrize("kind", [kind for kind in MACHINES if kind != "subreaper"])
def test_the_death_of_agent_and_keeper_ends_it(bench: Bench, kind: str) -> None:
    machine(bench, kind)
    agent = start_all(bench, "sleep 1000")
    eventually(lambda: b"there" in bench.live_log())
    both = (keeper_of(agent), agent.pid)
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in both:
            os.kill(pid, number)
    agent.wait()
    # what a launcher does when it finds the agent gone
    end_cgroup(bench.work / TOKEN / CGROUP)
    eventually(lambda: survivors(bench) == [])


def keeper_of(agent: "subprocess.Popen[str]") -> int:
    (pid,) = (process.pid for process in processes.walk_descendants(agent.pid) if process.parent == agent.pid)
    return pid


@linux
def test_what_ends_by_itself_a_moment_after_the_command_is_left_to_it(bench: Bench) -> None:
    result = bench.run(
        "exec > >(read line; for i in {1..999}; do :; done; echo got $line); echo one; echo > $OUTPUT_DIR/a"
    )
    assert result["reason"] == "ok"
    assert bench.log() == "got one\n"


def test_a_time_out_lets_the_command_save_what_it_has(bench: Bench) -> None:
    command = "trap 'echo saved > $OUTPUT_DIR/a; exit 9' TERM; echo on; while :; do sleep 0.01; done"
    result = bench.run(command, timeout_seconds=3, grace_seconds=20)
    assert result["outcome"] == "timed_out"
    assert bench.output("a") == b"saved\n"


def test_orphans_that_end_during_the_run_are_reaped(bench: Bench) -> None:
    os.mkfifo(bench.folder / "go")
    orphans = "for i in 1 2 3 4 5; do (true & exec true); done"
    agent = bench.start(bench.task(f"{orphans}; echo on; read < {bench.folder}/go; touch $OUTPUT_DIR/a"))
    eventually(lambda: bench.live_log() == b"on\n")

    eventually(lambda: all(process.alive for process in processes.walk_descendants(agent.pid)))
    (bench.folder / "go").write_text("\n")
    assert bench.finish(agent)["reason"] == "ok"


def test_the_marker_finds_a_runs_processes_and_only_those(bench: Bench) -> None:
    os.mkfifo(bench.folder / "go")
    agent = bench.start(bench.task(f"read < {bench.folder}/go; :"))
    (pid,) = eventually(lambda: processes.find_marked(f"{RUN}.1"))

    assert processes.find_marked(f"{RUN}.11") == []
    assert processes.find_marked(f"{RUN}.") == []
    process = processes.read(pid)
    assert process
    assert process.pid in {below.pid for below in processes.walk_descendants(agent.pid)}
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
    assert processes.find_marked("nobody's") == []


@linux
def test_the_kernel_takes_the_analysis_first_when_memory_runs_out(bench: Bench) -> None:
    bench.run("until [ $(cat /proc/self/oom_score_adj) = 500 ]; do :; done; touch $OUTPUT_DIR/a")
    assert bench.output("a") == b""


def test_the_token_names_the_scratch_folder(bench: Bench) -> None:
    bench.run("pwd > $OUTPUT_DIR/a")
    assert bench.output("a").decode().strip() == str(bench.work / TOKEN / "code")
