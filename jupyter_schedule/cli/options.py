"""The options that say what a schedule does, declared once for `create`, `edit` and `clone`, and the form they mean.

Every option is None, or empty, where it wasn't given; what was given becomes a merge patch of the API's form.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import click

from jupyter_schedule.api.requests import Form
from jupyter_schedule.cli.output import REFUSED, echo
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import CatchUp, EnvironmentSource, NotificationEvent, Overlap, utc_text
from jupyter_schedule.core.text import listed, quoted
from jupyter_schedule.core.timing import builders
from jupyter_schedule.core.timing.timezones import find_zone

NOON = "12:00"
#: takes back what was set
NONE = "none"
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
_MINUTE = re.compile(r":?([0-5]?[0-9])")


class DollarsParameter(click.ParamType[Decimal]):
    """An amount of money such as 20 or 12.50."""

    name = "dollars"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        text = str(value).removeprefix("$")
        if not re.fullmatch(r"\d{1,7}(\.\d{1,2})?", text) or not 0 < Decimal(text) <= 1_000_000:
            self.fail("write dollars such as 20 or 12.50", param, ctx)
        return Decimal(text)


class OrNone(click.ParamType[Any]):
    """A value of another type, or `none`."""

    def __init__(self, kind: click.ParamType[Any]) -> None:
        self.kind = kind
        self.name = kind.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return NONE if value == NONE else self.kind.convert(value, param, ctx)


def _choice(kind: type[Overlap | CatchUp | EnvironmentSource | NotificationEvent]) -> click.Choice[str]:
    return click.Choice([member.value for member in kind])


def _between(least: int, most: int) -> OrNone:
    return OrNone(click.IntRange(least, most))


TIMING_OPTIONS = (
    click.option("--daily", is_flag=True, default=None, help="Every day; the default."),
    click.option("--weekdays", is_flag=True, default=None, help="Monday to Friday."),
    click.option("--weekly", metavar="DAY", multiple=True, help="On a day of the week: mon; or on several: mon,thu."),
    click.option(
        "--monthly",
        metavar="DAY",
        help="On a day of every month that has it: 15, last, first monday.",
    ),
    click.option("--hourly", is_flag=True, default=None, help="Every hour; --at is its minute."),
    click.option("--cron", metavar="EXPR", help="When a five-field cron expression says: '0 6 * * 1-5'."),
    click.option("--once", metavar="TIME", help="Once: 2026-12-24T06:00, in the zone of --timezone."),
    click.option("--at", metavar="HH:MM", help=f"The time of day; {NOON} without it."),
    click.option("--timezone", metavar="ZONE", help="An IANA zone: Europe/Paris.  [default: UTC]"),
    click.option("--start", metavar="TIME", help="Never due before it: 2026-12-24T06:00, in the zone of --timezone."),
    click.option("--end", metavar="TIME", help="Never due after it."),
)
POLICY_OPTIONS = (
    click.option("--max-runs", type=_between(1, 10_000), metavar="N", help="Due so many times in all."),
    click.option("--retries", type=_between(0, 10), metavar="N", help="Retries when the code fails.  [default: 0]"),
    click.option(
        "--retry-wait",
        type=_between(0, 1440),
        metavar="MINUTES",
        help="Before the first of them; twice as long before each that follows.  [default: 5]",
    ),
    click.option(
        "--start-deadline",
        type=_between(1, 10_080),
        metavar="MINUTES",
        help="Skip a run that can't start so soon after its time.",
    ),
    click.option(
        "--pause-after",
        type=_between(1, 100),
        metavar="N",
        help="Pause it after so many runs by the clock failed in a row.",
    ),
    click.option("--keep-runs", type=_between(1, 10_000), metavar="N", help="Keep the files of so many last runs, …"),
    click.option("--keep-days", type=_between(0, 3650), metavar="N", help="… and of every run for so many days."),
    click.option(
        "--monthly-cap",
        type=OrNone(DollarsParameter()),
        metavar="DOLLARS",
        help="Pause it when its runs of a month have cost so much.",
    ),
    click.option("--overlap", type=_choice(Overlap), help="When one still runs.  [default: queue_one]"),
    click.option("--catch-up", type=_choice(CatchUp), help="After a time off.  [default: latest]"),
)
NOTIFY_OPTIONS = (
    click.option("--notify", metavar="CHANNEL", multiple=True, help="Tell this channel of the operator's."),
    click.option(
        "--notify-on",
        type=click.Choice([*(event.value for event in NotificationEvent), NONE]),
        multiple=True,
        help="Of this alone; without it of all but a first success.",
    ),
    click.option("--silence-by", metavar="HH:MM", help="Tell when nothing was published by that time of a day."),
)
BUNDLE_OPTIONS = (
    click.option("--file", metavar="GLOB", multiple=True, help="More files, relative to the folder you are in."),
    click.option("--param", metavar="K=V", multiple=True, help="A value for the notebook's parameters cell."),
    click.option("--param-json", metavar="JSON", multiple=True, help="""Values by name: '{"n": 1}'."""),
    click.option(
        "--output-dir", metavar="DIR", help="Where results are written, beside the notebook.  [default: output]"
    ),
    click.option("--kernel", metavar="NAME", help="Another kernel than the notebook's."),
    click.option(
        "--environment",
        type=_choice(EnvironmentSource),
        help="Run in the kernel's environment as it is here, or in a fresh one from the pinned requirements.  "
        "[default: kernel]",
    ),
)
RUN_OPTIONS = (
    click.option("--tarball", metavar="FILE", help="A .tar.gz of any code, instead of a notebook."),
    click.option("--command", metavar="COMMAND", help="The tarball's Bash command.  [default: ./run.sh]"),
    click.option(
        "--timeout", type=click.IntRange(1, 1440), metavar="MINUTES", help="Stopped for good after it.  [default: 120]"
    ),
    click.option("--public", "visibility", flag_value="public", help="Everyone can read the results."),
    click.option("--private", "visibility", flag_value="private", help="Only you can; the default."),
    click.option("--no-publish", "visibility", flag_value="none", help="Keep results with each run, publish none."),
    click.option(
        "--publish-report/--no-publish-report", default=None, help="Publish the executed notebook and the log, too."
    ),
    click.option("--hide-code/--no-hide-code", default=None, help="The report's page shows no code."),
    click.option("--previous", metavar="GLOB", multiple=True, help="Published files that a run finds in PREVIOUS_DIR."),
    click.option("--expect", metavar="LINE", multiple=True, help="What the outputs must be: 'day*.csv rows>=100'."),
    click.option("--env", metavar="NAME", multiple=True, help="A variable that a run takes over from the service's."),
    click.option("--launcher", metavar="NAME", help="What runs it, such as ec2.  [default: local]"),
    click.option("--size", metavar="NAME", help="The machine's size, by the operator's name for it, such as large."),
    click.option("--data-role", metavar="NAME", help="A role for data that runs on EC2 have, by the operator's name."),
)
CONFIRM_OPTION = click.option(
    "--confirm-public", is_flag=True, help="I checked what will be public; asked for without it."
)
CONSENT_OPTIONS = (
    CONFIRM_OPTION,
    click.option(
        "--rehearse/--no-rehearse",
        default=None,
        help="Start only when a run has succeeded that replaces nobody's results; the default where runs cost money.",
    ),
)
#: all that can be said of a schedule
SCHEDULE_OPTIONS = (
    *TIMING_OPTIONS,
    *POLICY_OPTIONS,
    *NOTIFY_OPTIONS,
    *BUNDLE_OPTIONS,
    *RUN_OPTIONS,
    *CONSENT_OPTIONS,
)
#: the fields of the form that an option sets, by the option's name; `frequency` and `policies` are made of several
_TEXTS = ("command", "output_dir", "kernel", "launcher", "size", "data_role")
_AS_THEY_ARE = {
    **{name: name for name in ("visibility", "publish_report", "hide_code", "environment", "overlap", "catch_up")},
    "timeout": "timeout_minutes",
}
_LISTS = ("previous", "expect", "env")
_POLICIES = (
    *("max_runs", "retries", "retry_wait", "start_deadline"),
    *("pause_after", "keep_runs", "keep_days", "monthly_cap"),
)
_KINDS = ("daily", "weekdays", "weekly", "monthly", "hourly", "cron", "once")


def with_options(*groups: tuple[Callable[..., Any], ...]) -> Callable[[F], F]:
    """Give a command the options, in this order."""

    def decorate(function: F) -> F:
        for option in reversed([option for group in groups for option in group]):
            function = option(function)
        return function

    return decorate


# -- what they mean


def patch_of(given: Mapping[str, Any], form: Form) -> dict[str, Any]:
    """The merge patch of `form` that the options mean, but for its notebook, tarball and files; `none` takes back.

    given: options by name, as click gives them.  Raises Refused for what has no meaning.
    """
    patch: dict[str, Any] = {name: _or_none(given[name]) for name in _TEXTS if given.get(name) is not None}
    patch |= {name: _items(given[name]) for name in _LISTS if given.get(name)}
    patch |= {field: given[name] for name, field in _AS_THEY_ARE.items() if given.get(name) is not None}
    if frequency := frequency_patch(given, form):
        patch["frequency"] = frequency
    zone = given.get("timezone") or form.frequency.timezone
    if policies := _policies_patch(given, zone):
        patch["policies"] = policies
    if notify := _notify_patch(given):
        patch["notify"] = notify
    if parameters := _parameters_patch(given, form):
        patch["parameters"] = parameters
    return patch


def frequency_patch(given: Mapping[str, Any], form: Form) -> dict[str, Any]:
    """A patch of the form's frequency: one kind at most, with its time of day and its zone.

    Raises Refused `two_frequencies`, `two_times`, `bad_time`.
    """
    named = [name for name in _KINDS if given.get(name)]
    if len(named) > 1:
        raise Refused("two_frequencies", f"Choose one of {listed([f'--{name}' for name in named])}.", "frequency")
    at, zone, before = given.get("at"), given.get("timezone"), form.frequency
    kind = named[0] if named else before.kind
    patch: dict[str, Any] = ({"kind": kind} if named else {}) | ({"timezone": zone} if zone is not None else {})
    if kind == "cron" and at is not None:
        raise Refused("two_times", "The expression says the time of day: leave out --at.", "at")
    if kind == "hourly" and at is not None and not _MINUTE.fullmatch(at):
        raise Refused("bad_time", f"With --hourly, --at is a minute, such as :15; {quoted(at)} isn't.", "at")
    if kind == "once" and named:
        return patch | _once(given["once"], at, zone or before.timezone)
    return patch | (_days(kind, given) if named else {}) | _time_of_day(kind, at, before.kind)


def _time_of_day(kind: str, at: str | None, before: str) -> dict[str, str]:
    """The time of day, where it changes: the minute of an hour isn't one, nor is that a minute."""
    if at is not None:
        return {"at": at}
    if (kind == "hourly") != (before == "hourly"):
        return {"at": ":00" if kind == "hourly" else NOON}
    return {}


