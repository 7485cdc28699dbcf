"""The launcher of EC2, on a double that is as strict as EC2's documents."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from jupyter_schedule.core.models import Reason
from scheduler_service.launchers.base import LaunchRefused, NoCapacity, WorkerState
from scheduler_service.launchers.ec2.launcher import Ec2Launcher
from scheduler_service.launchers.ec2.settings import Ec2Settings
from scheduler_service.worker.task import OtherTaskVersion
from tests.doubles.ec2 import client_error, lost_answer
from tests.factories import make_run, make_schedule, make_spec, make_task
from tests.scheduler_service.launchers.ec2.machines import SETTINGS, START, FakeWorkStorage, Region


@pytest.fixture
def region() -> Region:
    return Region()


def test_people_choose_among_the_sizes_of_the_settings(region: Region) -> None:
    offered = region.launcher.describe("ec2")
    assert (offered.name, offered.paid) == ("ec2", True)
    assert [(size.name, size.hardware) for size in offered.sizes] == [
        ("small", "2 cores, 4 GB"),
        ("cheap", "2 cores, 4 GB"),
    ]


def test_an_attempt_gets_a_machine_that_finds_what_it_is_told(region: Region) -> None:
    attempt = region.launched(region.attempt())
    assert [instance.id for instance in region.ec2.living] == [attempt.handle and attempt.handle["instance"]]
    assert region.work_area.tasks == {attempt.token: make_task(token=attempt.token)}


def test_what_a_machine_is_launched_with_says_whose_it_is_and_until_when(region: Region) -> None:
    run, deadline = make_run(make_schedule()), START + timedelta(hours=3)
    plan = region.launcher.plan(run, make_spec(), number=2, token="t", deadline=deadline).launch
    assert plan is not None
    tags = {tag["Key"]: tag["Value"] for tag in plan["TagSpecifications"][0]["Tags"]}
    assert tags["jupyter-schedule:run"] == run.id
    assert tags["jupyter-schedule:attempt"] == "2"
    assert tags["jupyter-schedule:deadline"] == "2026-11-23T15:00:00Z"
    document = base64.b64decode(plan["UserData"]).decode().partition("<<< '")[2].partition("'")[0]
    assert json.loads(base64.b64decode(document))["power_off_after"] == 10800


def test_a_size_that_the_operator_dropped_is_refused_with_those_there_are() -> None:
    spec = make_spec(size="huge")
    with pytest.raises(LaunchRefused, match=r"no machine size called huge\..*small, cheap"):
        Region().launcher.plan(make_run(make_schedule()), spec, number=1, token="t", deadline=START)


def test_spot_falls_back_to_a_machine_that_is_paid_in_full() -> None:
    region = Region(empty={("t3.medium", "subnet-a", True), ("t3.medium", "subnet-b", True)})
    for number in (1, 2):
        with pytest.raises(NoCapacity):
            region.launcher.launch(region.attempt(number, size="cheap"))
    region.launched(region.attempt(3, size="cheap"))
    assert "InstanceMarketOptions" not in region.ec2.living[0].request


@pytest.mark.parametrize("code", ["UnauthorizedOperation", "InvalidAMIID.NotFound", "InvalidSubnetID.NotFound"])
def test_what_the_operator_must_mend_is_refused_with_a_sentence(region: Region, code: str) -> None:
    region.ec2.faults_before.append(client_error(code, "words", 403))
    with pytest.raises(LaunchRefused, match=code):
        region.launcher.launch(region.attempt())


def test_without_credentials_nothing_is_asked(region: Region) -> None:
    region.ec2.faults_before.append(NoCredentialsError())
    with pytest.raises(LaunchRefused, match="no AWS credentials"):
        region.launcher.launch(region.attempt())


def test_a_machine_that_ec2_does_not_show_yet_means_nothing_for_ten_minutes() -> None:
    region = Region(shows_after=timedelta(seconds=100))
    attempt = region.launched(region.attempt())
    assert region.launcher.poll(attempt) is WorkerState.UNREACHABLE
    region.launcher.terminate(attempt)
    region.seconds = 101
    assert region.launcher.poll(attempt) is WorkerState.ALIVE
    region.ec2.instances.clear()
    region.seconds = 599
    assert region.launcher.poll(attempt) is WorkerState.UNREACHABLE
    region.seconds = 605
    assert region.launcher.poll(attempt) == WorkerState.GONE


def test_nor_when_the_service_that_launched_it_had_another_time_of_day() -> None:
    region = Region(shows_after=timedelta(seconds=100))
    attempt = region.launched(region.attempt())
    early = attempt.model_copy(update={"created_at": attempt.created_at - timedelta(hours=2)})
    region.seconds = 60
    assert region.launcher.poll(early) is WorkerState.UNREACHABLE


def test_all_polls_of_a_few_seconds_share_one_description(region: Region) -> None:
    attempts = [region.launched(region.attempt(run_id=f"r{number}")) for number in range(60)]
    region.ec2.calls.clear()
    assert {region.launcher.poll(attempt) for attempt in attempts} == {WorkerState.ALIVE}
    assert region.ec2.calls == ["describe_instances"]
    region.seconds += 5
    region.launcher.poll(attempts[0])
    assert region.ec2.calls == ["describe_instances"] * 2


def with_image(**changes: Any) -> Ec2Settings:
    size = SETTINGS.sizes["small"].model_copy(update={"image": "ami-0debian", "disk": 200} | changes)
    return SETTINGS.model_copy(update={"sizes": {"small": size}})


def disk_of(region: Region) -> dict[str, int]:
    plan = region.launcher.plan(make_run(make_schedule()), make_spec(), number=1, token="t", deadline=START)
    assert plan.launch
    return {each["DeviceName"]: each["Ebs"]["VolumeSize"] for each in plan.launch["BlockDeviceMappings"]}


def test_the_disk_that_is_asked_for_is_the_root_of_the_image(caplog: pytest.LogCaptureFixture) -> None:
    """Under another name it would be a second, empty one, and the run would have the image's own 8 GiB."""
    region = Region(with_image(), root_device="/dev/xvda")
    assert disk_of(region) == disk_of(region) == {"/dev/xvda": 200}
    assert region.ec2.calls == ["describe_images"]
    told = Region(with_image(root_device="/dev/xvdb"), root_device="/dev/xvda")
    assert (disk_of(told), told.ec2.calls) == ({"/dev/xvdb": 200}, [])
    # Canonical's is known
    assert (disk_of(Region()), Region().ec2.calls) == ({"/dev/sda1": 30}, [])
    forbidden = Region(with_image(), root_device="/dev/xvda")
    forbidden.ec2.faults_before.append(client_error("UnauthorizedOperation", "", 403))
    assert disk_of(forbidden) == {"/dev/sda1": 200}
    assert "action=root_device_unknown" in caplog.text
    away = Region(with_image())
    away.ec2.faults_before.append(lost_answer())
    with pytest.raises(OSError, match="doesn't say what the image ami-0debian is made of"):
        disk_of(away)


