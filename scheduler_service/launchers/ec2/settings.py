"""The account as an operator describes it: where machines start, what they may do, and which sizes there are."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from jupyter_schedule.core.ad_hoc_workers import MOST_HOURS
from jupyter_schedule.core.config import Count
from jupyter_schedule.core.models import AdHocAllowance
from scheduler_service.launchers.plugins import LauncherSettings

#: Canonical's own parameter for the newest Ubuntu LTS image; EC2 resolves it when the machine is launched
UBUNTU_LTS = "resolve:ssm:/aws/service/canonical/ubuntu/server/24.04/stable/current/{architecture}/hvm/ebs-gp3/ami-id"


class Setting(BaseModel):
    """A frozen part of the settings; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Size(Setting):
    """A kind of machine under the name that an analyst picks, such as `small`."""

    #: tried in this order when one has no capacity
    instance_types: tuple[str, ...] = Field(min_length=1)
    #: what an analyst reads beside the name, such as `2 cores, 8 GB`
    hardware: str
    #: begin with spare capacity, which EC2 may take back, and go on to paid-for machines when there is none
    spot: bool = False
    #: the size of a machine's disk in GiB
    disk: int = Field(default=30, ge=8, le=16384, strict=True)
    #: as its instance types have it
    architecture: Literal["amd64", "arm64"] = "amd64"
    #: an image's id, or the SSM parameter that names one in each region
    image: str = UBUNTU_LTS
    #: the device of the image's root; without it EC2 is asked
    root_device: str | None = Field(default=None, pattern="^/dev/[a-z0-9]+$")

    @property
    def image_id(self) -> str:
        """The image, or the public parameter that names it."""
        return self.image.format(architecture=self.architecture)


class Region(Setting):
    """The part of a region in which machines start."""

    #: tried in this order; together they are the zones in which machines may start
    subnets: tuple[str, ...] = Field(min_length=1)
    #: of machines that run analyses: the way out is all they need
    security_groups: tuple[str, ...] = Field(min_length=1)
    #: true where machines there get a public IPv4 address, which is paid for by the hour
    public_ipv4: bool = True
    #: the ARN of the region's key of KMS that machines' disks are encrypted with; without it the account's default
    disk_key: str | None = Field(default=None, pattern="^arn:[a-z-]+:kms:")


class AdHocSettings(Setting):
    """The part `[ec2.ad_hoc]`: without it nobody gets a machine to develop on."""

    #: in the first region; they let SSH in from where people are, or nothing
    security_groups: tuple[str, ...] = Field(min_length=1)
    #: name of the instance profile whose role lets Session Manager in, and may nothing else
    instance_profile: str
    #: whom the image lets in
    login_user: str = Field(default="ubuntu", pattern="^[a-z_][a-z0-9_-]{0,31}$")
    #: who may have one; without it everybody
    owners: tuple[str, ...] | None = None
    #: live ones of one owner at once
    max_per_owner: Count = 1
    #: that one lives at most, and after an extension from then on
    max_hours: int = Field(default=MOST_HOURS, ge=1, le=MOST_HOURS, strict=True)

    @property
    def allowance(self) -> AdHocAllowance:
        """The allowance that people are told of."""
        return AdHocAllowance(per_owner=self.max_per_owner, hours=self.max_hours, owners=self.owners)


class Ec2Settings(Region, LauncherSettings):
    """The part `[ec2]` of the service's settings."""

    #: the first region, such as `eu-central-1`
    region: str
    #: further regions by their names, tried in this order when those before have no capacity
    elsewhere: dict[str, Region] = Field(default_factory=dict)
    #: what machines are tagged with besides, so that a policy of the account can tell deployments apart
    stack: str | None = Field(default=None, pattern="^[A-Za-z0-9_.:/=+@-]{1,128}$")
    #: name of the instance profile whose role workers have
    instance_profile: str
    #: the unique id of that role, `AROA…`: with the machine's id it names a worker's part of the work storage
    role_id: str
    sizes: dict[str, Size] = Field(min_length=1)
    #: roles that analyses may ask for, by a name: their ARNs, which the workers' role may assume
    data_roles: dict[str, str] = Field(default_factory=dict)
    #: machines that may live at once
    max_machines: Count = 20
    #: hours that the machines of all runs may live in a month of UTC
    max_machine_hours: Count | None = None
    #: hours that the machines of one owner's runs may live in a month of UTC
    max_machine_hours_per_owner: Count | None = None
    #: machines to develop on
    ad_hoc: AdHocSettings | None = None
    #: where the API is, for an endpoint of one's own
    endpoint: str | None = None

    @property
    def most_runs(self) -> int:
        """As many as machines: a run has one at a time."""
        return self.max_machines

    def check_work_storage(self, address: str | None) -> None:
        if not (address or "").startswith("s3:"):
            raise ValueError("machines on EC2 need a work area that they reach: set storage.work to s3://bucket/prefix")

    @property
    def default_size(self) -> str:
        """The size of a schedule that names none: the first."""
        return next(iter(self.sizes))

    @property
    def regions(self) -> dict[str, Region]:
        """Every region in which there may be machines, in the order in which they are tried."""
        return {self.region: self} | self.elsewhere

    @property
    def for_ad_hoc(self) -> Self:
        """The settings of ad-hoc workers: the first region, a role and a network of their own, never spot."""
        if self.ad_hoc is None:
            return self
        return self.model_copy(
            update={
                "elsewhere": {},
                "security_groups": self.ad_hoc.security_groups,
                "instance_profile": self.ad_hoc.instance_profile,
                "sizes": {name: size.model_copy(update={"spot": False}) for name, size in self.sizes.items()},
            }
        )

    @model_validator(mode="after")
    def _images_are_where_machines_are(self) -> Self:
        bound = [name for name, size in self.sizes.items() if size.image.startswith("ami-")]
        if self.elsewhere and bound:
            raise ValueError(f"the image of size {bound[0]} is in one region only: name it by an SSM parameter")
        return self
