"""The launcher of EC2 as an operator's settings describe it."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import botocore.session
from boto3.session import Session
from botocore.config import Config
from botocore.loaders import create_loader

from jupyter_schedule.core.storage.factory import S3Address, S3Storage
from scheduler_service.launchers.ec2.images import RootDevices
from scheduler_service.launchers.ec2.launcher import Ec2Launcher
from scheduler_service.launchers.ec2.machines import RegionMachines
from scheduler_service.launchers.ec2.prices import load_prices
from scheduler_service.launchers.ec2.settings import Ec2Settings
from scheduler_service.launchers.ec2.work_storage import WorkStorage
from scheduler_service.launchers.plugins import LauncherContext, LauncherPlugin

#: reads the descriptions of Amazon's services, megabytes of JSON, once for all clients
_DESCRIPTIONS = create_loader()


def open_ec2(
    settings: Ec2Settings, work_storage: str, secret: bytes, now: Callable[[], datetime], folder: Path | None = None
) -> Ec2Launcher:
    """A launcher that works for the deployment with this secret.

    work_storage: an address on S3.  folder: where a newer table of prices may be.
    """
    area = WorkStorage(S3Storage(S3Address.parse(work_storage)))
    regions = open_regions(settings, secret)
    roots = RootDevices({name: each.ec2 for name, each in regions.items()}, partial(make_client, settings, "ssm"))
    return Ec2Launcher(regions, settings, work_storage=area, now=now, prices=load_prices(folder), roots=roots)


def _open(settings: Ec2Settings, context: LauncherContext) -> Ec2Launcher:
    return open_ec2(settings, context.work_storage, context.secret, context.now, context.folder)


#: what it needs of the account is looked at by `scheduler_service.admin`, which has more to do with it
PLUGIN = LauncherPlugin(Ec2Settings, _open)


def open_regions(settings: Ec2Settings, secret: bytes) -> dict[str, RegionMachines]:
    """The machines of the deployment with this secret, which a tag tells from all others, in each region."""
    name = derive_deployment(secret)
    return {region: RegionMachines(make_client(settings, "ec2", region), name) for region in settings.regions}


def derive_deployment(secret: bytes) -> str:
    """Derive the value of the tag that a deployment's machines carry."""
    return hashlib.sha256(b"deployment" + secret).hexdigest()[:16]


def make_client(settings: Ec2Settings, service: str, region: str) -> Any:
    """Make a client of one of Amazon's services in that region.

    boto3 slows down by itself where the account's API limits are reached, in each region for itself.
    """
    config = Config(retries={"mode": "adaptive", "total_max_attempts": 5}, connect_timeout=5, read_timeout=30)
    session = botocore.session.get_session()
    session.register_component("data_loader", _DESCRIPTIONS)
    return Session(botocore_session=session).client(
        service, region_name=region, endpoint_url=settings.endpoint, config=config
    )
