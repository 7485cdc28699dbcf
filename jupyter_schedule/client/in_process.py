"""The API without a server: the same requests, answered in this process from the same ledger."""

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_schedule.api.context import ApiContext, guarded
from jupyter_schedule.api.files import fetch_bundle, receive_bundle
from jupyter_schedule.api.route import ApiResponse
from jupyter_schedule.api.routes import answer
from jupyter_schedule.client.discovery import server_of
from jupyter_schedule.core import clock
from jupyter_schedule.core.config import PUBLISHED
from jupyter_schedule.core.data_paths import DataPaths, default_data_paths
from jupyter_schedule.core.storage.factory import FolderAddress


class InProcessTransport:
    """Answers for forms whose paths are relative to `root`; the ledger is opened when it is first needed."""

    def __init__(self, root: Path, paths: DataPaths | None = None, *, published: str | None = None) -> None:
        """Open nothing yet.

        paths: None takes those of the embedded default.
        published: where results go that no setting sends elsewhere.  None is where they would go from the running
            Jupyter server that serves `root`, and without one a fixed folder beside the ledger.
        """
        self._root = root
        self._paths = paths or default_data_paths()
        self._published = published
        self._context: ApiContext | None = None

    def __repr__(self) -> str:
        return f"InProcessTransport({str(self._root)!r})"

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        if_version: int | None = None,
    ) -> Any:
        """The answer as JSON's plain values.  Raises Refused."""
        return json.loads(self._answer(method, path, body, query, if_version).content)

    def ask_page(self, path: str, *, query: Mapping[str, str] | None = None) -> tuple[list[Any], int]:
        """Some of a list, and how many there are in all."""
        found = self._answer("GET", path, None, query, None)
        items = json.loads(found.content)
        return items, len(items) if found.total is None else found.total

    def upload_bundle(self, digest: str, packed: Path) -> None:
        """Keep a tarball, which stays where it is.  Raises Refused."""
        context = self._opened()
        with guarded(context.paths), tempfile.TemporaryDirectory(prefix="jupyter-schedule-") as scratch:
            copy = Path(scratch) / "bundle.tar.gz"
            shutil.copyfile(packed, copy)
            receive_bundle(context, digest, copy)

    def download_bundle(self, digest: str, destination: Path) -> None:
        """Write a bundle that is kept to a file.  Raises Refused."""
        context = self._opened()
        with guarded(context.paths):
            fetch_bundle(context, digest, destination)

    def close(self) -> None:
        """Let go of the ledger."""
        if self._context is not None:
            self._context.close()
            self._context = None

    def _answer(
        self, method: str, path: str, body: Any, query: Mapping[str, str] | None, if_version: int | None
    ) -> ApiResponse:
        return answer(self._opened(), method, path, body=body, query=query or {}, if_version=if_version)

    def _opened(self) -> ApiContext:
        if self._context is None:
            server = server_of(self._root) if self._published is None else None
            published = FolderAddress(server.root).url(PUBLISHED) if server else self._published
            self._context = ApiContext.open(self._paths, self._root, published=published, now=clock.now)
        return self._context
