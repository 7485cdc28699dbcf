"""The launcher of EC2 as an operator's settings describe it."""

import hashlib
from collections.abc import Callable
from datetime import datetime

from boto3.session import Session
from botocore.config import Config

from jupyter_schedule.core.objects import S3Address, S3Objects
from scheduler_service.launchers.ec2.launcher import Ec2Launcher
from scheduler_service.launchers.ec2.machines import Machines
from scheduler_service.launchers.ec2.settings import Ec2Settings
from scheduler_service.launchers.ec2.work_area import WorkArea


def open_ec2(settings: Ec2Settings, work_area: str, secret: bytes, now: Callable[[], datetime]) -> Ec2Launcher:
    """A launcher that works for the deployment with this secret, whose machines a tag tells from all others.

    work_area: an address on S3.  boto3 slows down by itself where the account's API limits are reached.
    """
    config = Config(retries={"mode": "adaptive", "total_max_attempts": 5}, connect_timeout=5, read_timeout=30)
    ec2 = Session().client("ec2", region_name=settings.region, endpoint_url=settings.endpoint, config=config)
    deployment = hashlib.sha256(b"deployment" + secret).hexdigest()[:16]
    area = WorkArea(S3Objects(S3Address.parse(work_area)))
    return Ec2Launcher(ec2, Machines(ec2, deployment), settings, work_area=area, now=now)
