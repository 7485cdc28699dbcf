"""Compose the message of a notification: what happened, why, how the log ended, and where the results are.

`build_message` is pure; `MessageComposer` reads what the ledger and the objects know when it is sent.
"""

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    Notification,
    NotificationEvent,
    QueuedNotification,
    Run,
    RunStatus,
    Spec,
    Visibility,
    utc_text,
)
from jupyter_schedule.core.object_keys import LOG
from jupyter_schedule.core.operations.runs import RunFiles
from jupyter_schedule.core.publication_keys import PublicationKeys
from jupyter_schedule.core.run_environment import secrets_among
from jupyter_schedule.core.storage.factory import NoSuchObject, ObjectStorage, parse_address
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.text import short_date, strip_escapes
from jupyter_schedule.core.timing.timezones import find_zone
from scheduler_service.disclosure.secrets import find_secret
from scheduler_service.redaction import redact, secret_values
from scheduler_service.worker.text import LEFT_OUT, mask_values

#: of these the log says nothing that anybody has to know
GOOD = frozenset({NotificationEvent.RECOVERY, NotificationEvent.FIRST_SUCCESS})


@dataclass(frozen=True)
class Message:
    """A notification as it is sent."""

    #: the same each time it is sent
    id: str
    title: str
    body: str
    good: bool


def build_message(
    notification: Notification, run: Run, spec: Spec, log: Sequence[str], tellable: Callable[[str], str]
) -> Message:
    """Return the message that a channel gets.

    log: the last lines, of which nothing has to be hidden any more.  tellable: a sentence without what has to be.
    """
    good = notification.occasion in GOOD
    parts = [_why(notification, run, tellable), _about(run)]
    if log and not good:
        parts.append("\n".join(["The last lines of its log:", *(f"  {line}" for line in log)]))
    parts.append(f"{_address(run, spec)}\nMore: jupyter schedule {'show' if good else 'logs'} {_more(run, good)}")
    parts.append(f"Message {notification.message_id}")
    return Message(
        notification.message_id,
        tellable(_title(notification, run, spec)),
        "\n\n".join(part for part in parts if part),
        good,
    )


def build_trial(channel: str, number: str, now: datetime) -> Message:
    """A notification to see whether a channel works."""
    text = f"An operator of jupyter-schedule tried the channel “{channel}” at {utc_text(now)}. Nothing happened."
    return Message(number, f"A trial of the channel “{channel}”", f"{text}\n\nMessage {number}", good=True)


def _title(notification: Notification, run: Run, spec: Spec) -> str:
    name = f"“{run.schedule}”"
    match notification.occasion:
        case NotificationEvent.FAILURE:
            return f"{name} failed"
        case NotificationEvent.TIME_OUT:
            return f"{name} was stopped: it took too long"
        case NotificationEvent.RECOVERY:
            return f"{name} succeeded again"
        case NotificationEvent.FIRST_SUCCESS:
            return f"{name} succeeded for the first time"
        case NotificationEvent.AUTO_PAUSE:
            return f"{name} paused itself"
        case NotificationEvent.SILENCE:
            return f"Nothing of {name} was published by {_deadline(notification, spec)}"


def _deadline(notification: Notification, spec: Spec) -> str:
    """`09:00 on Wed 25 Nov`, as the clocks of the schedule's zone showed it."""
    by = datetime.fromisoformat(notification.details["by"])
    try:
        local = by.astimezone(find_zone(spec.timing.timezone))
    except Refused:
        return utc_text(by)
    return f"{local:%H:%M} on {short_date(local)}"


def _why(notification: Notification, run: Run, tellable: Callable[[str], str]) -> str:
    # recorded so; but what leaves the machine is masked by the values of today, too
    last = tellable(run.message or "")
    match notification.occasion:
        case NotificationEvent.AUTO_PAUSE:
            why = tellable(notification.details.get("note", "its last runs failed"))
            note = f"Because {why}, it runs no more by itself."
            return f"{note} Last: {last}\nLet it run again: jupyter schedule resume {run.schedule}"
        case NotificationEvent.SILENCE if not run.status.terminal:
            return f"Its run {'waits' if run.status == RunStatus.DUE else 'is still going'}."
        case _:
            return last


