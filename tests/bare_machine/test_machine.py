"""The bare machine is as bare, and as much a machine, as the tests on it assume."""

import pytest

from tests.bare_machine.cloud import BareCloud
from tests.bare_machine.image import missing
from tests.engine import eventually
from tests.scheduler_service.launchers.ec2.machines import Region

pytestmark = [pytest.mark.bare_machine, pytest.mark.skipif(missing() is not None, reason=missing() or "")]

LOOK = """#!/bin/bash
exec > /root/said 2>&1
curl -s -m 5 -o /dev/null -w 'without a token: %{http_code}\\n' http://169.254.169.254/latest/user-data
token=$(curl -s -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
curl -s -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/meta-data/instance-id; echo
python3 -c 'import scheduler_service' 2>&1 | tail -1
python3 -c 'import boto3' 2>&1 | tail -1
systemctl poweroff
"""


def launch(cloud: BareCloud, user_data: str, number: int = 1) -> str:
    attempt = Region().attempt(number, user_data=user_data)
    instance_id: str = cloud.run_instances(**attempt.parameters["launch"])["Instances"][0]["InstanceId"]
    return instance_id


def test_a_machine_executes_its_user_data_once_and_ends_as_terminated(cloud: BareCloud) -> None:
    instance_id = launch(cloud, LOOK)
    cloud.machines[instance_id].wait(120)
    assert cloud.machines[instance_id].read("/root/said").splitlines() == [
        "without a token: 401",
        instance_id,
        "ModuleNotFoundError: No module named 'scheduler_service'",
        "ModuleNotFoundError: No module named 'boto3'",
    ]


@pytest.mark.proof("machines")
def test_a_machine_without_power_is_off_with_everything_on_it(cloud: BareCloud) -> None:
    instance_id = launch(cloud, "#!/bin/bash\ntouch /root/on\nsetsid sleep 3601 &\nsleep 3601\n")
    machine = cloud.machines[instance_id]
    eventually((machine.folder / "upper/root/on").exists, what="the boot")
    cloud.terminate_instances([instance_id])
    assert cloud.living == []
