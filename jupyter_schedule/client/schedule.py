"""`schedule(...)`: what the form does, as a function, and the handle that it answers with."""

import html
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Literal, get_args

from pydantic import TypeAdapter

from jupyter_schedule.api.requests import Form, Frequency
from jupyter_schedule.api.responses import RunDetails, RunResponse, ScheduleResponse
from jupyter_schedule.api.validation import validated
from jupyter_schedule.client.client import Client, connect, own_notebook, relative_to_root
from jupyter_schedule.client.discovery import inside_run
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import utc_text
from jupyter_schedule.core.operations import names

FORM = TypeAdapter(Form)
Kind = Literal["daily", "weekdays", "weekly", "monthly", "hourly", "once", "cron"]
_KINDS: dict[str, Kind] = {
    **{kind: kind for kind in get_args(Kind)},
    "day": "daily",
    "weekday": "weekdays",
    "week": "weekly",
    "month": "monthly",
    "hour": "hourly",
}
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_CRON = re.compile(r"\s*\S+(\s+\S+){4}\s*")
#: what the form does in words, so that people see it where the notebook runs by itself
IN_RUN = "This is a run of a schedule, so nothing is scheduled here."


def frequency(
    every: str | Sequence[str] = "day",
    at: str = "12:00",
    timezone: str = "UTC",
    *,
    day_of_month: int | str = 1,
    date: str = "",
) -> Frequency:
    """The frequency that a person's words mean.

    every: `day`, `weekday`, `week`, `month`, `hour` (also `daily` and so on), `once`, a day of the week or several,
        or a cron expression.
    at: a time of day such as `12:00` or `6 pm`; of `hour` the minute.
    day_of_month: 1 to 31, `L` for the last day, or `first Monday`.  date: `YYYY-MM-DD`, of `once`.
    Raises Refused `bad_frequency`; the values are checked where the schedule is made.
    """
    if not isinstance(every, str):
        return Frequency(kind="weekly", at=at, days=tuple(_weekday(day) for day in every), timezone=timezone)
    word = every.strip().lower()
    if _CRON.fullmatch(every):
        return Frequency(kind="cron", cron=every.strip(), timezone=timezone)
    if word not in _KINDS:
        return Frequency(kind="weekly", at=at, days=(_weekday(every),), timezone=timezone)
    kind = _KINDS[word]
    days = ("Mon",) if kind == "weekly" else ()
    return Frequency(kind=kind, at=at, days=days, day_of_month=str(day_of_month), date=date, timezone=timezone)


def schedule(
    notebook: str | os.PathLike[str] | None = None,
    *,
    name: str | None = None,
    every: str | Sequence[str] = "day",
    at: str = "12:00",
    timezone: str = "UTC",
    day_of_month: int | str = 1,
    date: str = "",
    parameters: Mapping[str, Any] | None = None,
    run_now: bool = True,
    replace: bool = False,
    public_confirmed: bool = False,
    client: Client | None = None,
    **options: Any,
) -> "ScheduleHandle":
    """Schedule a notebook as it is saved, daily at noon UTC unless told otherwise, and run it once now.

    notebook: a path from where the code runs; None is the notebook that calls.
    name: None makes one from the notebook's.
    every, at, timezone, day_of_month, date: as of `frequency`.
    parameters: values by name; a name left out keeps the notebook's value.
    replace: a schedule that has the name already gets these settings and the files as they are now.
    public_confirmed: you checked what will be public; needed with `visibility="public"`.
    client: whom to ask, as from `connect`; None finds the server that started this kernel.
    options: the form's other fields: files, output_dir, timeout_minutes, visibility, publish_report, hide_code,
        previous, env, environment, kernel, overlap, catch_up, policies, notify, launcher, size.
    Raises Refused.  In a run of a schedule it does nothing, so that a notebook may schedule itself.
    """
    if inside_run():
        return InsideRun()
    when = frequency(every, at, timezone, day_of_month=day_of_month, date=date)
    client = client or connect()
    path = own_notebook(client) if notebook is None else relative_to_root(client, notebook)
    own_name = name if name is not None else names.suggest(PurePosixPath(path).stem)
    form = validated(
        {**options, "notebook": path, "name": own_name, "frequency": when, "parameters": parameters or {}}, FORM
    )
    existing = _find(client, form.name) if replace else None
    if existing is None:
        seen = client.preview(form)
        made = client.create(form, bundle=seen.bundle, run_now=run_now, public_confirmed=public_confirmed)
        return ScheduleHandle(made, client, [finding.message for finding in seen.findings if finding.level != "ok"])
    changes = form.model_dump(mode="json", exclude={"name"})
    changed = client.edit(
        form.name, changes, if_version=existing.version, rebundle=True, public_confirmed=public_confirmed
    )
    if run_now:
        client.run_now(changed.name)
    return ScheduleHandle(changed, client)


