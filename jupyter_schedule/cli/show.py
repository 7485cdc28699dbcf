"""`list`, `runs`, `show` and `next`: is anything wrong, and what comes next."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice, takewhile

import click

from jupyter_schedule.api.requests import Form
from jupyter_schedule.api.responses import OccurrenceResponse, RunResponse, ScheduleDetails, ScheduleResponse
from jupyter_schedule.cli.command import Command, connected, json_option, name_argument, say_unless_ticking
from jupyter_schedule.cli.options import moment
from jupyter_schedule.cli.output import (
    Cell,
    count_text,
    echo,
    echo_json,
    echo_table,
    plain,
    run_state,
    schedule_state,
    when,
)
from jupyter_schedule.cli.server_option import whole_address
from jupyter_schedule.core import clock
from jupyter_schedule.core.costs import dollars
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    ComputeChoice,
    NotificationEvent,
    Notify,
    Policies,
    Reason,
    ScheduleState,
    Timing,
    Visibility,
    utc_text,
)
from jupyter_schedule.core.text import duration_text, listed, ordinal, short_date, size_text
from jupyter_schedule.core.timing import recurrence
from jupyter_schedule.core.timing.describe import describe_timing

_RUN_COLUMNS = ("Run", "Schedule", "Due", "State", "Took", "")
#: how many of the last runs are shown
_MOST = 5
_SECOND = timedelta(seconds=1)


@click.command("list", cls=Command)
@json_option
def list_schedules(as_json: bool) -> None:
    """All schedules, by name."""
    with connected() as client:
        found = list(client.all_schedules())
        if as_json:
            echo_json(found)
            return
        if not found:
            echo("Nothing is scheduled yet. Schedule a notebook:  jupyter schedule create NOTEBOOK")
            return
        now = clock.now()
        echo_table(("Name", "State", "Last run", "When", "Next"), [_schedule_row(each, now) for each in found])
        say_unless_ticking(client, "")


@click.command(cls=Command)
@name_argument(required=False)
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many at most.")
@json_option
def runs(name: str | None, limit: int, as_json: bool) -> None:
    """Runs of the schedule NAME, or of all, the newest first."""
    with connected() as client:
        found = list(islice(client.all_runs(name), limit))
    if as_json:
        echo_json(found)
    elif found:
        echo_runs(found)
    else:
        echo("No runs yet." + (f" Run it now:  jupyter schedule run {name} --wait" if name else ""))


@click.command(cls=Command)
@name_argument()
@json_option
def show(name: str, as_json: bool) -> None:
    """Show what the schedule NAME does, when, how its last runs went, and who changed it."""
    with connected() as client:
        schedule = client.schedule(name)
    if as_json:
        echo_json(schedule)
    else:
        _tell(schedule)


@click.command("next", cls=Command)
@name_argument(required=False)
@click.option("--cron", metavar="EXPR", help="A five-field cron expression instead of a schedule's name.")
@click.option("--timezone", metavar="ZONE", help="The expression's IANA zone: Europe/Paris; UTC without it.")
@click.option("--from", "start", metavar="TIME", help="Those later than this time: 2026-03-28T12:00; now without it.")
@click.option("--count", metavar="N", type=click.IntRange(1, 10_000), default=5, show_default=True, help="How many.")
@json_option
def upcoming(
    *, name: str | None, cron: str | None, timezone: str | None, start: str | None, count: int, as_json: bool
) -> None:
    """List the next times at which the schedule NAME, or an expression, is due."""
    schedule = _schedule(name, cron, timezone)
    if schedule and schedule.state is ScheduleState.BROKEN:
        raise Refused("schedule_broken", schedule.summary)
    timing = schedule.timing if schedule else recurrence.from_cron(cron or "", timezone or "UTC")
    recurrence.check(timing)
    now = clock.now()
    since = moment(start, timing.timezone, "from") if start else now
    coming = _coming(schedule, timing, since, count)
    if as_json:
        echo_json(coming)
        return
    echo(f"Runs {describe_timing(timing, now)}.")
    echo_occurrences(coming, timing.timezone)


# -- what others show too


def echo_occurrences(coming: Sequence[OccurrenceResponse], zone: str) -> None:
    """Print a table of occurrences, each as every clock that matters shows it."""
    if not coming:
        echo("No runs are due.")
        return
    local = [datetime.fromisoformat(occurrence.local) for occurrence in coming]
    clocks = {zone: list(map(_clock, local))}
    yours = [occurrence.scheduled_for.astimezone() for occurrence in coming]
    if any(mine.utcoffset() for mine in yours) and list(map(_clock, yours)) != clocks[zone]:
        clocks["your time"] = list(map(_clock, yours))
    clocks["UTC"] = [_clock(occurrence.scheduled_for) for occurrence in coming]
    notes = [occurrence.note or "" for occurrence in coming]
    if any(notes):
        clocks[""] = notes
    echo_table(list(clocks), list(zip(*clocks.values(), strict=True)))


def echo_runs(found: Iterable[RunResponse]) -> None:
    """Print a table of runs."""
    now = clock.now()
    echo_table(_RUN_COLUMNS, [_run_row(run, now) for run in found], right=(4,))


def results_text(schedule: ScheduleResponse) -> str:
    """The place of a schedule's results: an address, or that they stay with each run."""
    address = schedule.publication_url
    return "kept with each run" if address is None else whole_address(address)


