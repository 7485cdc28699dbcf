"""From schedule to published file on a machine that has nothing of ours."""

import pytest

from jupyter_schedule.core.models import Outcome, RunStatus
from tests.bare_machine.image import missing
from tests.bare_machine.team import Team

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
    assert team.operations.run(run.id).status == RunStatus.RUNNING
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
