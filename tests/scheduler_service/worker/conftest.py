"""An attempt on a bench: a work area, a bundle, and the agent as a process of its own."""

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from jupyter_schedule.core.storage.factory import LocalStorage
from scheduler_service.worker import processes
from scheduler_service.worker.task import TASK_VERSION
from tests.engine import PATIENCE

TOKEN = "5eed"
#: its own in every session, since several may run on one machine at once
RUN = f"{uuid4().hex[:8]}-run"
PREFIX = f"workers/local/{TOKEN}/"


class Bench:
    """One attempt: put a bundle, start the agent, look at what it stored."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: a command that makes another kind of machine for the command after it
        self.machine: list[str] = []
        self.objects = LocalStorage(folder / "objects")
        self.work = folder / "work"
        self.work.mkdir()
        self.agents: list[subprocess.Popen[str]] = []

    def bundle(self, files: Mapping[str, str | bytes]) -> str:
        """Store a bundle of these files (scripts executable) and return its digest."""
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as tar:
            for name, content in files.items():
                data = content.encode() if isinstance(content, str) else content
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                entry.mode = 0o755 if name.endswith(".sh") else 0o644
                tar.addfile(entry, io.BytesIO(data))
        return self.store_bundle(stream.getvalue())

    def store_bundle(self, tar: bytes) -> str:
        import gzip

        digest = hashlib.sha256(tar).hexdigest()
        self.objects.put(f"bundles/{digest}.tar.gz", gzip.compress(tar))
        return digest

    def task(self, command: str, files: Mapping[str, str | bytes] | None = None, **changes: Any) -> dict[str, Any]:
        return {
            "run_id": RUN,
            "attempt": 1,
            "token": TOKEN,
            "worker": "local",
            "objects": self.objects.url("x").removesuffix("/x"),
            "bundle": self.bundle(files or {"a.txt": "a"}) if "bundle" not in changes else "",
            "command": command,
            "version": TASK_VERSION,
            "timeout_seconds": 60,
            "work_folder": str(self.work),
            "grace_seconds": 0.2,
            "share": "ours",
        } | changes

    def start(self, task: dict[str, Any], **environment: str) -> subprocess.Popen[str]:
        """The agent, told what to do, with nothing in its environment but PATH and what is given."""
        agent = subprocess.Popen(
            [*self.machine, sys.executable, "-m", "scheduler_service.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"], **environment},
            start_new_session=True,
        )
        self.agents.append(agent)
        assert agent.stdin
        agent.stdin.write(json.dumps(task))
        agent.stdin.close()
        return agent

    def finish(self, agent: subprocess.Popen[str], code: int = 0) -> dict[str, Any]:
        """Wait for the agent and return the result; it leaves neither a process nor a scratch folder."""
        assert agent.stderr
        complaints = agent.stderr.read()
        agent.stderr.close()
        assert agent.wait(PATIENCE) == code, complaints
        assert processes.find_marked(f"{RUN}.1") == []
        assert list(self.work.iterdir()) == []
        return self.result()

    def run(self, command: str, files: Mapping[str, str | bytes] | None = None, **changes: Any) -> dict[str, Any]:
        return self.finish(self.start(self.task(command, files, **changes)))

    def result(self) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self.objects.get(f"{PREFIX}result"))
        return result

    def keys(self, prefix: str = "") -> list[str]:
        return [stored.key.removeprefix(PREFIX) for stored in self.objects.list(f"{PREFIX}{prefix}")]

    def output(self, path: str) -> bytes:
        return self.objects.get(f"{PREFIX}output/{path}")

    def log(self) -> str:
        return self.objects.get(f"{PREFIX}report/log.txt").decode(errors="replace")

    def live_log(self) -> bytes:
        return b"".join(self.objects.get(f"{PREFIX}live/log.{number}") for number in range(len(self.keys("live/log."))))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    for agent in made.agents:
        if agent.poll() is None:
            agent.kill()
            agent.wait()
        if agent.stderr:
            agent.stderr.close()
    for process in filter(None, map(processes.read, processes.find_marked(f"{RUN}.1"))):
        processes.send(process, signal.SIGKILL)
