"""A terminal in a folder of its own, at noon in UTC, with a ledger of its own."""

import json
import tarfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from jupyter_schedule.cli.app import cli
from jupyter_schedule.core import clock
from jupyter_schedule.core.data_paths import default_data_paths
from jupyter_schedule.core.models import Publication, Reason, Run, RunStatus
from jupyter_schedule.core.models import Result as AgentResult
from jupyter_schedule.core.object_keys import LIVE_LOG, LOG, RESULT, worker_prefix
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.storage.factory import open_storage
from jupyter_schedule.core.store.factory import open_store
from tests.factories import NOON, make_attempt


class Terminal:
    """What a person types and gets."""

    def __init__(self, folder: Path, operations: Operations) -> None:
        self.folder = folder
        self.operations = operations

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli, list(arguments))

    def json(self, *arguments: str) -> Any:
        """What a command that succeeds prints with `--json`."""
        result = self(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def refusal(self, *arguments: str) -> dict[str, str]:
        """What a command that is refused prints with `--json`."""
        result = self(*arguments, "--json")
        assert (result.exit_code, result.stderr) == (2, "")
        error: dict[str, str] = json.loads(result.stdout)["error"]
        return error

    def published(self, name: str) -> str:
        """The address of a schedule's results where no setting and no server says otherwise."""
        return f"file://{default_data_paths().folder}/published/{name}/data/"

    def tarball(self, name: str = "x.tar.gz", script: str = "#!/bin/sh\n") -> Path:
        """A tarball with a run.sh, in the folder."""
        (self.folder / "run.sh").write_text(script)
        (self.folder / "run.sh").chmod(0o755)
        with tarfile.open(self.folder / name, "w:gz") as packed:
            packed.add(self.folder / "run.sh", "run.sh")
        return self.folder / name

    def scheduled(self, name: str = "daily", *options: str) -> str:
        """The name of a schedule that is made here."""
        self.tarball()
        assert self("create", "--tarball", "x.tar.gz", "--name", name, *options).exit_code == 0
        return name

    def launch(self, run: Run, log: bytes = b"") -> Run:
        """Begin a run's next attempt as the service does, with the first piece of a log."""
        number = run.attempt + 1
        attempt = make_attempt(run, number, parameters={"worker": "local"})
        launched = run.model_copy(update={"status": RunStatus.LAUNCHING, "attempt": number, "started_at": NOON})
        assert self.operations.store.runs.add_attempt(attempt, run, launched, actor="service")
        self.leave(launched, LIVE_LOG + "0", log)
        return launched

    def leave(self, run: Run, path: str, content: bytes) -> None:
        """Leave an object as the run's worker does."""
        self.operations.objects.put(worker_prefix("local", f"{run.id}.{run.attempt}") + path, content)

    def end(self, run: Run, log: bytes = b"", **changes: Any) -> Run:
        """End a launched run as the service does; succeeded, unless `changes` say otherwise."""
        told: dict[str, Any] = {
            "status": RunStatus.SUCCEEDED,
            "reason": Reason.OK,
            "message": "Succeeded in 4 s.",
            "seconds": 4.2,
            "ended_at": NOON,
        }
        self.leave(run, LOG, log)
        if (told | changes)["status"] is RunStatus.SUCCEEDED:
            publishing = run.model_copy(update={"status": RunStatus.PUBLISHING})
            assert self.operations.store.runs.replace(run, publishing, actor="service")
            run = publishing
        ended = run.model_copy(update=told | changes)
        assert self.operations.store.runs.replace(run, ended, actor="service")
        return ended

    def leave_result(self, run: Run, **changes: Any) -> None:
        """Leave the agent's result of a run that wrote nothing, but for `changes`."""
        plain: dict[str, Any] = {
            "outcome": "finished",
            "reason": Reason.OK,
            "sentence": "Succeeded in 4 s.",
            "started_at": NOON,
            "ended_at": NOON + timedelta(seconds=4),
            "seconds": 4.2,
        }
        self.leave(run, RESULT, AgentResult(**plain | changes).model_dump_json().encode())


PUBLICATION = Publication.model_validate(
    {
        "url": "file:///p/daily/data/",
        "files": [{"path": "a.csv", "size": 2, "sha256": "0" * 64, "url": "file:///p/daily/runs/1/files/a.csv"}],
    }
)


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    # no server that runs on this machine is one of ours
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr(clock, "now", lambda: NOON)
    time.tzset()
    places = default_data_paths()
    store = open_store(places.store)
    yield Terminal(folder, Operations(store, open_storage(places.objects), now=lambda: NOON))
    store.close()
    monkeypatch.undo()
    time.tzset()
