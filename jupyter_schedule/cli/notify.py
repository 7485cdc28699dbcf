"""The options that say who is told of what happens to a schedule, and how that is told back."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from pydantic import ValidationError

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import NotificationEvent, Notify
from jupyter_schedule.core.text import listed, quoted

_OPTIONS = (
    click.option("--notify", "channels", metavar="CHANNEL", multiple=True, help="Tell this channel of the operator's."),
    click.option(
        "--notify-on",
        "occasions",
        type=click.Choice([occasion.value for occasion in NotificationEvent]),
        multiple=True,
        help="Of this alone; without it of all but a first success.",
    ),
    click.option("--silence-by", metavar="HH:MM", help="Tell when nothing was published by that time of a day."),
)


def notify_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options, and its function the changes of `notify` that they mean, as `told`."""

    @wraps(function)
    def with_told(
        *, channels: tuple[str, ...], occasions: tuple[str, ...], silence_by: str | None, **others: Any
    ) -> Any:
        given = {"channels": channels or None, "on": occasions or None, "silence_by": silence_by}
        return function(told={name: value for name, value in given.items() if value is not None}, **others)

    for option in reversed(_OPTIONS):
        with_told = option(with_told)
    return with_told


def notified(before: Notify, told: dict[str, Any]) -> Notify:
    """What is told from now on; `none` as the only channel or as the time takes it back.  Raises Refused `bad_time`."""
    none = {"channels": ("none",), "silence_by": "none"}
    cleared = {"channels": (), "silence_by": None}
    changes = {name: cleared[name] if none.get(name) == value else value for name, value in told.items()}
    try:
        return Notify.model_validate(before.model_dump() | changes)
    except ValidationError:
        message = f"Write the time as a time of day such as 09:00; {quoted(told['silence_by'])} isn't."
        raise Refused("bad_time", message, "silence_by") from None


def notify_sentence(notify: Notify) -> str | None:
    """`ops and team, of failure and silence after 09:00`; None when nobody is told of anything."""
    silence = [] if notify.silence_by is None else [f"silence after {notify.silence_by}"]
    if not notify.channels:
        return f"JupyterLab alone, of {silence[0]}" if silence else None
    others = [each.replace("_", " ") for each in notify.on if each != NotificationEvent.SILENCE]
    told = [*others, *(silence if NotificationEvent.SILENCE in notify.on else [])]
    return f"{listed(notify.channels)}, of {listed(told)}"
