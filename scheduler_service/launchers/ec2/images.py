"""The images that machines start from, as EC2 shows them: which device is an image's root.

A launch that names another device than the root makes a second, empty disk that is paid for, and leaves the root as
small as the image has it.  Canonical's images have `/dev/sda1`, those of Debian and of Amazon Linux `/dev/xvda`.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from scheduler_service.launchers.ec2.settings import UBUNTU_LTS, Size
from scheduler_service.logfmt import logfmt

log = logging.getLogger(__name__)

FROM_SSM = "resolve:ssm:"
#: of Canonical's images
ROOT_DEVICE = "/dev/sda1"
#: EC2's words for the architectures of the settings
ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}


@dataclass(frozen=True)
class Image:
    """An image as EC2 describes it."""

    id: str
    root: str
    architecture: str
    #: GiB that its root needs; 0 where that isn't told
    size: int


class ImageMissing(LookupError):  # noqa: N818  (names the fact)
    """There is no such image, or no such parameter; the argument says which."""


def find_image(size: Size, ec2: Any, make_ssm: Callable[[], Any]) -> Image:
    """The image that machines of that size start from, in the region of the clients.

    Raises ImageMissing, and what boto3 raises.
    """
    image = size.image_id
    if image.startswith(FROM_SSM):
        name = image.removeprefix(FROM_SSM)
        found = make_ssm().get_parameters(Names=[name])["Parameters"]
        if not found:
            raise ImageMissing("SSM has no such parameter there.")
        image = found[0]["Value"]
    described = ec2.describe_images(ImageIds=[image])["Images"]
    if not described:
        raise ImageMissing(f"EC2 shows no image {image} there.")
    return _image(described[0])


def _image(described: Mapping[str, Any]) -> Image:
    root = described.get("RootDeviceName") or ROOT_DEVICE
    disks = {each.get("DeviceName"): each.get("Ebs", {}) for each in described.get("BlockDeviceMappings", ())}
    return Image(
        id=described["ImageId"],
        root=root,
        architecture=described.get("Architecture") or "",
        size=disks.get(root, {}).get("VolumeSize") or 0,
    )


class RootDevices:
    """The root devices of the images of sizes, each looked up once in each region."""

    def __init__(self, clients: Mapping[str, Any], make_ssm: Callable[[str], Any] | None = None) -> None:
        """clients: of EC2, by region.  make_ssm: a client of Amazon's parameters in a region."""
        self._clients = clients
        self._make_ssm = make_ssm
        self._known: dict[tuple[str, str], str] = {}

    def of(self, size: Size, region: str) -> str:
        """The device; Canonical's where this may not be asked.  Raises OSError while EC2 doesn't answer."""
        if size.root_device is not None:
            return size.root_device
        if size.image == UBUNTU_LTS or (self._make_ssm is None and size.image_id.startswith(FROM_SSM)):
            return ROOT_DEVICE
        key = region, size.image_id
        if key not in self._known:
            self._known[key] = self._look_up(size, region)
        return self._known[key]

    def _look_up(self, size: Size, region: str) -> str:
        make_ssm = self._make_ssm
        try:
            return find_image(size, self._clients[region], lambda: make_ssm and make_ssm(region)).root
        except BotoCoreError as problem:
            raise OSError(f"EC2 doesn't say what the image {size.image_id} is made of: {problem}") from None
        except (ClientError, ImageMissing) as problem:
            # the launch itself will say what is wrong with the image
            log.warning(logfmt("root_device_unknown", region=region, image=size.image_id, message=problem))
            return ROOT_DEVICE