@pytest.mark.promise("P37")
def test_a_machine_that_is_over_says_why_by_ec2_or_by_its_console(region: Region) -> None:
    ended, silent = (region.launched(region.attempt(run_id=name)) for name in ("r1", "r2"))
    assert region.launcher.explain_end(ended) is None
    taken_back, shut_down = region.ec2.living
    region.ec2.end(taken_back.id, "Server.SpotInstanceTermination")
    shut_down.console = "jupyter-schedule: the agent can't be fetched: timed out\n"
    region.ec2.end(shut_down.id)
    region.seconds += 10
    region.ec2.calls.clear()
    for _ in range(3):
        by_ec2, by_itself = (region.launcher.poll(attempt).end for attempt in (ended, silent))
        assert by_ec2
        assert by_ec2.sentence == "EC2 took its spot machine back (Server.SpotInstanceTermination)."
        assert by_itself
        assert "Its last word was: the agent can't be fetched: timed out." in by_itself.sentence
        assert "the agent can't be fetched" in by_itself.log
    assert region.ec2.calls == ["describe_instances", "get_console_output"]


def test_a_console_that_may_not_be_read_keeps_nobody_from_knowing_that_a_machine_is_over(region: Region) -> None:
    attempt = region.launched(region.attempt())
    region.ec2.end(region.ec2.living[0].id)
    region.launcher.reap(lambda *_: attempt)
    region.ec2.faults_before.append(client_error("UnauthorizedOperation", "", 403))
    end = region.launcher.poll(attempt).end
    assert end
    assert end.sentence == "Its machine shut itself down before the run was over (Client.InstanceInitiatedShutdown)."


def test_the_time_at_which_a_machine_was_ended_is_ec2s(region: Region) -> None:
    attempt = region.launched(region.attempt())
    region.seconds += 48
    region.launcher.terminate(attempt)
    region.seconds += 1000
    end = region.launcher.explain_end(attempt)
    assert end
    assert end.at == attempt.created_at + timedelta(seconds=48)


def test_a_machine_that_stopped_instead_of_ending_still_counts_as_alive(region: Region) -> None:
    attempt = region.launched(region.attempt())
    region.ec2.living[0].state = "stopped"
    assert region.launcher.poll(attempt) is WorkerState.ALIVE


def test_an_attempt_that_is_over_leaves_no_machine(region: Region) -> None:
    attempt = region.launched(region.attempt())
    region.launcher.discard(attempt)
    assert region.ec2.living == []


def test_a_machine_of_another_task_version_is_found_cancelled_and_left_by_nobody(region: Region) -> None:
    launched = region.launched(region.attempt())
    attempt = launched.model_copy(update={"parameters": launched.parameters | {"version": 2}})
    with pytest.raises(OtherTaskVersion):
        region.launcher.launch(attempt)
    assert region.launcher.poll(attempt) is WorkerState.ALIVE
    region.launcher.terminate(attempt)
    assert region.ec2.living == []
    region.seconds += 60
    assert region.launcher.poll(attempt) == WorkerState.GONE
    region.launcher.discard(attempt)
    assert region.work_area.tasks == {}


