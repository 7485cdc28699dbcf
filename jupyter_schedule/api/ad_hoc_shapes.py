"""Ad-hoc workers on the wire, and in a terminal's JSON."""

from decimal import Decimal

from jupyter_schedule.api.responses import Shape
from jupyter_schedule.core.models import AdHocStatus, AdHocWorker, UtcTime


class AdHocLaunch(Shape):
    """What is asked for; what is left out is the first that there is, and the longest that is allowed."""

    launcher: str | None = None
    size: str | None = None
    hours: int | None = None
    #: an OpenSSH public key that it lets in
    ssh_key: str | None = None


class AdHocExtension(Shape):
    """Hours from now; None is as many as are allowed."""

    hours: int | None = None


class AdHocShape(Shape):
    """A machine to develop on."""

    worker_id: str
    owner: str
    launcher: str
    size: str
    hardware: str
    #: dollars for an hour; None where no price is known
    hourly: Decimal | None
    status: AdHocStatus
    #: why it ended, or what it waits for
    message: str | None
    created_at: UtcTime
    #: when it ends by itself
    ends_at: UtcTime
    #: as its launcher calls it
    instance: str | None
    address: str | None
    #: commands that get into it; empty while it isn't ready
    connect: tuple[str, ...]
    #: who asked for its end
    stopped_by: str | None
    ended_at: UtcTime | None
    #: how long its machine lived, and what it cost in dollars
    machine_seconds: int | None
    cost: Decimal | None


def ad_hoc_shape(worker: AdHocWorker) -> AdHocShape:
    """The worker as it is told: what was asked of its launcher stays in the ledger."""
    same = worker.model_dump(include=set(AdHocShape.model_fields))
    return AdHocShape(worker_id=worker.id, ends_at=worker.deadline, connect=worker.connect, **same)
