"""The API without a server: the same requests, answered in this process from the same ledger."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jupyter_schedule.api.desk import Desk
from jupyter_schedule.api.routes import answer
from jupyter_schedule.core.data_paths import DataPaths, default_data_paths


class InProcessTransport:
    """Answers for forms whose paths are relative to `root`; the ledger is opened when it is first needed."""

    def __init__(self, root: Path, places: DataPaths | None = None) -> None:
        """`places`: None takes those of the embedded default."""
        self._root = root
        self._places = places or default_data_paths()
        self._desk: Desk | None = None

    def __repr__(self) -> str:
        return f"Direct({str(self._root)!r})"

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
        if self._desk is None:
            self._desk = Desk(self._places, self._root)
        found = answer(self._desk, method, unquote(path), body=body, query=query or {}, if_version=if_version)
        return json.loads(found.content)

    def close(self) -> None:
        """Let go of the ledger."""
        if self._desk is not None:
            self._desk.close()
            self._desk = None