def _about(run: Run) -> str:
    ended = f", ended {utc_text(run.ended_at)}" if run.ended_at else ""
    return f"Run {run.id[:8]}, due {utc_text(run.scheduled_for)}{ended}."


def _address(run: Run, spec: Spec) -> str:
    if spec.visibility == Visibility.NONE:
        return "Its results are kept with each run."
    return f"Results: {parse_address(spec.publication_base).url(PublicationKeys(run.publication_name).data)}"


def _more(run: Run, good: bool) -> str:
    return run.schedule if good else run.id[:8]


class MessageComposer:
    """Reads the run of a notification, and how its log ended."""

    def __init__(self, store: Store, objects: ObjectStorage, environment: Mapping[str, str] = os.environ) -> None:
        self._store = store
        self._objects = objects
        self._environment = environment

    def __call__(self, notification: QueuedNotification) -> Message:
        """The message.  A log that can't be read is no reason to tell nothing.  Raises KeyError for no such run."""
        run = self._store.runs.get(notification.run_id)
        if run is None:
            raise KeyError(notification.run_id)
        spec = self._store.schedules.get_version(run.schedule_id, run.version).spec
        # what is in its name is in its address, too
        given = secret_values(spec, self._environment) | self._kernel_secrets(spec)
        known = {name: text for name, text in given.items() if text not in run.schedule}
        lines: list[str] = []
        if notification.occasion not in GOOD:
            try:
                lines = select_last_lines(read_log_end(self._store, self._objects, run), known)
            except OSError:
                lines = ["(It can't be read now.)"]
        return build_message(notification, run, spec, lines, lambda text: redact(text, known))

    def _kernel_secrets(self, spec: Spec) -> dict[str, str]:
        """The values of the kernelspec's variables, which its notebook may have printed."""
        key = spec.kernel.env_object if spec.kernel else None
        if key is None:
            return {}
        try:
            return secrets_among(json.loads(self._objects.get(key)))
        except (NoSuchObject, OSError, ValueError):
            # gone with its bundle; then no run has them either
            return {}


#: lines that a message has, and signs of each
LINES = 20
LONGEST = 300
#: bytes that are read, so that a key which begins above the last lines is known as one
READ = 32_000
_KEY = re.compile(r"-----(BEGIN|END) [A-Z0-9 ]*PRIVATE KEY")


def select_last_lines(text: str, known: Mapping[str, str]) -> list[str]:
    """The last lines of a log that say something, each with its secrets left out.

    known: values that nobody may see, by the names that are shown in their place.
    """
    shown: list[str] = []
    in_key = False
    for raw in strip_escapes(text).replace("\r\n", "\n").split("\n"):
        # what a progress bar showed last
        line = raw.rstrip("\r").rpartition("\r")[2].rstrip()
        marked = [match[1] for match in _KEY.finditer(line)]
        if in_key or marked:
            if not in_key or "END" in marked:
                shown.append(LEFT_OUT.format("a private key"))
            in_key = marked[-1] == "BEGIN" if marked else in_key
        elif line:
            shown.append(_without_secrets(line, known))
    return shown[-LINES:]


def _without_secrets(line: str, known: Mapping[str, str]) -> str:
    line = mask_values(line, known)
    secret = find_secret(line)
    if secret is not None:
        return LEFT_OUT.format(f"a line with {secret}")
    visible = "".join(sign if sign.isprintable() else " " for sign in line)
    return visible if len(visible) <= LONGEST else f"{visible[:LONGEST]}…"


def read_log_end(store: Store, objects: ObjectStorage, run: Run) -> str:
    """The last bytes of what the run printed, as text; empty when it printed nothing, or nobody kept it.

    Raises OSError when the objects are away.
    """
    files = RunFiles(store, objects)
    key = files.key(run, LOG)
    size = objects.size(key)
    if size is None:
        return b"".join(files.log_pieces(run)).decode(errors="replace")[-READ:]
    try:
        with objects.open(key) as stream:
            if stream.seekable():
                stream.seek(max(0, size - READ))
            end = b""
            while block := stream.read(1024 * 1024):
                end = (end + block)[-READ:]
    except NoSuchObject:
        return ""
    return end.decode(errors="replace")
