"""A schedule in one sentence, the same in every door: what will happen, when next, until when, and where it goes."""

from datetime import datetime, tzinfo
from itertools import islice

from jupyter_schedule.core.compute import worker_text
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    LOCAL_OWNER,
    Pause,
    Schedule,
    ScheduleState,
    Spec,
    Timing,
    UnreadableSpec,
    Visibility,
    utc_text,
)
from jupyter_schedule.core.storage.factory import parse_address
from jupyter_schedule.core.text import duration_text, short_date
from jupyter_schedule.core.timing.describe import describe_timing
from jupyter_schedule.core.timing.planning import coming, last_instant, next_coming
from jupyter_schedule.core.timing.recurrence import Occurrence


def summary(publication: str, spec: Spec, now: datetime, reader: tzinfo | None = None) -> str:
    """`Runs every day at 12:00 UTC, next Tue 24 Nov 13:00 your time; stops after 2 h; publishes privately to …`.

    publication: where its results are in their area.  reader: the zone in which the person reads; None is this
    machine's.
    """
    times = f"{_next(spec, now, reader, 'next')}{_until(spec, reader)}"
    where = f" {worker_text(spec)}".rstrip()
    return f"Runs {describe_recorded(spec.timing, now)}{where}{times}; {_limits(publication, spec)}"


def schedule_summary(schedule: Schedule, now: datetime, reader: tzinfo | None = None) -> str:
    """The sentence of a recorded schedule: a paused or ended one begins with that."""
    spec = schedule.spec
    if isinstance(spec, UnreadableSpec):
        return spec.sentence
    match schedule.state:
        case ScheduleState.PAUSED:
            pause = schedule.paused or Pause(by=schedule.changed_by, at=schedule.changed_at)
            since = short_date(pause.at.astimezone(reader))
            who = {LOCAL_OWNER: "you", "scheduler": "the scheduler"}.get(pause.by, pause.by)
            why = f" ({pause.note})" if pause.note else ""
            then = _next(spec, now, reader, "would next run")
            return f"Paused by {who} since {since}{why}{then}; {_limits(schedule.name, spec)}"
        case ScheduleState.REHEARSING:
            then = _next(spec, now, reader, "would next run")
            return f"Waiting for a first successful run{then}; {_limits(schedule.name, spec)}"
        case ScheduleState.ENDED:
            told = describe_recorded(spec.timing, now)
            return f"Ran {told}, and has ended; {destination(schedule.publication_name, spec)}."
        case _:
            return summary(schedule.publication_name, spec, now, reader)


def describe_recorded(timing: Timing, now: datetime) -> str:
    """The rhythm of a recorded timing, in words; as it is written when its zone is gone since."""
    try:
        return describe_timing(timing, now)
    except Refused:
        return f"`{timing.cron or utc_text(timing.once or now)}` in {timing.timezone}"


def upcoming(schedule: Schedule, now: datetime, count: int) -> list[Occurrence]:
    """The next occurrences that will become runs; none when its zone is gone since."""
    if schedule.state is not ScheduleState.ACTIVE:
        return []
    try:
        return list(islice(coming(schedule.spec, now), count))
    except Refused:
        return []


def viewer_time(moment: datetime, reader: tzinfo | None = None) -> str:
    """`Tue 24 Nov 13:00 your time`; at UTC, `Tue 24 Nov 12:00 UTC`."""
    local = moment.astimezone(reader)
    zone = " your time" if local.utcoffset() else " UTC"
    return f"{short_date(local)} {local:%H:%M}{zone}"


def _next(spec: Spec, now: datetime, reader: tzinfo | None, word: str) -> str:
    try:
        found = next_coming(spec, now)
    except Refused as refusal:
        return f"; its times can't be told: {refusal.message.rstrip('.')}"
    return f", {word} {viewer_time(found.instant, reader)}" if found else ""


def _until(spec: Spec, reader: tzinfo | None) -> str:
    last = last_instant(spec)
    if last is None:
        return ""
    return f", {'last' if last == spec.last_due else 'not after'} {viewer_time(last, reader)}"


def _limits(publication: str, spec: Spec) -> str:
    where = destination(publication, spec)
    return f"stops after {duration_text(60 * spec.timeout)}; {where}. {spec.notify.unheard}".rstrip()


def destination(publication: str, spec: Spec) -> str:
    """The place that the results go to: `keeps results in the folder published/daily`."""
    place = parse_address(spec.publication_base).url(f"{publication}/")
    match spec.visibility:
        case Visibility.NONE:
            return "keeps results with each run, unpublished"
        case Visibility.PUBLIC:
            return f"publishes to everyone on the internet at {place}"
        case Visibility.PRIVATE if place.startswith("file://"):
            return f"keeps results in the folder {_folder(spec)}/{publication}"
        case Visibility.PRIVATE:
            return f"publishes privately to {place}"


def _folder(spec: Spec) -> str:
    """The last part of the publication base: the name people know it by."""
    return spec.publication_base.rstrip("/").rpartition("/")[2]
