"""The places where runs can go, as the service announced them, and the machines that people ask for to develop on.

The service publishes its launchers and their sizes in the store when it starts, since only it knows its settings.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from jupyter_schedule.core.models.base import Model, UtcTime

LOCAL_LAUNCHER = "local"


class ConcurrencyLimits(BaseModel):
    """The most runs that may go at once, as an operator set it; None and a launcher not named have no limit."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: whose workers are on the service's own machine, on each machine
    total: int = 4
    per_owner: int | None = None
    per_launcher: dict[str, int] = Field(default_factory=dict)


class CatalogEntry(BaseModel):
    """A frozen value; keys that a newer service announces are left aside."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class MachineSize(CatalogEntry):
    """A kind of machine, by the name that the operator gave it."""

    name: str
    #: for people, such as `2 cores, 8 GB`
    hardware: str
    #: dollars that an hour of it costs at most; None where no price is known
    hourly: Decimal | None = Field(default=None, ge=0)


class AdHocAllowance(CatalogEntry):
    """The people who may have ad-hoc workers, with the most that each may have and the longest that one may live."""

    #: live ones of one owner at once
    per_owner: int = 1
    #: that one lives at most
    hours: int = 24
    #: None is everybody
    owners: tuple[str, ...] | None = None


class LauncherInfo(CatalogEntry):
    """A launcher; the first of its sizes is that of a schedule which names none."""

    name: str
    #: each run costs money
    paid: bool = False
    sizes: tuple[MachineSize, ...] = ()
    #: None where there are no ad-hoc workers
    ad_hoc: AdHocAllowance | None = None
    #: the roles for data that its runs may have, by their names
    data_roles: tuple[str, ...] = ()


class LauncherCatalog(CatalogEntry):
    """All that a service can start workers with."""

    launchers: tuple[LauncherInfo, ...] = (LauncherInfo(name=LOCAL_LAUNCHER),)
    #: the most of them that may be at work at once
    room: ConcurrencyLimits = ConcurrencyLimits()

    def launcher(self, name: str) -> LauncherInfo | None:
        """The launcher of that name; None when it isn't offered."""
        return next((launcher for launcher in self.launchers if launcher.name == name), None)

    def size(self, launcher: str, name: str | None) -> MachineSize | None:
        """The size of that name, or the one for schedules that name none; None when there is none."""
        found = self.launcher(launcher)
        sizes = found.sizes if found else ()
        return next((size for size in sizes if name in {None, size.name}), None)

    def is_paid(self, launcher: str) -> bool:
        """True if the runs of that launcher cost money."""
        found = self.launcher(launcher)
        return found is not None and found.paid


#: of a service that never said anything: the embedded one, before its first start
EMBEDDED_CATALOG = LauncherCatalog()


class ComputeChoice(Model):
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


class AdHocStatus(StrEnum):
    """The stage that an ad-hoc worker has reached.  Operations insert `asked`; only the service moves it on."""

    ASKED = "asked"
    LAUNCHING = "launching"
    READY = "ready"
    #: somebody asked for its end
    STOPPED = "stopped"
    #: its time was over, or it was ended from elsewhere
    ENDED = "ended"
    #: there never was one to work on
    FAILED = "failed"

    @property
    def live(self) -> bool:
        """True if there may be a machine."""
        return self in LIVE_AD_HOC_STATUSES


LIVE_AD_HOC_STATUSES = (AdHocStatus.ASKED, AdHocStatus.LAUNCHING, AdHocStatus.READY)
#: those that have a machine, or are about to
MACHINE_AD_HOC_STATUSES = (AdHocStatus.LAUNCHING, AdHocStatus.READY)


class AdHocWorker(Model):
    """A machine for developing: who asked for it, where it is, and until when."""

    id: str
    owner: str
    launcher: str
    size: str
    #: for people, such as `2 cores, 8 GB`
    hardware: str = ""
    #: dollars for an hour of it; before its launch the most that it can be, None where no price is known
    hourly: Decimal | None = None
    #: whom it lets in by SSH: a public key; None for nobody
    ssh_key: str | None = None
    status: AdHocStatus = AdHocStatus.ASKED
    #: one sentence for a person
    message: str | None = None
    created_at: UtcTime
    #: the time at which it ends; an extension moves it
    deadline: UtcTime
    #: the number, from 0, of the way to get a machine of its size that is being tried
    turn: int = 0
    #: the order to the launcher, frozen before it is asked, and the way to reach the machine
    parameters: dict[str, Any] | None = None
    #: the machine, as the launcher calls it; None until it answered
    instance: str | None = None
    address: str | None = None
    launched_at: UtcTime | None = None
    #: the person who asked for its end, None when nobody did
    stopped_by: str | None = None
    ended_at: UtcTime | None = None
    #: the machine's life, and the dollars that it cost
    machine_seconds: int | None = None
    cost: Decimal | None = None
    #: grows with every change: who changes what it read earlier changes nothing
    revision: int = 0

    @property
    def connect(self) -> tuple[str, ...]:
        """The commands that get into it, the shortest way first; empty while it can't be reached."""
        if self.status is not AdHocStatus.READY or self.parameters is None:
            return ()
        session = f"aws ssm start-session --region {self.parameters['region']} --target {self.instance}"
        if self.ssh_key is None or self.address is None:
            return (session,)
        return (f"ssh {self.parameters['login_user']}@{self.address}", session)
