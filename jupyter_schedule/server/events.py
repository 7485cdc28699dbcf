"""Changes in the ledger as events on the server's own event bus, so that nobody has to ask again and again."""

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_schedule.core.store.base import EventsGone

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
        "kind": {"type": "string", "description": "What happened, such as run_succeeded; changes_missed: anything."},
        "sequence": {"type": "integer", "description": "Grows from one change to the next."},
        "schedule": {"type": "string", "description": "The schedule's name."},
        "run": {"type": "string", "description": "The run's id."},
    },
}
#: the kind of a change that stands for many, which are no longer kept one by one
MISSED = "changes_missed"
#: seconds after which the watching thread looks whether it should end
LOOK_UP = 0.5
#: seconds after which it looks again when it couldn't
PAUSE = 5.0

Tell = Callable[[dict[str, Any]], None]


class Changes:
    """Tells every change of an owner's from now on, in order, from a thread of its own."""

    def __init__(self, store: "Store", owner: str, tell: Tell) -> None:
        self._store = store
        self._owner = owner
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
        if self._store.wait_for_change(self._seen, LOOK_UP, self._stopping) > self._seen:
            for event in self._news():
                self._seen = event.sequence
                if (told := self._told(event)) is not None:
                    self._tell(told)

    def _news(self) -> "list[Event]":
        """The events behind the last one; when some of them aren't kept any more, that alone is told."""
        try:
            return self._store.events(self._seen)
        except EventsGone:
            self._seen = self._store.last_change()
            self._tell({"kind": MISSED, "sequence": self._seen})
            return []

    def _told(self, event: "Event") -> dict[str, Any] | None:
        """The event as it is told; None when it is about what is another's, or isn't there."""
        told: dict[str, Any] = {"kind": event.kind, "sequence": event.sequence}
        schedule_id = event.schedule_id
        if event.run_id:
            told["run"] = event.run_id
            run = self._store.runs.get(event.run_id)
            schedule_id = run.schedule_id if run else schedule_id
        if schedule_id is None:
            return None if event.run_id else told
        schedule = self._store.schedules.get(schedule_id)
        if schedule is None or schedule.owner != self._owner:
            return None
        return told | {"schedule": schedule.name}
