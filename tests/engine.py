"""A whole deployment in a temporary folder: a ledger, a work area, services as real processes or threads."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from jupyter_schedule.core import clock
from jupyter_schedule.core.account import AccountKey
from jupyter_schedule.core.bundles import archive
from jupyter_schedule.core.bundles.packaging import PackagingRequest, build_bundle
from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.models import Run, Schedule, Spec, Timing
from jupyter_schedule.core.object_keys import bundle_key
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.storage.factory import LocalStorage, open_storage
from jupyter_schedule.core.store.factory import open_store
from scheduler_service.service import Service
from scheduler_service.settings import load_settings

#: seconds after which something that should happen has not; generous, as nothing is measured with it
PATIENCE = 240.0
T = TypeVar("T")
DAILY = Timing(cron="0 12 * * *")


def eventually(look: Callable[[], T | None], *, what: str = "it", patience: float = PATIENCE) -> T:
    """What `look` gives as soon as it is truthy.  Looks often; fails when patience (seconds) is over."""
    give_up = time.monotonic() + patience
    while not (found := look()):
        assert time.monotonic() < give_up, f"{what} did not happen in {patience} s"
        time.sleep(0.02)
    return found


class Engine:
    """One deployment, and what tests do with it."""

    patience = PATIENCE

    def __init__(self, folder: Path, now: Callable[[], datetime] = clock.now, ledger: str | None = None) -> None:
        """`ledger` is the address of a database that many share; without it the ledger is a file in the folder."""
        self.root = folder
        self.now = now
        self.places = DataPaths(folder / "data", ledger)
        self._share_runner()
        self.store = open_store(self.places.store, now)
        self.objects = open_storage(self.places.objects)
        account = AccountKey.open(self.places.folder) if ledger else None
        self.operations = Operations(self.store, self.objects, now=now, account=account)

    def _share_runner(self) -> None:
        """Let all deployments of a test session use one lean runner: making it is not what they test."""
        shared = self.root.parent / "runners"
        shared.mkdir(exist_ok=True)
        self.places.folder.mkdir(mode=0o700)
        (self.places.folder / "runners").symlink_to(shared)

    # -- asking

    def script(
        self,
        name: str,
        text: str,
        more: dict[str, bytes] | None = None,
        *,
        rehearse: bool | None = False,
        **changes: Any,
    ) -> Schedule:
        """A schedule of a tarball that holds `text` as its run.sh, and more files by their names."""
        packed = self.root / f"{name}.tar.gz"
        with tarfile.open(packed, "w:gz") as tar:
            for path, content in {"run.sh": f"#!/bin/bash\n{text}\n".encode(), **(more or {})}.items():
                member = tarfile.TarInfo(path)
                member.size, member.mode = len(content), 0o755
                tar.addfile(member, io.BytesIO(content))
        digest, _ = archive.inspect(packed)
        self.objects.put_file(bundle_key(digest), packed)
        base = LocalStorage(self.root).url("published")
        plain: dict[str, Any] = {"timing": DAILY, "bundle": digest, "publication_base": base}
        return self.operations.schedules.create(name, Spec(**plain | changes), public_confirmed=True, rehearse=rehearse)

    def notebook(self, name: str, *cells: str, parameters: str | None = None, **changes: Any) -> Schedule:
        """A schedule of a notebook with these code cells, the first of them its parameters if there are any."""
        path = self.root / f"{name}.ipynb"
        path.write_text(json.dumps(notebook_of(*cells, parameters=parameters)))
        plain: dict[str, Any] = {"timing": DAILY, "notebook": path}
        made = build_bundle(PackagingRequest(**plain | changes), self.root, self.objects)
        return self.operations.schedules.create(name, made.spec)

    def run(self, name: str) -> Run:
        """A run by hand."""
        return self.operations.runs.run_now(name)

    # -- looking

    def ended(self, run: Run) -> Run:
        """The run when it has ended."""

        def look() -> Run | None:
            current = self.operations.runs.get(run.id)
            return current if current.status.terminal else None

        return eventually(look, what=f"the end of {run.schedule}", patience=self.patience)

    def started(self, run: Run) -> Run:
        """The run when its command has printed something."""
        eventually(
            lambda: self.operations.files.log_pieces(run),
            what=f"the first line of {run.schedule}",
            patience=self.patience,
        )
        return self.operations.runs.get(run.id)

    def log(self, run: Run) -> str:
        """What the run printed."""
        return self.operations.files.log(run).decode()

    def published(self, name: str) -> dict[str, str]:
        """The files at the stable address, by their paths, as texts."""
        data = self.root / "published" / name / "data"
        return {path.relative_to(data).as_posix(): path.read_text() for path in data.rglob("*") if path.is_file()}

    # -- services

    @contextmanager
    def service(self, now: Callable[[], datetime] | None = None, ledger: str | None = None) -> Iterator[Service]:
        """A service in a thread, with a clock of its own, or another way to the ledger, if one is given."""
        store = ledger or self.places.given_store
        settings = load_settings(None, self.places.folder).model_copy(update={"store": store})
        service = Service(settings, now or self.now)
        thread = threading.Thread(target=service.run)
        thread.start()
        try:
            yield service
        finally:
            service.stop()
            thread.join(PATIENCE)
            assert not thread.is_alive()

    @contextmanager
    def service_process(self, *, more: str = "", **variables: str) -> Iterator["subprocess.Popen[bytes]"]:
        """A service as an operator runs it, with `more` settings; killed in the end if it is still there."""
        settings = self.root / "service.toml"
        named = {"folder": str(self.places.folder), "store": self.places.given_store}
        settings.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in named.items() if value) + more)
        with (self.root / "service.log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "scheduler_service", "run", "--config", settings, "--until-stdin-closes"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=os.environ | variables,
            )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()


def notebook_of(*cells: str, parameters: str | None = None, kernel: str = "python3") -> dict[str, Any]:
    """A notebook as JSON."""
    sources = [(parameters, ["parameters"])] if parameters is not None else []
    sources += [(cell, []) for cell in cells]
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": kernel, "display_name": kernel, "language": "python"},
            "language_info": {"name": "python"},
        },
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {"tags": tags},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for number, (source, tags) in enumerate(sources)
        ],
    }
