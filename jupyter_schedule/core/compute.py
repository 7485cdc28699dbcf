"""The launchers and sizes that the service offers, and the check that a schedule fits them.

The service announces its launchers and their sizes in the store when it starts, since only it knows its settings.
"""

from datetime import timedelta

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    LOCAL_LAUNCHER,
    ComputeChoice,
    LauncherCatalog,
    LauncherInfo,
    ScheduleOptions,
    Spec,
)
from jupyter_schedule.core.text import quoted
from jupyter_schedule.core.timing import recurrence

#: between two runs, where they cost nothing and where each starts a machine that costs money
SHORTEST = timedelta(minutes=1)
SHORTEST_PAID = timedelta(minutes=15)


def check(spec: Spec, offers: LauncherCatalog) -> None:
    """The schedule can run where it says, and no more often than is allowed there.

    Raises Refused `no_such_launcher`, `no_such_size`, `no_data_role`, `no_such_data_role`, `too_often`, `no_price`.
    """
    launcher = offers.launcher(spec.launcher)
    if launcher is None:
        offered = " or ".join(offered.name for offered in offers.launchers)
        choose = f"Choose {offered}." if offered else "It has none at all: ask whoever runs it."
        message = f"The scheduler has no launcher {quoted(spec.launcher)}. {choose}"
        raise Refused("no_such_launcher", message, "launcher")
    if spec.size is not None and offers.size(launcher.name, spec.size) is None:
        raise no_such_size(spec.size, launcher, offers)
    if spec.data_role is not None and spec.data_role not in launcher.data_roles:
        raise _no_such_data_role(spec.data_role, launcher)
    least, text = (SHORTEST_PAID, "15 minutes") if launcher.paid else (SHORTEST, "a minute")
    shortest = recurrence.shortest_interval(spec.timing)
    if shortest is not None and shortest < least:
        raise Refused("too_often", f"Runs at least {text} apart, please.", "cron")
    if launcher.paid and spec.policies.monthly_cap is not None:
        size = offers.size(launcher.name, spec.size)
        if size is None or size.hourly is None:
            raise _no_price(size.name if size else launcher.name)


def choices(offers: LauncherCatalog) -> tuple[ComputeChoice, ...]:
    """Everything there is to pick, in the operator's order."""
    return tuple(
        ComputeChoice(
            launcher=launcher.name,
            size=size.name if size else None,
            title=size.name if size else ("this computer" if launcher.name == LOCAL_LAUNCHER else launcher.name),
            hardware=size.hardware if size else "",
            paid=launcher.paid,
            hourly=size.hourly if size else None,
            data_roles=launcher.data_roles,
        )
        for launcher in offers.launchers
        for size in launcher.sizes or (None,)
    )


def left_behind(before: ScheduleOptions, launcher: str) -> dict[str, None]:
    """The choices that end when a schedule goes to `launcher`, unless made anew: its size and its role for data."""
    return {} if launcher == before.launcher else {"size": None, "data_role": None}


def worker_text(spec: Spec) -> str:
    """The place of the runs, as a part of a sentence; empty when that is where the scheduler is."""
    if spec.launcher == LOCAL_LAUNCHER:
        return ""
    return f"on a fresh {spec.size} machine" if spec.size else "on a fresh machine"


def _no_price(where: str) -> Refused:
    message = (
        f"A monthly cap can't be counted on {quoted(where)}, as nobody knows what it costs. Leave the cap out, or have "
        "an operator run `python -m scheduler_service prices --refresh` and restart the service."
    )
    return Refused("no_price", message, "monthly_cap")


def _no_such_data_role(name: str, launcher: LauncherInfo) -> Refused:
    if launcher.name == LOCAL_LAUNCHER:
        message = "Here a run may do what you may: leave the data role out, or choose another launcher."
        return Refused("no_data_role", message, "data_role")
    if not launcher.data_roles:
        message = f"The launcher {launcher.name} has no data roles: leave it out, or ask the operator for one."
        return Refused("no_such_data_role", message, "data_role")
    known = ", ".join(launcher.data_roles)
    return Refused("no_such_data_role", f"There is no data role {quoted(name)}. Choose one of {known}.", "data_role")


def no_such_size(name: str, launcher: LauncherInfo, offers: LauncherCatalog) -> Refused:
    """The refusal that names the sizes there are."""
    sizes = ", ".join(size.name for size in launcher.sizes)
    if sizes:
        message = f"No machine of the size {quoted(name)} is offered. Choose one of {sizes}."
        return Refused("no_such_size", message, "size")
    elsewhere = [other.name for other in offers.launchers if other.sizes]
    hint = f", or choose the launcher {' or '.join(elsewhere)}" if elsewhere else ""
    return Refused("no_such_size", f"The launcher {launcher.name} has no sizes: leave the size out{hint}.", "size")
