"""The files that a run's worker left in the work area, found by the run's last attempt."""

import json
from typing import Any

from jupyter_schedule.core.models import DisclosureReport, Result, Run, disclosure_report_key
from jupyter_schedule.core.object_keys import HEARTBEAT, LIVE_LOG, LOG, RESULT, worker_prefix
from jupyter_schedule.core.storage.factory import ObjectStorage
from jupyter_schedule.core.store.base import Store


class RunFiles:
    """Reads what runs left; who may read it was checked when the run was asked for."""

    def __init__(self, store: Store, objects: ObjectStorage) -> None:
        self._store = store
        self._objects = objects

    def result(self, run: Run) -> Result | None:
        """The result that the last attempt's worker left; None as long as it hasn't ended."""
        prefix = self._prefix(run)
        data = self._objects.get_or_none(prefix + RESULT) if prefix else None
        return Result.model_validate_json(data) if data else None

    def read(self, run: Run, path: str) -> bytes:
        """A file that the run left: `output/…` or `report/…`.  Raises NoSuchObject."""
        return self._objects.get(f"{self._prefix(run)}{path}")

    def key(self, run: Run, path: str) -> str:
        """The object that is such a file; also `live/notebook`."""
        return f"{self._prefix(run)}{path}"

    def heartbeat(self, run: Run) -> dict[str, Any]:
        """The last heartbeat of the last attempt's worker: `at`, `pid`, `cells` done and in all; else empty."""
        prefix = self._prefix(run)
        data = self._objects.get_or_none(prefix + HEARTBEAT) if prefix else None
        said = json.loads(data) if data else {}
        return said if isinstance(said, dict) else {}

    def url(self, run: Run, path: str) -> str:
        """The address of such a file, for as long as the run is kept."""
        return self._objects.url(f"{self._prefix(run)}{path}")

    def log_pieces(self, run: Run, first: int = 0) -> list[bytes]:
        """The last attempt's log so far, in pieces, from piece number `first` on."""
        prefix = self._prefix(run)
        pieces: list[bytes] = []
        while prefix and (piece := self._objects.get_or_none(f"{prefix}{LIVE_LOG}{first + len(pieces)}")) is not None:
            pieces.append(piece)
        return pieces

    def log_before(self, run: Run, first: int, size: int) -> bytes:
        """The last bytes of the pieces before piece number `first`: `size` of them, fewer where there are no more."""
        prefix = self._prefix(run)
        before = b""
        while prefix and first > 0 and len(before) < size:
            first -= 1
            before = (self._objects.get_or_none(f"{prefix}{LIVE_LOG}{first}") or b"") + before
        return before[-size:]

    def log(self, run: Run) -> bytes:
        """All that the last attempt printed; as far as it is known while it runs."""
        prefix = self._prefix(run)
        whole = self._objects.get_or_none(prefix + LOG) if prefix else None
        return whole if whole is not None else b"".join(self.log_pieces(run))

    def checked(self, run: Run) -> DisclosureReport:
        """The disclosure check's findings in the run's outputs; none when they weren't checked."""
        data = None if run.pruned_at is not None else self._objects.get_or_none(disclosure_report_key(run.id))
        return DisclosureReport.model_validate_json(data) if data else DisclosureReport()

    def _prefix(self, run: Run) -> str | None:
        """The folder that the newest attempt's worker writes to; None before it is known, and when its files went."""
        if run.pruned_at is not None:
            return None
        newest = next(reversed(self._store.runs.list_attempts(run.origin)), None)
        return worker_prefix(newest.worker, newest.token) if newest and newest.worker else None
