"""What a word says: what happened, why, how the log ended, and where the results are.  Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Notification, NotificationEvent, Run, RunStatus, Spec, Visibility, utc_text
from jupyter_schedule.core.publication_keys import PublicationKeys
from jupyter_schedule.core.storage.factory import open_storage
from jupyter_schedule.core.text import short_date
from jupyter_schedule.core.timing.timezones import find_zone

#: of these the log says nothing that anybody has to know
GOOD = frozenset({NotificationEvent.RECOVERY, NotificationEvent.FIRST_SUCCESS})


@dataclass(frozen=True)
class Message:
    """A word as it is sent."""

    #: the same each time it is sent
    id: str
    title: str
    body: str
    good: bool


def build_message(
    word: Notification, run: Run, spec: Spec, log: Sequence[str], tellable: Callable[[str], str]
) -> Message:
    """What a channel gets.

    log: the last lines, of which nothing has to be hidden any more.  tellable: a sentence without what has to be.
    """
    good = word.occasion in GOOD
    parts = [_why(word, run, tellable), _about(run)]
    if log and not good:
        parts.append("\n".join(["The last lines of its log:", *(f"  {line}" for line in log)]))
    parts.append(f"{_address(run, spec)}\nMore: jupyter schedule {'show' if good else 'logs'} {_more(run, good)}")
    parts.append(f"Message {word.message_id}")
    return Message(
        word.message_id, tellable(_title(word, run, spec)), "\n\n".join(part for part in parts if part), good
    )


def build_trial(channel: str, number: str, now: datetime) -> Message:
    """A word to see whether a channel works."""
    text = f"An operator of jupyter-schedule tried the channel “{channel}” at {utc_text(now)}. Nothing happened."
    return Message(number, f"A trial of the channel “{channel}”", f"{text}\n\nMessage {number}", good=True)


def _title(word: Notification, run: Run, spec: Spec) -> str:
    name = f"“{run.schedule}”"
    match word.occasion:
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
            return f"Nothing of {name} was published by {_deadline(word, spec)}"


def _deadline(word: Notification, spec: Spec) -> str:
    """`09:00 on Wed 25 Nov`, as the clocks of the schedule's zone showed it."""
    by = datetime.fromisoformat(word.details["by"])
    try:
        local = by.astimezone(find_zone(spec.timing.timezone))
    except Refused:
        return utc_text(by)
    return f"{local:%H:%M} on {short_date(local)}"


def _why(word: Notification, run: Run, tellable: Callable[[str], str]) -> str:
    # recorded so; but older versions recorded what they were told
    last = tellable(run.message or "")
    match word.occasion:
        case NotificationEvent.AUTO_PAUSE:
            note = f"Because {tellable(word.details.get('note', 'its last runs failed'))}, it runs no more by itself."
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
    return f"Results: {open_storage(spec.publication_base).url(PublicationKeys(run.schedule).data)}"


def _more(run: Run, good: bool) -> str:
    return run.schedule if good else run.id[:8]
