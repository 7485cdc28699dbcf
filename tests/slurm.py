"""A real Slurm on this machine: its own controller, nodes and munge, from the distribution's packages, without systemd.

Everything is in one folder and on loopback.  A node is a slurmd under a name of its own.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from scheduler_service.launchers.slurm import RunCommand
from tests.engine import PATIENCE, eventually
from tests.s3_servers import free_ports

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
CONFIGURATION = """\
ClusterName=t
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/controller.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/controller.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
ReturnToService=2
MessageTimeout=5
SlurmdTimeout=10
KillWait=2
MinJobAge=20
JobRequeue=0
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
JobAcctGatherParams=OverMemoryKill
SlurmdParameters=config_overrides
MailProg=/bin/true
{nodes}
PartitionName=quick Nodes=ALL Default=YES DefMemPerCPU=200 MaxTime=UNLIMITED State=UP
PartitionName=closed Nodes=ALL MaxTime=1 State=UP
"""


def missing() -> str:
    """What keeps a cluster from being started here; empty when nothing does."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a cluster of Slurm is started as root on Linux"
    lacking = [name for name in PROGRAMS if _program(name) is None]
    return f"no {', '.join(lacking)} here: apt-get install slurm-wlm munge" if lacking else ""


class Cluster:
    """A controller with two nodes of four cores each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment: Mapping[str, str] = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
        self._nodes = ("n1", "n2")

    @property
    def command(self) -> RunCommand:
        """Calls this cluster's commands."""
        return RunCommand(10, self.environment)

    def start(self) -> None:
        """Start all, and wait until the nodes are idle."""
        self.folder.mkdir(exist_ok=True)
        for name in ("state", "spool", "key"):
            (self.folder / name).mkdir(mode=0o700)
        host, (port, *others) = socket.gethostname(), free_ports(1 + len(self._nodes))
        nodes = "\n".join(
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={at} CPUs=4 RealMemory=4000 State=UNKNOWN"
            for name, at in zip(self._nodes, others, strict=True)
        )
        made = CONFIGURATION.format(host=host, port=port, folder=self.folder, nodes=nodes)
        (self.folder / "slurm.conf").write_text(made)
        key = self.folder / "key" / "key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        paths = {"key-file": key, "socket": self.folder / "munge.sock"}
        paths |= {f"{kind}-file": self.folder / f"munge.{kind}" for kind in ("pid", "log", "seed")}
        self._call("munged", "--force", *(f"--{name}={path}" for name, path in paths.items()))
        self.start_controller()
        for name in self._nodes:
            self._call("slurmd", "-f", str(self.folder / "slurm.conf"), "-N", name)
        eventually(lambda: self._states() == ["idle", "idle"], what="two idle nodes", patience=60)

    def lose_node(self, name: str) -> None:
        """End a node, and all that runs on the cluster, as a power cut does to a node that has all of it."""
        os.kill(self._pid(name), signal.SIGKILL)
        mark = f"SLURMD_NODENAME={name}\0".encode()
        conf = f"SLURM_CONF={self.folder / 'slurm.conf'}\0".encode()
        for process in Path("/proc").iterdir():
            with suppress(OSError):
                variables = (process / "environ").read_bytes() if process.name.isdigit() else b""
                # the daemon's own part of a job is killed too, before it can report the job's end
                step = conf in variables and (process / "comm").read_text().startswith("slurmstepd")
                if step or (mark in variables and conf in variables):
                    os.kill(int(process.name), signal.SIGKILL)

    def start_controller(self) -> None:
        """Start the controller; it answers a moment later."""
        self._call("slurmctld", "-f", str(self.folder / "slurm.conf"))

    def kill_controller(self) -> None:
        """End the controller as a power cut does."""
        os.kill(self._pid("controller"), signal.SIGKILL)

    def wait_for_save(self) -> None:
        """Wait until the controller has saved the state of its jobs once more."""
        saved, before = self.folder / "state" / "job_state", time.time_ns()
        eventually(lambda: saved.exists() and saved.stat().st_mtime_ns > before, what="the controller's save")

    def stop(self) -> None:
        """End all jobs, then everything that was started."""
        with suppress(OSError):
            self.command("scancel", "--user=root")
            eventually(lambda: not self.jobs("RUNNING"), what="no job", patience=20)
        for name in (*self._nodes, "controller", "munge"):
            with suppress(OSError, ValueError):
                pid = self._pid(name)
                os.kill(pid, signal.SIGTERM)
                eventually(lambda pid=pid: not Path(f"/proc/{pid}").exists(), what=f"the end of {name}")  # type: ignore[misc]

    def jobs(self, *states: str) -> list[str]:
        """The names of jobs in those states."""
        which = f"--states={','.join(states)}" if states else "--states=all"
        return self.command("squeue", "--noheader", "--format=%j", which).split()

    def _states(self) -> list[str]:
        try:
            return self.command("sinfo", "--noheader", "--Node", "--partition=quick", "--format=%T").split()
        except OSError:
            return []

    def _pid(self, name: str) -> int:
        return int((self.folder / f"{name}.pid").read_text())

    def _call(self, name: str, *arguments: str) -> None:
        program = _program(name)
        assert program is not None
        done = subprocess.run(
            [program, *arguments], env=self.environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 0, done.stderr


@contextmanager
def started(folder: Path) -> Iterator[Cluster]:
    """A cluster in that folder, for as long as the block goes; the test is skipped where there can't be one."""
    if reason := missing():
        pytest.skip(reason)
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
