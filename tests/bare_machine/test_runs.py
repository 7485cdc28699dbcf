"""From schedule to published file on a machine that has nothing of ours."""

import pytest

from jupyter_schedule.core.models import Outcome, Reason, RunStatus
from scheduler_service.launchers.ec2.user_data import user_data
from tests.bare_machine.cloud import BareCloud
from tests.bare_machine.image import missing
from tests.bare_machine.team import Team
from tests.engine import eventually
from tests.scheduler_service.launchers.ec2.machines import Region

pytestmark = [
    pytest.mark.bare_machine,
    pytest.mark.s3,
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]


def test_a_command_runs_on_a_fresh_machine_which_is_gone_afterwards(team: Team) -> None:
    team.script("hello", 'id -un; echo "hello $DATA_DATE" > "$OUTPUT_DIR/hello.txt"')
    run = team.run("hello")
    with team.service():
        ended = team.ended(run)
        assert ended.status == RunStatus.SUCCEEDED, ended.message
        team.machine_of(run).wait(60)
    assert team.data("hello")["hello.txt"].startswith("hello 2")
    assert team.log(run).startswith("analyst\n")
    assert team.cloud.living == []


def test_user_code_has_no_right_of_ours_and_no_way_to_the_role(team: Team) -> None:
    look = "curl -s -m 3 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token"
    team.script(
        "curious",
        f'{look} && echo "reached the role"; cat /var/lib/cloud/instance/user-data.txt; env; cat /proc/1/environ; true',
    )
    run = team.run("curious")
    with team.service():
        assert team.ended(run).status == RunStatus.SUCCEEDED
    log = team.log(run)
    assert "reached the role" not in log
    assert log.count("Permission denied") == 2
    assert "PYTHONPATH" not in log
    assert "AWS_" not in log


def test_a_time_out_ends_whatever_ignores_it_and_the_machine_with_it(team: Team) -> None:
    stubborn = "trap '' TERM; setsid bash -c \"trap '' TERM; while :; do sleep 1; done\" & while :; do sleep 1; done"
    team.script("stubborn", stubborn)
    team.time_out = 2
    run = team.run("stubborn")
    with team.service():
        assert team.ended(run).status == RunStatus.TIMED_OUT
        team.machine_of(run).wait(60)
    assert team.cloud.living == []


def test_a_machine_that_loses_its_power_is_followed_by_another(team: Team) -> None:
    team.script("flaky", 'echo begun; sleep 5; echo done > "$OUTPUT_DIR/done"')
    run = team.run("flaky")
    with team.service():
        team.started(run)
        team.machine_of(run).cut_power()
        assert team.ended(run).status == RunStatus.SUCCEEDED
    assert [attempt.outcome for attempt in team.store.attempts(run.id)] == [Outcome.LOST, Outcome.FINISHED]


def test_a_run_goes_on_and_is_taken_over_when_the_service_is_dead_for_all_of_it(team: Team) -> None:
    team.script("alone", 'echo begun; sleep 3; echo done > "$OUTPUT_DIR/done"')
    run = team.run("alone")
    with team.service():
        team.started(run)
    team.machine_of(run).wait(120)
    assert not team.operations.run(run.id).status.terminal
    with team.service():
        assert team.ended(run).status == RunStatus.SUCCEEDED
    assert len(team.store.attempts(run.id)) == 1


def test_a_spot_notice_moves_the_run_to_another_machine(team: Team) -> None:
    team.script("moved", 'echo begun; sleep 8; echo done > "$OUTPUT_DIR/done"')
    run = team.run("moved")
    with team.service():
        team.started(run)
        team.cloud.give_notice(team.machine_of(run))
        assert team.ended(run).status == RunStatus.SUCCEEDED
    first, second = team.store.attempts(run.id)
    assert (first.outcome, second.outcome) == (Outcome.LOST, Outcome.FINISHED)


def test_a_notebook_with_packages_of_its_own_is_published_from_a_fresh_machine(team: Team) -> None:
    """The first sample: its environment is made from the pins in its bundle, before it reads its own publication."""
    made = team.sample()
    with team.packages_of(made), team.service():
        run = team.run("flights")
        ended = team.ended(run)
        assert ended.status == RunStatus.SUCCEEDED, team.log(run)
    assert {"weekly.csv", "weekly.png"} <= set(team.names("flights"))
    assert len(team.cloud.machines) == 1


def test_debian_packages_that_cannot_be_had_are_named(team: Team) -> None:
    team.script("lacking", "true", more={"apt.txt": b"no-such-package-here\n"})
    run = team.run("lacking")
    with team.service():
        ended = team.ended(run)
    assert (ended.status, ended.reason) == (RunStatus.FAILED, Reason.ENVIRONMENT)
    assert ended.message
    assert "apt.txt" in ended.message


def test_eight_runs_at_once_have_eight_machines_and_leave_none(team: Team) -> None:
    runs = []
    for number in range(8):
        team.script(f"one-{number}", f'echo {number} > "$OUTPUT_DIR/number"')
        runs.append(team.run(f"one-{number}"))
    with team.service(room=8):
        assert {team.ended(run).status for run in runs} == {RunStatus.SUCCEEDED}
        for run in runs:
            team.machine_of(run).wait(60)
    assert [team.data(f"one-{number}")["number"] for number in range(8)] == [f"{number}\n" for number in range(8)]
    assert len(team.cloud.machines) == 8
    assert team.cloud.living == []


def test_user_data_that_hangs_is_ended_by_the_machine_itself(cloud: BareCloud) -> None:
    text = user_data({"power_off_after": 6}).replace("python3 - ", "trap '' TERM; sleep 3601; python3 - ")
    attempt = Region().attempt(user_data=text)
    instance = cloud.run_instances(**attempt.parameters["launch"])["Instances"][0]["InstanceId"]
    cloud.machines[instance].wait(120)
    eventually(lambda: not cloud.living, what="the end in EC2's eyes")
