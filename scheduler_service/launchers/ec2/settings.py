"""What an operator says of the account: where machines start, what they may do, and which sizes there are."""

from pydantic import BaseModel, ConfigDict, Field

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
    #: GiB
    disk: int = Field(default=30, ge=8, le=16384)
    architecture: str = Field(default="amd64", pattern="^(amd64|arm64)$")
    image: str = UBUNTU_LTS

    @property
    def image_id(self) -> str:
        """The image, or the public parameter that names it."""
        return self.image.format(architecture=self.architecture)


class Ec2Settings(Setting):
    """The part `[ec2]` of the service's settings."""

    region: str
    #: tried in this order; together they are the zones in which machines may start
    subnets: tuple[str, ...] = Field(min_length=1)
    security_groups: tuple[str, ...] = Field(min_length=1)
    #: name of the instance profile whose role workers have, …
    instance_profile: str
    #: … and that role's unique id, `AROA…`: with the machine's id it is what a worker's part of the work area is called
    role_id: str
    sizes: dict[str, Size] = Field(min_length=1)
    #: machines that may live at once
    max_machines: int = Field(default=20, ge=1)
    #: where the API is, for an endpoint of one's own
    endpoint: str | None = None

    @property
    def default_size(self) -> str:
        """The size of a schedule that names none: the first."""
        return next(iter(self.sizes))