def timing_text(timing: Timing, now: datetime) -> str:
    """The rhythm of a recorded timing, in words; as it is written when its zone is gone since."""
    try:
        return describe_timing(timing, now)
    except Refused:
        return f"`{timing.cron or utc_text(timing.once or now)}` in {timing.timezone}"


def cap_remark(form: Form, choices: Iterable[ComputeChoice]) -> str | None:
    """That a monthly cap has nothing to count where runs cost nothing; None where it has, or there is none."""
    paid = any(each.paid for each in choices if each.launcher == form.launcher)
    if form.policies.monthly_cap is None or paid:
        return None
    return "The monthly cap counts nothing here: runs on this computer cost nothing."


def notify_sentence(notify: Notify) -> str | None:
    """`ops and team, of failure and silence after 09:00`; None when nobody is told of anything."""
    silence = [] if notify.silence_by is None else [f"silence after {notify.silence_by}"]
    if not notify.channels:
        return f"JupyterLab alone, of {silence[0]}" if silence else None
    others = [each.replace("_", " ") for each in notify.on if each != NotificationEvent.SILENCE]
    told = [*others, *(silence if NotificationEvent.SILENCE in notify.on else [])]
    return f"{listed(notify.channels)}, of {listed(told)}"


def kept_text(bounds: Policies) -> str:
    """`files of the last 5 runs, and of every run for 30 days`."""
    if bounds.keep_runs is None and bounds.keep_days is None:
        return "files of runs for as long as the service says"
    last = "of as many last runs as the service says"
    if bounds.keep_runs is not None:
        last = f"of the last {count_text(bounds.keep_runs, 'run')}"
    age = "for as long as the service says"
    if bounds.keep_days is not None:
        age = f"for {count_text(bounds.keep_days, 'day')}"
    return f"files {last}, and of every run {age}"


# -- one schedule


def _tell(schedule: ScheduleDetails) -> None:
    echo(f"{schedule.name}, version {schedule.version}")
    echo(schedule.summary)
    if schedule.state is not ScheduleState.BROKEN:
        _tell_spec(schedule)
    echo("")
    if schedule.last_runs:
        echo("Last runs:")
        echo_runs(schedule.last_runs[:_MOST])
    else:
        echo(f"No runs yet. Run it now:  jupyter schedule run {schedule.name} --wait")
    echo("")
    for version in schedule.versions:
        echo(f"Version {version.version} by {version.author}, {utc_text(version.created_at)}")


def _tell_spec(schedule: ScheduleDetails) -> None:
    """Print what it does and where, with what, and when next."""
    form = schedule.form
    kernel = f" with the kernel {form.kernel}" if form.kernel else ""
    echo(f"Runs:     {schedule.bundled_notebook or form.command}{kernel}")
    echo(f"Where:    {_where(schedule)}")
    size = "missing" if schedule.bundle_size is None else size_text(schedule.bundle_size)
    echo(f"Bundle:   {schedule.bundle[:12]}, {size}")
    for line in form.expect:
        echo(f"Expects:  {line}")
    if told := notify_sentence(form.notify):
        echo(f"Tells:    {told}")
    for lost in schedule.undelivered:
        echo(f"Untold:   {lost.occasion.replace('_', ' ')}: {lost.channel} didn't take it. {plain(lost.trouble)}")
    echo(f"Results:  {results_text(schedule)}")
    for sentence in schedule.still_public:
        echo(f"Public:   {plain(sentence)}")
    echo(f"Keeps:    {kept_text(form.policies)}")
    if schedule.publishing_cost:
        echo(f"Cost:     {schedule.publishing_cost}")
    if machines := _cost(schedule):
        echo(f"Machines: {machines}")
    if schedule.public_confirmed and form.visibility == Visibility.PUBLIC:
        echo(f"Public:   as {schedule.public_confirmed.by} confirmed, {utc_text(schedule.public_confirmed.at)}")
    if schedule.next:
        echo("")
        echo("Next:")
        echo_occurrences(schedule.next, schedule.timing.timezone)