def _find(client: Client, name: str) -> ScheduleResponse | None:
    """The schedule of this name; None when there is none."""
    try:
        return client.schedule(name)
    except Refused as refused:
        if refused.code != "no_such_schedule":
            raise
        return None


def _weekday(word: str) -> str:
    """`Mon` of `monday`, in any case and from three letters on."""
    found = next((day for day in _WEEKDAYS if word.strip().lower().startswith(day.lower())), None)
    if found is None:
        message = f"“{word}” isn't a frequency: write day, weekday, week, month, hour, once, Monday, or `0 6 * * 1-5`."
        raise Refused("bad_frequency", message, "frequency")
    return found


class ScheduleHandle:
    """A schedule, to look at and to act on."""

    def __init__(self, shape: ScheduleResponse, client: Client, warnings: Sequence[str] = ()) -> None:
        #: as it was when it was last asked for
        self.shape = shape
        #: sentences: what may go wrong, seen when it was made
        self.warnings = tuple(warnings)
        self._client = client

    @property
    def name(self) -> str:
        """Its name."""
        return self.shape.name

    def refresh(self) -> "ScheduleHandle":
        """Ask for it again."""
        self.shape = self._client.schedule(self.name)
        return self

    def runs(self) -> list[RunResponse]:
        """Its runs, the newest first."""
        return self._client.runs(self.name)

    def newest(self) -> RunResponse | None:
        """The run that came into the ledger last, None when there is none."""
        return max(self.runs(), key=lambda run: (run.created_at, run.scheduled_for), default=None)

    def run_now(self) -> RunResponse:
        """Run it once now, apart from the clock."""
        return self._client.run_now(self.name)

    def wait(self, timeout: float | None = None) -> RunDetails | None:
        """Its newest run when that has ended, None when there is none; `timeout` in seconds."""
        newest = self.newest()
        return self._client.wait(newest.run_id, timeout=timeout) if newest else None

    def pause(self) -> "ScheduleHandle":
        """Keep it from running by the clock."""
        self.shape = self._client.pause(self.name)
        return self

    def resume(self) -> "ScheduleHandle":
        """Let it run by the clock again."""
        self.shape = self._client.resume(self.name)
        return self

    def delete(self) -> None:
        """Remove it; its published results stay."""
        self._client.delete(self.name)

    def __repr__(self) -> str:
        return f"<ScheduleHandle {self.name}: {self.shape.summary}>"

    def _repr_html_(self) -> str:
        shape = self.shape
        lines = [f"<strong>{html.escape(shape.name)}</strong>", html.escape(shape.summary)]
        if shape.last_runs:
            lines.append(html.escape(_last(shape.last_runs[0])))
        lines += [f"! {html.escape(warning)}" for warning in self.warnings]
        if shape.publication_url:
            lines.append("Results: " + _link(shape.publication_url))
        return "<div>" + "<br>".join(lines) + "</div>"


class InsideRun(ScheduleHandle):
    """The schedule's stand-in inside one of its own runs: nothing is asked of anybody."""

    def __init__(self) -> None:
        """Nothing is known here."""

    @property
    def name(self) -> str:
        """None of its own."""
        return ""

    def refresh(self) -> "ScheduleHandle":
        """Nothing changes."""
        return self

    pause = resume = refresh

    def runs(self) -> list[RunResponse]:
        """None."""
        return []

    def run_now(self) -> RunResponse:
        """Refused: runs don't start runs of themselves."""
        raise Refused("inside_run", IN_RUN)

    def delete(self) -> None:
        """Nothing is removed."""

    def __repr__(self) -> str:
        return IN_RUN

    def _repr_html_(self) -> str:
        return f"<div>{IN_RUN}</div>"


def _last(run: RunResponse) -> str:
    told = run.message or f"is {run.status.value.replace('_', ' ')}."
    return f"Last run, due {utc_text(run.scheduled_for)}: {told}"


def _link(address: str) -> str:
    """A link where a browser would follow it, else the address."""
    shown = html.escape(address)
    return f'<a href="{shown}">{shown}</a>' if address.startswith(("http://", "https://")) else f"<code>{shown}</code>"
