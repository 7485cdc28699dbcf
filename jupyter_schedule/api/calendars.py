"""A schedule's days as the panel asks for them, and the backfill of some."""

from datetime import date, timedelta

from jupyter_schedule.api.presenter import Presenter
from jupyter_schedule.api.requests import BackfillSchedule
from jupyter_schedule.api.responses import BackfillResponse, CalendarResponse, DayResponse
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import RunStatus, Schedule
from jupyter_schedule.core.operations import backfill as backfills
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.timing import calendar
from jupyter_schedule.core.timing.timezones import find_zone

MONTH = timedelta(days=30)


def backfill(operations: Operations, name: str, asked: BackfillSchedule) -> BackfillResponse:
    """Carry out what was asked, or only plan it."""
    start, end = asked.start, asked.end
    if asked.first_day is not None and asked.last_day is not None:
        zone = operations.schedules.get(name).spec.timing.timezone
        start, end = calendar.bounds(zone, asked.first_day, asked.last_day)
    if start is None or end is None:
        raise Refused("invalid", "Say either from which time to which, or from which day to which.", "start")
    if asked.dry_run:
        plan = operations.backfill.plan(name, start, end, again=asked.again, parallel=asked.parallel)
    else:
        confirmed = asked.confirmed
        plan = operations.backfill.start(
            name, start, end, again=asked.again, parallel=asked.parallel, confirmed=confirmed
        )
    return BackfillResponse(
        runs=len(plan.runs),
        succeeded=plan.succeeded,
        waiting=plan.waiting,
        first=plan.runs[0].scheduled_for if plan.runs else None,
        last=plan.runs[-1].scheduled_for if plan.runs else None,
        confirm=backfills.needs_confirmation(plan.runs),
    )


def calendar_of(answers: Presenter, schedule: Schedule, first: str, last: str) -> CalendarResponse:
    """The schedule's days from `first` to `last`, each `YYYY-MM-DD`; without them those of the month up to today.

    Raises Refused `invalid`, and as `calendar.check_days`.
    """
    timezone = schedule.spec.timing.timezone
    today = answers.now.astimezone(find_zone(timezone)).date()
    until = _day("last", last) if last else today
    since = _day("first", first) if first else until - min(MONTH, until - date.min)
    calendar.check_days(since, until)
    store = answers.operations.store
    known = backfills.rows(store, schedule, *calendar.bounds(timezone, since, until), reaching=True)
    versions = store.schedules.list_versions(schedule.id)
    progress = store.runs.backfill_progress(schedule.id)
    waiting = progress.get(RunStatus.DUE, 0)
    return CalendarResponse(
        timezone=timezone,
        today=today,
        days=tuple(
            DayResponse(
                day=day.day,
                state=day.state,
                counts=dict(day.counts),
                data_start=day.data_start,
                data_end=day.data_end,
                run_id=day.run_id,
            )
            for day in calendar.days(schedule, since, until, known, answers.now, versions=versions)
        ),
        waiting=waiting,
        going=sum(count for status, count in progress.items() if not status.terminal) - waiting,
        asked=sum(progress.values()),
    )


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused("invalid", f"{name} should be a day, such as 2026-10-01.", name) from None
