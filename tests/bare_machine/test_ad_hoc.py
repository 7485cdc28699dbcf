"""An ad-hoc worker on a real machine: it lets its owner in, hears of an extension, and ends without a service."""

from datetime import timedelta

import pytest

from jupyter_schedule.core import clock
from jupyter_schedule.core.models import AdHocStatus, utc
from scheduler_service.launchers.ec2.ad_hoc import Ec2AdHoc
from scheduler_service.launchers.ec2.machines import RegionMachines
from scheduler_service.launchers.ec2.prices import load_prices
from scheduler_service.launchers.ec2.settings import AdHocSettings
from tests.bare_machine.cloud import BareCloud
from tests.bare_machine.image import missing
from tests.engine import eventually
from tests.factories import make_ad_hoc
from tests.scheduler_service.launchers.ec2.machines import SETTINGS

pytestmark = [
    pytest.mark.bare_machine,
    pytest.mark.proof("machines"),
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB"
FIRST, MORE = timedelta(seconds=60), timedelta(seconds=30)


def test_it_lets_its_owner_in_and_ends_at_its_extended_deadline_although_nobody_ends_it(cloud: BareCloud) -> None:
    allowed = AdHocSettings(security_groups=("sg-ssh",), instance_profile="ad-hoc", login_user="debian")
    settings = SETTINGS.model_copy(update={"ad_hoc": allowed})
    host = Ec2AdHoc({"eu-west-1": RegionMachines(cloud, "d1")}, settings, now=clock.now, prices=load_prices())
    worker = make_ad_hoc(ssh_key=KEY, deadline=utc(clock.now()) + FIRST)
    planned = host.plan(worker, 0)
    assert planned is not None
    launching = worker.model_copy(update={"status": AdHocStatus.LAUNCHING, "parameters": planned.parameters})
    instance = host.launch(launching)
    assert instance is not None
    machine = cloud.machines[instance]
    keys = machine.folder / "upper/home/debian/.ssh/authorized_keys"
    eventually(lambda: keys.exists() and keys.read_text() == f"{KEY}\n" and keys.stat().st_uid != 0, what="the key")
    assert keys.stat().st_mode & 0o777 == 0o600

    extended = launching.model_copy(update={"instance": instance, "deadline": worker.deadline + MORE})
    host.extend(extended)
    machine.wait(400)
    over = cloud.instances[instance]
    eventually(lambda: over.ended_at is not None, what="its end")
    assert over.ended_at is not None
    assert over.ended_at >= extended.deadline
    assert over.reason == "Client.InstanceInitiatedShutdown"
