"""The launcher as settings describe it, on the wire: moto takes what boto3 really sends."""

from datetime import timedelta
from pathlib import Path

import boto3
import pytest

from jupyter_schedule.core import clock
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Attempt
from scheduler_service.launchers.base import WorkerState
from scheduler_service.launchers.ec2.client import open_ec2
from scheduler_service.settings import load_settings
from scheduler_service.worker.task import freeze
from tests.factories import make_attempt, make_run, make_schedule, make_spec, make_task
from tests.s3_servers import S3Server

SETTINGS = """
[storage]
work = "s3://{bucket}/work?region=us-east-1&endpoint={endpoint}"
[ec2]
region = "us-east-1"
endpoint = "{endpoint}"
subnets = ["{subnet}"]
security_groups = ["{group}"]
instance_profile = "opening"
role_id = "AROAWORKER"
[ec2.sizes.small]
instance_types = ["t3.medium"]
hardware = "2 cores, 4 GB"
image = "{image}"
"""


def test_an_attempt_gets_a_machine_by_what_the_settings_say(moto: S3Server, tmp_path: Path) -> None:
    ec2 = boto3.client("ec2", region_name="us-east-1", endpoint_url=moto.endpoint)
    boto3.client("iam", region_name="us-east-1", endpoint_url=moto.endpoint).create_instance_profile(
        InstanceProfileName="opening"
    )
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    image = ec2.register_image(Name="opening")["ImageId"]
    written = SETTINGS.format(bucket=moto.bucket(), endpoint=moto.endpoint, subnet=subnet, group=group, image=image)
    (tmp_path / "service.toml").write_text(written)
    settings = load_settings(tmp_path / "service.toml")
    assert settings.ec2
    assert settings.storage.work
    launcher = open_ec2(settings.ec2, settings.storage.work, b"secret", clock.now)

    run, deadline = make_run(make_schedule()), clock.now() + timedelta(hours=1)
    plan = launcher.plan(run, make_spec(), number=1, token="t" * 40, deadline=deadline)
    attempt: Attempt = make_attempt(
        run, token="t" * 40, parameters=freeze(make_task(run_id=run.id), plan), deadline=deadline
    )
    attempt = attempt.model_copy(update={"handle": launcher.launch(attempt)})
    assert launcher.poll(attempt) is WorkerState.ALIVE
    [machine] = ec2.describe_instances(Filters=[{"Name": "tag:jupyter-schedule:run", "Values": [run.id]}])[
        "Reservations"
    ]
    assert attempt.handle
    assert machine["Instances"][0]["InstanceId"] == attempt.handle["instance"]
    launcher.terminate(attempt)
    assert launcher.poll(attempt) == WorkerState.GONE
    launcher.close()


def test_machines_without_a_work_area_on_s3_are_refused(tmp_path: Path) -> None:
    written = SETTINGS.format(bucket="b-b-b", endpoint="http://x", subnet="s", group="g", image="ami-1")
    (tmp_path / "service.toml").write_text(written.partition("[ec2]")[2].join(["[ec2]", ""]))
    with pytest.raises(Refused, match=r"storage\.work"):
        load_settings(tmp_path / "service.toml")


@pytest.mark.parametrize(
    ("written", "most"), [("", 20), ("[max_per_launcher]\nec2 = 5\n", 5), ("[max_per_launcher]\nec2 = 50\n", 20)]
)
def test_no_more_runs_go_at_once_on_machines_than_there_may_be(tmp_path: Path, written: str, most: int) -> None:
    text = SETTINGS.format(bucket="work", endpoint="http://127.0.0.1:1", subnet="s", group="g", image="ami-1")
    (tmp_path / "service.toml").write_text(text + written)
    assert load_settings(tmp_path / "service.toml").room.per_launcher == {"ec2": most}