def test_every_region_is_reaped_although_one_does_not_answer(region: Region) -> None:
    other = Region()
    other.launched(other.attempt())
    region.seconds = 3 * 3600
    region.ec2.faults_before.append(client_error("RequestLimitExceeded", status=503))
    regions = {"eu-west-1": region.machines, "us-east-1": other.machines}
    launcher = Ec2Launcher(regions, SETTINGS, work_storage=region.work_area, now=region.now)
    launcher.reap(lambda *_: None)
    assert other.ec2.living == []


def test_that_ec2_is_away_is_logged_once_in_one_line_until_it_is_back_or_away_for_another_reason(
    region: Region, caplog: pytest.LogCaptureFixture
) -> None:
    """By whoever looks at it: polls of runs, many times a second, and the reaper, every minute."""
    attempt = region.launched(region.attempt())
    for code in ("Unavailable", "Unavailable", "AuthFailure", "", "Unavailable"):
        region.seconds += 60
        if code:
            region.ec2.faults_before += [client_error(code, status=503)] * 2
        region.launcher.poll(attempt)
        region.launcher.poll(attempt)
        region.launcher.reap(lambda *_: attempt)
        region.ec2.faults_before.clear()
    said = [record.getMessage() for record in caplog.records if "ec2_away" in record.getMessage()]
    assert [line.partition("(")[2].partition(")")[0] for line in said] == ["Unavailable", "AuthFailure", "Unavailable"]
    assert not any(record.exc_info or "\n" in record.getMessage() for record in caplog.records)


def test_while_ec2_is_away_it_is_asked_no_more_often_than_when_it_is_there(region: Region) -> None:
    attempts = [region.launched(region.attempt(run_id=f"r{number}")) for number in range(60)]
    region.seconds += 60
    region.ec2.faults_before += [client_error("Unavailable", status=503)] * 60
    assert {region.launcher.poll(attempt) for attempt in attempts} == {WorkerState.UNREACHABLE}
    assert len(region.ec2.faults_before) == 59


def test_a_machine_is_looked_for_in_its_attempts_region(region: Region) -> None:
    other = Region()
    regions = {"eu-west-1": region.machines, "us-east-1": other.machines}
    launcher = Ec2Launcher(regions, SETTINGS, work_storage=region.work_area, now=region.now)
    attempt = region.attempt()
    attempt.parameters["region"] = "us-east-1"
    attempt = attempt.model_copy(update={"handle": launcher.launch(attempt)})
    assert launcher.poll(attempt) is WorkerState.ALIVE
    assert (region.ec2.living, len(other.ec2.living)) == ([], 1)
    launcher.terminate(attempt)
    assert other.ec2.living == []


def test_of_a_region_that_the_settings_lost_nothing_is_known_and_nothing_starts_there(region: Region) -> None:
    attempt = region.launched(region.attempt())
    attempt.parameters["region"] = "us-east-1"
    assert region.launcher.poll(attempt) is WorkerState.UNREACHABLE
    region.launcher.terminate(attempt)
    with pytest.raises(LaunchRefused, match="lost this run's region"):
        region.launcher.launch(attempt)


def test_a_work_area_whose_name_fills_the_user_data_is_refused(region: Region) -> None:
    work_area = FakeWorkStorage()
    work_area.configuration = lambda: {"objects": "s3://work/" + "x" * 16_000}  # type: ignore[method-assign]
    launcher = Ec2Launcher({"eu-west-1": region.machines}, SETTINGS, work_storage=work_area, now=region.now)
    with pytest.raises(LaunchRefused, match=r"EC2 takes 16 KiB: shorten storage\.work") as refused:
        launcher.plan(make_run(make_schedule()), make_spec(), number=1, token="t", deadline=START)
    assert refused.value.reason == Reason.CONFIG


def test_a_data_role_is_one_that_the_operator_allows(region: Region) -> None:
    allowed = SETTINGS.model_copy(update={"data_roles": {"weather": "arn:aws:iam::111122223333:role/weather"}})
    launcher = Ec2Launcher({"eu-west-1": region.machines}, allowed, work_storage=region.work_area, now=region.now)

    def told(data_role: str | None) -> str | None:
        spec = make_spec(data_role=data_role)
        plan = launcher.plan(make_run(make_schedule()), spec, number=1, token="t", deadline=START)
        found: str | None = plan.task_changes["data_role"]
        return found

    assert launcher.describe("ec2").data_roles == ("weather",)
    assert told(None) is None
    assert told("weather") == "arn:aws:iam::111122223333:role/weather"
    with pytest.raises(LaunchRefused, match=r"no data role called admin\..*pick one of weather"):
        told("admin")
