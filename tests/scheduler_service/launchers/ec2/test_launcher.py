"""The launcher of EC2, on a double that is as strict as EC2's documents."""

import base64
import json
from datetime import timedelta

import pytest
from botocore.exceptions import NoCredentialsError

from scheduler_service.launchers.base import LaunchRefused, NoCapacity, WorkerState
from tests.doubles.ec2 import client_error, lost_answer
from tests.factories import make_run, make_schedule, make_spec
from tests.scheduler_service.launchers.ec2.machines import START, Region


@pytest.fixture
def region() -> Region:
    return Region()


def test_an_attempt_gets_a_machine_that_finds_what_it_is_told(region: Region) -> None:
    attempt = region.launched(region.attempt())
    assert [instance.id for instance in region.ec2.living] == [attempt.handle and attempt.handle["instance"]]
    assert region.work_area.briefs == {attempt.token: {"run_id": "r1"}}


def test_what_a_machine_is_launched_with_says_whose_it_is_and_until_when(region: Region) -> None:
    run, deadline = make_run(make_schedule()), START + timedelta(hours=3)
    plan = region.launcher.plan(run, make_spec(), number=2, token="t", deadline=deadline)["launch"]
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


def test_a_lost_answer_costs_no_second_machine(region: Region) -> None:
    attempt = region.attempt()
    region.ec2.faults_after.append(lost_answer())
    with pytest.raises(OSError, match="didn't answer"):
        region.launcher.launch(attempt)
    assert region.launcher.launch(attempt) == {
        "instance": region.ec2.living[0].id,
        "identity": f"AROAWORKER:{region.ec2.living[0].id}",
    }
    assert len(region.ec2.instances) == 1


@pytest.mark.parametrize("code", ["RequestLimitExceeded", "InternalError"])
def test_a_throttled_launch_may_be_tried_again(region: Region, code: str) -> None:
    region.ec2.faults_before.append(client_error(code, status=503))
    with pytest.raises(OSError, match=code):
        region.launcher.launch(region.attempt())
    assert region.ec2.living == []


def test_no_capacity_is_an_answer_of_its_own_and_the_next_attempt_asks_elsewhere() -> None:
    region = Region(empty={("t3.medium", "subnet-a", False)})
    with pytest.raises(NoCapacity, match=r"t3\.medium in subnet-a"):
        region.launcher.launch(region.attempt(1))
    region.launched(region.attempt(2))
    assert [instance.request["SubnetId"] for instance in region.ec2.living] == ["subnet-b"]


def test_spot_falls_back_to_a_machine_that_is_paid_in_full() -> None:
    region = Region(empty={("t3.medium", "subnet-a", True), ("t3.medium", "subnet-b", True)})
    for number in (1, 2):
        with pytest.raises(NoCapacity):
            region.launcher.launch(region.attempt(number, size="cheap"))
    region.launched(region.attempt(3, size="cheap"))
    assert "InstanceMarketOptions" not in region.ec2.living[0].request


def test_a_token_whose_machine_is_gone_launches_nothing_and_is_over(region: Region) -> None:
    attempt = region.launched(region.attempt())
    region.ec2.end(region.ec2.living[0].id)
    again = region.launched(region.attempt())
    assert region.launcher.poll(again) is WorkerState.GONE
    assert region.ec2.living == []
    region.launcher.terminate(again)
    assert attempt.token == again.token


def test_a_mismatch_is_never_asked_again_but_found_by_its_tags(region: Region) -> None:
    first = region.launched(region.attempt())
    assert region.launched(region.attempt(user_data="changed")).handle == first.handle
    assert len(region.ec2.instances) == 1


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
    assert region.launcher.poll(attempt) is WorkerState.GONE


def test_an_attempt_that_was_never_answered_is_unknown(region: Region) -> None:
    assert region.launcher.poll(region.attempt()) is WorkerState.UNKNOWN


def test_all_polls_of_a_few_seconds_share_one_description(region: Region) -> None:
    attempts = [region.launched(region.attempt(run_id=f"r{number}")) for number in range(60)]
    region.ec2.calls.clear()
    assert {region.launcher.poll(attempt) for attempt in attempts} == {WorkerState.ALIVE}
    assert region.ec2.calls == ["describe_instances"]
    region.seconds += 5
    region.launcher.poll(attempts[0])
    assert region.ec2.calls == ["describe_instances"] * 2


def test_while_ec2_does_not_answer_the_heartbeat_tells(region: Region) -> None:
    attempt = region.launched(region.attempt())
    region.ec2.faults_before.append(client_error("RequestLimitExceeded", status=503))
    assert region.launcher.poll(attempt) is WorkerState.UNREACHABLE


def test_terminate_ends_the_machine_and_may_be_repeated(region: Region) -> None:
    attempt = region.launched(region.attempt())
    region.launcher.terminate(attempt)
    region.launcher.terminate(attempt)
    assert region.ec2.living == []
    assert region.launcher.poll(attempt) is WorkerState.GONE


def test_a_machine_that_stopped_instead_of_ending_still_counts_as_alive(region: Region) -> None:
    attempt = region.launched(region.attempt())
    region.ec2.living[0].state = "stopped"
    assert region.launcher.poll(attempt) is WorkerState.ALIVE


def test_an_attempt_that_is_over_leaves_no_machine(region: Region) -> None:
    attempt = region.launched(region.attempt())
    region.launcher.discard(attempt)
    assert region.ec2.living == []


def test_machines_that_no_attempt_owns_are_reaped(region: Region) -> None:
    kept = region.launched(region.attempt(1))
    region.launched(region.attempt(2))
    region.seconds = 16 * 60
    region.launcher.reap(lambda _, number: kept if number == 1 else None)
    assert [instance.id for instance in region.ec2.living] == [kept.handle and kept.handle["instance"]]
