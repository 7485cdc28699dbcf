"""A word as a message, from what the ledger and the objects know when it is sent."""

import os
from collections.abc import Mapping

from jupyter_schedule.core.models import QueuedNotification
from jupyter_schedule.core.storage.factory import ObjectStorage
from jupyter_schedule.core.store.base import Store
from scheduler_service.notifications.log_lines import read_log_end, select_last_lines
from scheduler_service.notifications.message import GOOD, Message, build_message
from scheduler_service.redaction import redact, secret_values


class MessageComposer:
    """Reads the run of a word, and how its log ended."""

    def __init__(self, store: Store, objects: ObjectStorage, environment: Mapping[str, str] = os.environ) -> None:
        self._store = store
        self._objects = objects
        self._environment = environment

    def __call__(self, word: QueuedNotification) -> Message:
        """The message.  A log that can't be read is no reason to tell nothing.  Raises KeyError for no such run."""
        run = self._store.run(word.run_id)
        if run is None:
            raise KeyError(word.run_id)
        spec = self._store.version(run.schedule_id, run.version).spec
        # what is in its name is in its address, too
        known = {
            name: text for name, text in secret_values(spec, self._environment).items() if text not in run.schedule
        }
        lines: list[str] = []
        if word.occasion not in GOOD:
            try:
                lines = select_last_lines(read_log_end(self._store, self._objects, run), known)
            except OSError:
                lines = ["(It can't be read now.)"]
        return build_message(word, run, spec, lines, lambda text: redact(text, known))
