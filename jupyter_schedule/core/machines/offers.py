"""Where a schedule's runs can take place: what the service said that it has, and whether a schedule fits it.

The service announces its launchers and their sizes in the store when it starts, since only it knows its settings.
"""

from datetime import timedelta
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Model, Spec, Terms
from jupyter_schedule.core.text import quoted
from jupyter_schedule.core.timing import recurrence
from jupyter_schedule.core.timing.run_queue import Room

LOCAL = "local"
#: between two runs, where they cost nothing and where each starts a machine that costs money
SHORTEST = timedelta(minutes=1)
SHORTEST_PAID = timedelta(minutes=15)


class Offer(BaseModel):
    """A frozen value; keys that a newer service announces are left aside."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class OfferedSize(Offer):
    """A kind of machine, by the name that the operator gave it."""

    name: str
    #: for people, such as `2 cores, 8 GB`
    hardware: str
    #: dollars that an hour of it costs at most; None where no price is known
    hourly: Decimal | None = Field(default=None, ge=0)


class OfferedAdHoc(Offer):
    """Who may have ad-hoc workers, how many, and for how long."""

    #: live ones of one owner at once
    per_owner: int = 1
    #: that one lives at most
    hours: int = 24
    #: None is everybody
    owners: tuple[str, ...] | None = None


class OfferedLauncher(Offer):
    """A launcher; the first of its sizes is that of a schedule which names none."""

    name: str
    #: whether each run costs money
    paid: bool = False
    sizes: tuple[OfferedSize, ...] = ()
    #: None where there are no ad-hoc workers
    ad_hoc: OfferedAdHoc | None = None
    #: the roles for data that its runs may have, by their names
    data_roles: tuple[str, ...] = ()


class Offers(Offer):
    """All that a service can start workers with."""

    launchers: tuple[OfferedLauncher, ...] = (OfferedLauncher(name=LOCAL),)
    #: how many of them may be at work at once
    room: Room = Room()

    def launcher(self, name: str) -> OfferedLauncher | None:
        """The launcher of that name; None when it isn't offered."""
        return next((launcher for launcher in self.launchers if launcher.name == name), None)

    def size(self, launcher: str, name: str | None) -> OfferedSize | None:
        """The size of that name, or the one for schedules that name none; None when there is none."""
        found = self.launcher(launcher)
        sizes = found.sizes if found else ()
        return next((size for size in sizes if name in {None, size.name}), None)

    def is_paid(self, launcher: str) -> bool:
        """Whether the runs of that launcher cost money."""
        found = self.launcher(launcher)
        return found is not None and found.paid


class WorkerChoice(Model):
    """One thing that a person can pick under “Where it runs”."""

    launcher: str
    size: str | None = None
    #: the name that people read, and what is behind it
    title: str
    hardware: str = ""
    paid: bool = False
    #: dollars that an hour of it costs at most
    hourly: Decimal | None = None
    #: the roles for data that a run there may have
    data_roles: tuple[str, ...] = ()


#: of a service that never said anything: the embedded one, before its first start
EMBEDDED = Offers()


def check(spec: Spec, offers: Offers) -> None:
    """The schedule can run where it says, and no more often than is allowed there.

    Raises Refused `no_such_launcher`, `no_such_size`, `no_data_role`, `no_such_data_role`, `too_often`.
    """
    launcher = offers.launcher(spec.launcher)
    if launcher is None:
        offered = " or ".join(offered.name for offered in offers.launchers)
        message = f"The scheduler has no launcher {quoted(spec.launcher)}. Choose {offered}."
        raise Refused("no_such_launcher", message, "launcher")
    if spec.size is not None and offers.size(launcher.name, spec.size) is None:
        raise no_such_size(spec.size, launcher, offers)
    if spec.data_role is not None and spec.data_role not in launcher.data_roles:
        raise _no_such_data_role(spec.data_role, launcher)
    least, text = (SHORTEST_PAID, "15 minutes") if launcher.paid else (SHORTEST, "a minute")
    shortest = recurrence.shortest_interval(spec.timing)
    if shortest is not None and shortest < least:
        raise Refused("too_often", f"Runs at least {text} apart, please.", "cron")


def choices(offers: Offers) -> tuple[WorkerChoice, ...]:
    """Everything there is to pick, in the operator's order."""
    return tuple(
        WorkerChoice(
            launcher=launcher.name,
            size=size.name if size else None,
            title=size.name if size else ("this computer" if launcher.name == LOCAL else launcher.name),
            hardware=size.hardware if size else "",
            paid=launcher.paid,
            hourly=size.hourly if size else None,
            data_roles=launcher.data_roles,
        )
        for launcher in offers.launchers
        for size in launcher.sizes or (None,)
    )


def left_behind(before: Terms, launcher: str) -> dict[str, None]:
    """What a schedule that goes to `launcher` has no more, unless that is said anew: its size and its role for data."""
    return {} if launcher == before.launcher else {"size": None, "data_role": None}


def worker_text(spec: Spec) -> str:
    """Where runs take place, as a part of a sentence; empty when that is where the scheduler is."""
    if spec.launcher == LOCAL:
        return ""
    return f"on a fresh {spec.size} machine" if spec.size else "on a fresh machine"


def _no_such_data_role(name: str, launcher: OfferedLauncher) -> Refused:
    if launcher.name == LOCAL:
        message = "Here a run may do what you may: leave the data role out, or choose another launcher."
        return Refused("no_data_role", message, "data_role")
    if not launcher.data_roles:
        message = f"The launcher {launcher.name} has no data roles: leave it out, or ask the operator for one."
        return Refused("no_such_data_role", message, "data_role")
    known = ", ".join(launcher.data_roles)
    return Refused("no_such_data_role", f"There is no data role {quoted(name)}. Choose one of {known}.", "data_role")


def no_such_size(name: str, launcher: OfferedLauncher, offers: Offers) -> Refused:
    """The refusal that names the sizes there are."""
    sizes = ", ".join(size.name for size in launcher.sizes)
    if sizes:
        message = f"No machine of the size {quoted(name)} is offered. Choose one of {sizes}."
        return Refused("no_such_size", message, "size")
    elsewhere = [other.name for other in offers.launchers if other.sizes]
    hint = f", or choose the launcher {' or '.join(elsewhere)}" if elsewhere else ""
    return Refused("no_such_size", f"The launcher {launcher.name} has no sizes: leave the size out{hint}.", "size")