def _where(schedule: ScheduleDetails) -> str:
    """`ec2, large: 8 cores, 32 GB; with the data role weather`."""
    form = schedule.form
    if form.launcher == "local":
        return "this computer"
    named = f"{form.launcher}, {form.size}" if form.size else form.launcher
    role = f"; with the data role {form.data_role}" if form.data_role else ""
    offered = schedule.compute.hardware if schedule.compute else None
    return (f"{named}: {offered}" if offered else f"{named}, which isn't offered any more") + role


def _cost(schedule: ScheduleDetails) -> str:
    """The expected cost of its machines, and their cost this month; empty where they cost nothing."""
    cap = schedule.form.policies.monthly_cap
    so_far = schedule.cost_this_month or Decimal(0)
    said = [schedule.estimate.text] if schedule.estimate else []
    said += [f"So far this month {dollars(so_far)}."] if so_far or cap else []
    if cap:
        choices = [schedule.compute] if schedule.compute else []
        said += [cap_remark(schedule.form, choices) or f"Paused at {dollars(cap)}."]
    return " ".join(said)


# -- rows


def _schedule_row(schedule: ScheduleResponse, now: datetime) -> list[Cell]:
    last = next(iter(schedule.last_runs), None)
    state, colour = run_state(last.status, last.reason) if last else ("", "")
    since = f" {when(last.ended_at or last.scheduled_for, now)}" if last else ""
    return [
        schedule.name,
        schedule_state(schedule.state),
        (state + since, colour),
        "" if schedule.state is ScheduleState.BROKEN else timing_text(schedule.timing, now),
        when(schedule.next_due, now) if schedule.next_due else "",
    ]


def _run_row(run: RunResponse, now: datetime) -> list[Cell]:
    due = when(run.scheduled_for, now)
    if run.until is not None:
        due = f"{due} to {when(run.until, now)}"
    waits = run.held or (f"{ordinal(run.place)} in line" if run.place is not None and run.place > 1 else "")
    message = run.message if run.message and run.reason is not Reason.OK else waits
    took = "" if run.seconds is None else duration_text(run.seconds)
    return [run.run_id[:8], run.schedule, due, run_state(run.status, run.reason), took, message]


# -- occurrences


def _schedule(name: str | None, cron: str | None, timezone: str | None) -> ScheduleDetails | None:
    """The schedule that is meant; None when it is an expression."""
    if cron is not None and name is None:
        return None
    if name is None or cron is not None:
        raise Refused("nothing_to_tell", "Give the name of a schedule, or --cron EXPR with --timezone ZONE.")
    if timezone is not None:
        raise Refused("two_timezones", f"“{name}” has its own zone: leave out --timezone.", "timezone")
    with connected() as client:
        return client.schedule(name)


def _coming(schedule: ScheduleDetails | None, timing: Timing, since: datetime, count: int) -> list[OccurrenceResponse]:
    """The occurrences that every client shows: none while it is paused, before its start or after its end."""
    last = None
    if schedule is not None:
        if schedule.state is not ScheduleState.ACTIVE:
            return []
        bounds = schedule.form.policies
        last = min((limit for limit in (bounds.end, schedule.last_due) if limit is not None), default=None)
        since = max(since, bounds.start - _SECOND) if bounds.start else since
    found = takewhile(lambda each: last is None or each.instant <= last, recurrence.after(timing, since))
    return [
        OccurrenceResponse(
            scheduled_for=occurrence.instant,
            local=occurrence.local.isoformat(timespec="seconds"),
            note=occurrence.note,
        )
        for occurrence in islice(found, count)
    ]


def _clock(local: datetime) -> str:
    return f"{short_date(local)} {local.year} {local:%H:%M}"
