"""Changes in the ledger as events on the server's own event bus, so that nobody has to ask again and again."""

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_schedule.core.models import Event
    from jupyter_schedule.core.store.base import Store

log = logging.getLogger(__name__)

SCHEMA_ID = "https://events.jupyter.org/jupyter_schedule/change"
SCHEMA: dict[str, Any] = {
    "$id": SCHEMA_ID,
    "version": "1",
    "title": "A schedule or a run changed",
    "description": "Something happened to a schedule or to a run; its state now is what the API answers.",
    "personal-data": True,
    "type": "object",
    "required": ["kind", "sequence"],
    "properties": {
        "kind": {"type": "string", "description": "What happened, such as run_succeeded or schedule_paused."},
        "sequence": {"type": "integer", "description": "Grows from one change to the next."},
        "schedule": {"type": "string", "description": "The schedule's name."},
        "run": {"type": "string", "description": "The run's id."},
    },
}
#: seconds after which the watching thread looks whether it should end
LOOK_UP = 0.5
#: seconds after which it looks again when it couldn't
PAUSE = 5.0

Tell = Callable[[dict[str, Any]], None]


class Changes:
    """Tells every change from now on, in order, from a thread of its own."""

    def __init__(self, store: "Store", tell: Tell) -> None:
        self._store = store
        self._tell = tell
        self._stopping = threading.Event()
        self._seen = store.last_change()
        self._thread = threading.Thread(target=self._watch, name="schedule-changes", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Nothing is told after this."""
        self._stopping.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                self._look()
            except Exception:
                # whatever it was, those who listen have their own second look
                log.exception("action=changes_failed")
                self._stopping.wait(PAUSE)

    def _look(self) -> None:
        if self._store.wait_for_change(self._seen, LOOK_UP) > self._seen:
            for event in self._store.events(self._seen):
                self._seen = event.sequence
                self._tell(self._told(event))

    def _told(self, event: "Event") -> dict[str, Any]:
        told: dict[str, Any] = {"kind": event.kind, "sequence": event.sequence}
        if event.run_id:
            told["run"] = event.run_id
        name = self._schedule_name(event)
        return told | ({"schedule": name} if name else {})

    def _schedule_name(self, event: "Event") -> str | None:
        if event.schedule_id is not None:
            schedule = self._store.schedules.get(event.schedule_id)
            return schedule.name if schedule else None
        run = self._store.runs.get(event.run_id) if event.run_id else None
        return run.schedule if run else None