def _days(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that belong to one kind of frequency alone."""
    match kind:
        case "weekly":
            return {"days": [day for days in given["weekly"] for day in days.split(",")]}
        case "monthly":
            return {"day_of_month": given["monthly"]}
        case "cron":
            return {"cron": given["cron"]}
    return {}


def _once(text: str, at: str | None, timezone: str) -> dict[str, Any]:
    """A date takes the time of day from --at; a time with an offset is told by the zone's clocks."""
    if at is not None and ":" in text:
        raise Refused("two_times", "--once has its own time of day: leave out --at.", "at")
    instant = moment(text, timezone, "once", at or NOON)
    local = instant.astimezone(find_zone(timezone))
    told = builders.once(local.replace(tzinfo=None), timezone).once
    if told != instant:
        message = f"{quoted(text)} can't be told by {timezone}'s clocks: write it to the minute, with --timezone UTC."
        raise Refused("bad_time", message, "date")
    return {"date": local.date().isoformat(), "at": f"{local:%H:%M}"}


def moment(text: str, timezone: str, field: str, at: str | None = None) -> datetime:
    """The instant that a person wrote; without an offset of its own it is a wall time in `timezone`.

    at: the time of day of a date; None is its beginning.  Raises Refused `bad_time`.
    """
    try:
        written = datetime.combine(date.fromisoformat(text), builders.parse_time_of_day(at or "0:00"))
    except ValueError:
        try:
            written = datetime.fromisoformat(text)
        except ValueError:
            message = f"{quoted(text)} isn't a time: write one such as 2026-12-24T06:00."
            raise Refused("bad_time", message, field) from None
    instant = builders.once(written, timezone).once
    assert instant is not None
    return instant


def _policies_patch(given: Mapping[str, Any], zone: str) -> dict[str, Any]:
    patch: dict[str, Any] = {name: _or_none(given[name]) for name in _POLICIES if given.get(name) is not None}
    if isinstance(patch.get("monthly_cap"), Decimal):
        patch["monthly_cap"] = str(patch["monthly_cap"])
    for name in ("start", "end"):
        if (text := given.get(name)) is not None:
            patch[name] = None if text == NONE else utc_text(moment(text, zone, name))
    return patch


def _notify_patch(given: Mapping[str, Any]) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    if given.get("notify"):
        patch["channels"] = _items(given["notify"])
    if given.get("notify_on"):
        patch["on"] = _items(given["notify_on"]) or None
    if given.get("silence_by") is not None:
        patch["silence_by"] = _or_none(given["silence_by"])
    return patch


def _parameters_patch(given: Mapping[str, Any], form: Form) -> dict[str, Any]:
    """Values by name; `--param none` takes back those that there were."""
    texts, whole = given.get("param", ()), given.get("param_json", ())
    patch: dict[str, Any] = dict.fromkeys(form.parameters) if NONE in texts else {}
    for text in whole:
        patch |= _json_object(text)
    for text in texts:
        if text != NONE:
            name, equals, value = text.partition("=")
            if not equals or not name:
                raise Refused("bad_parameter", f"Write a parameter as NAME=VALUE; {quoted(text)} isn't.", "parameters")
            patch[name] = value
    return patch


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        message = f"""Write --param-json as an object such as '{{"n": 1}}'; {quoted(text)} isn't."""
        raise Refused("bad_parameter", message, "parameters")
    return value


def _or_none(value: T) -> T | None:
    return None if value == NONE else value


def _items(values: tuple[str, ...]) -> list[str]:
    """The values of an option that may be given several times; none of them after `none`."""
    return [] if values == (NONE,) else list(values)


# -- consent


def require_confirmation(change: Callable[[bool], T], *, confirmed: bool) -> T:
    """The result of `change`, which is told by an option or an answer that the person checked what will be public.

    Raises Refused `public_unconfirmed` where nobody is there to ask.
    """
    try:
        return change(confirmed)
    except Refused as refused:
        if refused.code != "public_unconfirmed":
            raise
        if not sys.stdin.isatty():
            raise Refused(refused.code, f"{refused.message} Then add --confirm-public.", refused.field) from None
        echo(refused.message, err=True)
        if not click.confirm("Did you check what will be public?", err=True):
            raise
        return change(True)


def confirm(question: str) -> None:
    """Ask the person at the terminal; who says no has refused."""
    if not click.confirm(question, err=True):
        raise click.exceptions.Exit(REFUSED)
