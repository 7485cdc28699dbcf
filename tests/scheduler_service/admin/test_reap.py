"""`python -m scheduler_service reap`: what goes and why, what waits, and whose machines are never touched."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from jupyter_schedule.core.models import Attempt, Outcome
from jupyter_schedule.core.store.factory import open_store
from scheduler_service.admin.reap import ReapLine, end_orphans
from scheduler_service.launchers.ec2.client import open_regions
from scheduler_service.launchers.ec2.launch_plan import DEPLOYMENT_TAG
from scheduler_service.launchers.ec2.machines import RegionMachines
from scheduler_service.settings import load_settings
from tests.doubles.ec2 import Ec2Double, client_error
from tests.engine import PATIENCE
from tests.s3_servers import S3Server, variables
from tests.scheduler_service.launchers.ec2.machines import Region


@pytest.fixture
def region() -> Region:
    return Region()


def told(
    region: Region, *attempts: Attempt, dry_run: bool = False, us_east: RegionMachines | None = None
) -> list[ReapLine]:
    known = {(attempt.run_id, attempt.number): attempt for attempt in attempts}
    regions = {"eu-west-1": region.machines} | ({"us-east-1": us_east} if us_east else {})
    return list(end_orphans(regions, lambda run, number: known.get((run, number)), region.now(), dry_run=dry_run))


def test_a_dry_run_says_what_would_go_and_why_and_ends_nothing(region: Region) -> None:
    working = region.launched(region.attempt(1))
    over = region.launched(region.attempt(2)).model_copy(update={"ended_at": region.now(), "outcome": Outcome.LOST})
    region.launched(region.attempt(3))
    region.seconds = 16 * 60
    lines = [each.text for each in told(region, working, over, dry_run=True)]
    assert lines == [
        "would go eu-west-1  i-00000000000000001  of no schedule, since 2026-11-23T12:00:00Z: nobody needs it any more",
        "would go eu-west-1  i-00000000000000002  of no schedule, since 2026-11-23T12:00:00Z: "
        "no ledger of this deployment knows it",
        "stays    eu-west-1  i-00000000000000000  of no schedule, since 2026-11-23T12:00:00Z: "
        "at work until 2026-11-23T14:00:00Z at the latest",
        "3 machines of this deployment in eu-west-1; 2 to end.",
    ]
    assert len(region.ec2.living) == 3
    told(region, working, over)
    assert [instance.id for instance in region.ec2.living] == ["i-00000000000000000"]


def test_an_unknown_machine_waits_in_quarantine_for_15_minutes(region: Region) -> None:
    region.launched(region.attempt())
    region.seconds = 14 * 60
    assert "in quarantine until 2026-11-23T12:15:00Z" in told(region)[0].text
    assert len(region.ec2.living) == 1
    region.seconds = 15 * 60
    assert told(region)[0].text.startswith("ended ")
    assert region.ec2.living == []


def test_every_region_is_looked_at_although_one_does_not_answer(region: Region) -> None:
    other = Region()
    other.launched(other.attempt())
    region.seconds = other.seconds = 3 * 3600
    region.ec2.faults_before.append(client_error("UnauthorizedOperation", "You may not", 403))
    lines = told(region, us_east=other.machines)
    assert lines[0] == ReapLine(
        "eu-west-1: its machines can't be seen. EC2 refused a permission (UnauthorizedOperation): You may not.",
        wrong=True,
        region="eu-west-1",
    )
    assert lines[1].text.startswith("ended    us-east-1")
    assert other.ec2.living == []


def test_of_a_region_that_does_not_answer_no_number_of_machines_is_told(region: Region) -> None:
    region.ec2.faults_before.append(EndpointConnectionError(endpoint_url="https://ec2"))
    [away, last] = told(region, dry_run=True)
    assert (away.wrong, last.text) == (True, "No region could be looked at, so machines may be there all the same.")
    other = Region()
    region.ec2.faults_before.append(EndpointConnectionError(endpoint_url="https://ec2"))
    [away, last] = told(region, dry_run=True, us_east=other.machines)
    assert last.text == "0 machines of this deployment in us-east-1; 0 to end. eu-west-1 couldn't be looked at."


def test_a_machine_that_cannot_be_ended_is_said_and_the_others_are(region: Region) -> None:
    region.launched(region.attempt(1))
    region.launched(region.attempt(2))
    region.seconds = 3 * 3600
    region.machines.look()
    calls = iter([client_error("UnauthorizedOperation", status=403)])

    class Refusing(Ec2Double):
        def terminate_instances(self, InstanceIds: list[str]) -> dict[str, object]:  # noqa: N803
            for problem in calls:
                raise problem
            return super().terminate_instances(InstanceIds)

    region.ec2.__class__ = Refusing
    lines = told(region)
    assert [each.wrong for each in lines] == [True, False, False]
    assert len(region.ec2.living) == 1


def test_a_clock_that_is_20_minutes_wrong_is_named(region: Region) -> None:
    problem = client_error("AuthFailure", "credentials", 401)
    problem.response["ResponseMetadata"]["HTTPHeaders"] = {"date": "Mon, 23 Nov 2026 12:20:00 GMT"}
    region.ec2.faults_before.append(problem)
    assert "clock is 1200 s behind (AuthFailure): set it by NTP" in told(region)[0].text


# -- as a command, on the wire

SETTINGS = """
folder = "{folder}"
[storage]
work = "s3://work-bucket?endpoint={endpoint}"
[ec2]
region = "us-east-1"
endpoint = "{endpoint}"
subnets = ["subnet-1"]
security_groups = ["sg-1"]
instance_profile = "worker"
role_id = "AROAWORKER"
elsewhere.eu-west-1 = {{subnets = ["subnet-2"], security_groups = ["sg-2"]}}
[ec2.sizes.small]
instance_types = ["t3.medium"]
hardware = "2 cores, 4 GB"
"""


def launch(server: S3Server, region: str, count: int, **tags: str) -> None:
    # a thousand take moto long, and a request that is sent again makes two thousand
    config = Config(read_timeout=PATIENCE, retries={"total_max_attempts": 1})
    ec2 = boto3.client("ec2", region_name=region, endpoint_url=server.endpoint, config=config)
    image = ec2.register_image(Name=uuid4().hex)["ImageId"]
    tagged = [{"Key": key, "Value": value} for key, value in tags.items()]
    specifications = [{"ResourceType": "instance", "Tags": tagged}]
    ec2.run_instances(ImageId=image, MinCount=count, MaxCount=count, TagSpecifications=specifications)


def alive(server: S3Server, region: str) -> int:
    ec2 = boto3.client("ec2", region_name=region, endpoint_url=server.endpoint)
    running = [{"Name": "instance-state-name", "Values": ["running"]}]
    pages = ec2.get_paginator("describe_instances").paginate(Filters=running)
    return sum(len(reservation["Instances"]) for page in pages for reservation in page["Reservations"])


@pytest.mark.parametrize("others", [20, pytest.param(1000, marks=pytest.mark.proof("machines"))])
def test_the_command_ends_ours_in_every_region_and_leaves_however_many_of_others(
    moto: S3Server, tmp_path: Path, others: int
) -> None:
    own = SETTINGS.replace("work-bucket", moto.bucket(f"reaped-{others}"))
    (tmp_path / "service.toml").write_text(own.format(folder=tmp_path, endpoint=moto.endpoint))
    settings = load_settings(tmp_path / "service.toml")
    assert settings.ec2
    open_store(settings.places.store).close()
    store = open_store(settings.places.store)
    deployment = open_regions(settings.ec2, store.secret())["us-east-1"].deployment
    store.close()
    past = {"jupyter-schedule:deadline": "2026-01-01T00:00:00Z"}
    before = {region: alive(moto, region) for region in ("us-east-1", "eu-west-1")}
    launch(moto, "us-east-1", others, Name="theirs", **past)
    launch(moto, "us-east-1", 2, **{DEPLOYMENT_TAG: "another"}, **past)
    for region in before:
        launch(moto, region, 1, **{DEPLOYMENT_TAG: deployment}, **past)

    def run(*options: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "scheduler_service", "reap", "--folder", str(tmp_path), *options]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    dry = run("--dry-run")
    assert (dry.returncode, dry.stdout.count("would go")) == (0, 2), dry.stdout + dry.stderr
    planned = json.loads(run("--dry-run", "--json").stdout)
    assert sorted((each["region"], each["action"]) for each in planned if each["machine"]) == [
        ("eu-west-1", "would_end"),
        ("us-east-1", "would_end"),
    ]
    assert run().stdout.count("ended ") == 2
    assert {region: alive(moto, region) - count for region, count in before.items()} == {
        "us-east-1": others + 2,
        "eu-west-1": 0,
    }


def test_without_a_ledger_nothing_is_made_or_ended(tmp_path: Path) -> None:
    (tmp_path / "service.toml").write_text(SETTINGS.format(folder=tmp_path, endpoint="http://127.0.0.1:1"))
    command = [sys.executable, "-m", "scheduler_service", "reap", "--folder", str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (
        2,
        f"Error: There is no ledger in {tmp_path}: name the service's own with --folder.\n",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["service.toml"]


def test_without_credentials_or_a_cloud_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, region: Region
) -> None:
    for name in variables():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    (tmp_path / "service.toml").write_text(SETTINGS.format(folder=tmp_path, endpoint="http://127.0.0.1:1"))
    settings = load_settings(tmp_path / "service.toml")
    assert settings.ec2
    [here, *_] = end_orphans(
        open_regions(settings.ec2, b"secret"), lambda *_: None, region.now() + timedelta(), dry_run=True
    )
    assert "There are no AWS credentials" in here.text
