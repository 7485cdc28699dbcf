"""A transport that remembers what was asked and answers as it is told, and answers in the API's shapes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_schedule.core.errors import Refused

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&\n"


class Told:
    """Answers by method and path; a list is answered item by item, its last one for ever."""

    def __init__(self, answers: Mapping[str, Any] | None = None) -> None:
        self.answers = dict(answers or {})
        self.asked: list[tuple[str, Any, dict[str, str], int | None]] = []
        self.closed = False

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        if_version: int | None = None,
    ) -> Any:
        line = f"{method} {path}"
        self.asked.append((line, body, dict(query or {}), if_version))
        answer = self.answers.get(line)
        if isinstance(answer, InTurn):
            answer = answer.next()
        if isinstance(answer, Refused):
            raise answer
        if answer is None:
            raise Refused("not_told", f"Nobody said what {line} answers.")
        return answer

    def ask_page(self, path: str, *, query: Mapping[str, str] | None = None) -> tuple[list[Any], int]:
        items = self.ask("GET", path, query=query)
        return items, len(items)

    def upload_bundle(self, digest: str, packed: Path) -> None:
        self.ask("PUT", f"bundles/{digest}", body=packed.read_bytes())

    def download_bundle(self, digest: str, destination: Path) -> None:
        destination.write_bytes(self.ask("GET", f"bundles/{digest}"))

    def close(self) -> None:
        self.closed = True

    @property
    def lines(self) -> list[str]:
        """What was asked, without bodies."""
        return [asked[0] for asked in self.asked]


class InTurn:
    """Answers one after the other, the last one for ever."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)

    def next(self) -> Any:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def schedule_answer(name: str = "daily", **changes: Any) -> dict[str, Any]:
    """A ScheduleResponse as JSON."""
    plain = {
        "name": name,
        "id": "00000000-0000-4000-8000-000000000000",
        "state": "active",
        "version": 1,
        "owner": "local",
        "summary": "Runs every day at 12:00 UTC.",
        "timing": {"cron": "0 12 * * *", "once": None, "timezone": "UTC"},
        "form": {"notebook": "report.ipynb", "name": name},
        "next_due": "2026-11-24T12:00:00Z",
        "next": [{"scheduled_for": "2026-11-24T12:00:00Z", "local": "2026-11-24T12:00:00+00:00", "note": None}],
        "destination": "the folder published/daily",
        "publication_url": None,
        "created_at": "2026-11-23T12:00:00Z",
        "changed_at": "2026-11-23T12:00:00Z",
        "changed_by": "local",
        "bundle": "0" * 64,
        "last_runs": [],
    }
    return plain | changes


def run_answer(run_id: str = "r1", status: str = "succeeded", **changes: Any) -> dict[str, Any]:
    """A RunResponse as JSON, which is a RunDetails too."""
    plain = {
        "run_id": run_id,
        "schedule": "daily",
        "version": 1,
        "scheduled_for": "2026-11-23T12:00:00Z",
        "trigger": "manual",
        "status": status,
        "reason": None,
        "message": None,
        "created_at": "2026-11-23T12:00:00Z",
        "started_at": None,
        "ended_at": None,
        "seconds": None,
        "cancelled_by": None,
    }
    return plain | changes


STATUS = {
    "version": "0.1.0",
    "ticking": True,
    "embedded": True,
    "service_installable": True,
    "service_installed": False,
}
PREVIEW = {"bundle": "1" * 64, "findings": [], "problems": [], "suggested_name": "report"}
