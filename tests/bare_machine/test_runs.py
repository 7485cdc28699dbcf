"""From schedule to published file on a machine that has nothing of ours."""

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core import clock
from jupyter_schedule.core.models import Outcome, Reason, RunStatus, ScheduleState, Trigger
from scheduler_service import observe
from scheduler_service.launchers.ec2.launch_plan import build_user_data
from scheduler_service.launchers.ec2.launcher import Ec2Launcher
from scheduler_service.launchers.ec2.work_storage import WorkStorage
from tests.bare_machine.cloud import BareCloud
from tests.bare_machine.image import missing, older_python
from tests.bare_machine.index import package_index, serving, with_package
from tests.bare_machine.team import Team
from tests.engine import eventually
from tests.s3_servers import S3Server
from tests.scheduler_service.launchers.ec2.machines import Region

pytestmark = [
    pytest.mark.bare_machine,
    pytest.mark.s3,
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]
proof = pytest.mark.proof("machines")
#: the images that a test is tried on: the second in the proof, where the first may be everyday's
UBUNTU = pytest.param("ubuntu", marks=[pytest.mark.ubuntu, proof])
on_both = pytest.mark.parametrize("image", ["debian", UBUNTU])


@on_both
def test_a_command_runs_on_a_fresh_machine_which_is_gone_afterwards(team: Team, image: str) -> None:
    team.script("hello", 'id -un; echo "hello $DATA_DATE" > "$OUTPUT_DIR/hello.txt"')
    run = team.run("hello")
    with team.service():
        ended = team.ended(run)
        assert ended.status == RunStatus.SUCCEEDED, ended.message
        team.machine_of(run).wait(60)
    assert team.data("hello")["hello.txt"].startswith("hello 2")
    assert list(team.work.list("briefs/")) == []
    assert team.log(run).startswith("analyst\n")
    assert team.cloud.living == []


ASK_METADATA = (
    "curl -s -m 3 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token "
    "&& echo 'reached the role' || echo 'no metadata'"
)


def test_user_code_has_no_right_of_ours_and_no_way_to_the_role(team: Team) -> None:
    team.script(
        "curious",
        f"{ASK_METADATA}; cat /var/lib/cloud/instance/user-data.txt; env; cat /proc/1/environ; true",
    )
    run = team.run("curious")
    with team.service():
        assert team.ended(run).status == RunStatus.SUCCEEDED
    log = team.log(run)
    assert "reached the role" not in log
    assert log.count("Permission denied") == 2
    assert "PYTHONPATH" not in log
    assert "AWS_" not in log


#: what an analysis does with its data role, with Amazon's own library, and what it may try with it
READS = """
import os, sys, urllib.request
sys.path.insert(0, "/opt/jupyter-schedule")
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, work, prefix = sys.argv[1:]
s3 = boto3.client("s3", region_name="us-east-1", endpoint_url=endpoint, config=Config(s3={"addressing_style": "path"}))
def tried(what, act):
    try:
        act()
    except ClientError as problem:
        print(what, problem.response["Error"]["Code"])
    else:
        print(what, "done")
print(s3.get_object(Bucket="data-bucket", Key="stations.csv")["Body"].read().decode().strip())
tried("write", lambda: s3.put_object(Bucket="data-bucket", Key="stations.csv", Body=b""))
tried("list", lambda: s3.list_objects_v2(Bucket="data-bucket"))
tried("the worker's gate", lambda: s3.get_object(Bucket=work, Key=prefix + "gates/known"))
"""


@proof
def test_an_analysis_has_the_data_role_it_asks_for_and_nothing_of_the_workers(team: Team, seaweedfs: S3Server) -> None:
    seaweedfs.client().put_object(Bucket=seaweedfs.bucket("data"), Key="stations.csv", Body=b"Oslo,Bergen\n")
    team.work.put("gates/known", b"")
    address = team.work.address
    command = f"python3 read.py {address.endpoint} {address.bucket} {address.prefix}"
    team.script("reading", f"{command}\n{ASK_METADATA}", more={"read.py": READS.encode()}, data_role="weather")
    run = team.run("reading")
    with team.service():
        assert team.ended(run).status == RunStatus.SUCCEEDED, team.log(run)
    assert team.log(run).splitlines()[:5] == [
        "Oslo,Bergen",
        "write AccessDenied",
        "list AccessDenied",
        "the worker's gate AccessDenied",
        "no metadata",
    ]


#: in the place of the agent: what whoever stole a worker might try with its role
THIEF = """
import urllib.error
configuration = json.loads(sys.argv[1])
area, public = SignedStorage(configuration), SignedStorage(dict(configuration, base=configuration["public"]))
def tried(what, act):
    try:
        act()
    except urllib.error.HTTPError as answer:
        print(what, answer.code, flush=True)
    else:
        print(what, "done", flush=True)
me = configuration["role_id"] + ":" + read_metadata("meta-data/instance-id")
tried("own", lambda: area.put_once("workers/" + me + "/t/x", b""))
tried("gate", lambda: area.put_once("gates/t", b"1"))
print("second gate", area.put_once("gates/t", b"2"), flush=True)
tried("other's", lambda: area.put_once("workers/AROAWORKER:i-other/t/result", b""))
tried("other's, read", lambda: area.get("workers/AROAWORKER:i-other/t/secret"))
tried("bundle", lambda: area.put_once("bundles/x.tar.gz", b""))
tried("brief", lambda: area.put_once("briefs/x", b""))
tried("list", lambda: area.get("?list-type=2"))
tried("published", lambda: public.put_once("stolen.html", b""))
"""


def test_a_stolen_worker_is_refused_whatever_is_another_s_by_the_server(team: Team) -> None:
    team.work.put("workers/AROAWORKER:i-other/t/secret", b"")
    configuration: dict[str, Any] = WorkStorage(team.work).configuration() | {
        "role_id": "AROAWORKER",
        "power_off_after": 300,
    }
    configuration["public"] = configuration["base"].replace(team.work.address.bucket, team.published_at.address.bucket)
    text = build_user_data(configuration).replace('if __name__ == "__main__":\n    main()\n', THIEF)
    attempt = Region().attempt(user_data=text.replace("python3 - ", "python3 - > /root/said 2>&1 "))
    instance = team.cloud.run_instances(**attempt.parameters["launch"])["Instances"][0]["InstanceId"]
    team.cloud.machines[instance].wait(120)
    assert team.cloud.machines[instance].read("/root/said").splitlines() == [
        "own done",
        "gate done",
        "second gate False",
        "other's 403",
        "other's, read 403",
        "bundle 403",
        "brief 403",
        "list 403",
        "published 403",
    ]
    assert team.work.get("gates/t") == b"1"


@proof
def test_a_rehearsal_on_a_fresh_machine_starts_its_schedule_and_touches_no_reader(team: Team) -> None:
    """Unasked for: machines cost money."""
    team.script("careful", 'echo 1 > "$OUTPUT_DIR/a.csv"', rehearse=None)
    assert team.operations.schedules.get("careful").state is ScheduleState.REHEARSING
    [run] = team.operations.runs.list_newest("careful")
    with team.service():
        ended = team.ended(run)
        assert (ended.trigger, ended.status) == (Trigger.REHEARSAL, RunStatus.SUCCEEDED), ended.message
        team.machine_of(run).wait(60)
    started = team.operations.schedules.get("careful")
    assert started.state is ScheduleState.ACTIVE
    assert started.next_due is not None
    kept = [stored.key.removeprefix("careful/") for stored in team.published_at.list("careful/")]
    assert [key for key in kept if key.endswith("a.csv")]
    assert [key for key in kept if key.startswith("data/") or key == "latest.json"] == []
    assert team.cloud.living == []


def test_a_time_out_ends_whatever_ignores_it_and_the_machine_with_it(team: Team) -> None:
    stubborn = "trap '' TERM; setsid bash -c \"trap '' TERM; while :; do sleep 1; done\" & while :; do sleep 1; done"
    team.script("stubborn", stubborn)
    team.time_out = 2
    run = team.run("stubborn")
    with team.service():
        assert team.ended(run).status == RunStatus.TIMED_OUT
        team.machine_of(run).wait(60)
    assert team.cloud.living == []


def test_an_agent_that_is_killed_takes_its_machine_along_and_another_does_the_run(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is known by the end of its machine, which ends itself, and not by silence."""
    monkeypatch.setattr(observe, "SILENCE", 24 * 3600)
    team.script("struck", 'echo begun; sleep 6; echo done > "$OUTPUT_DIR/done"')
    run = team.run("struck")
    with team.service():
        team.started(run)
        struck = team.machine_of(run)
        struck.kill("scheduler_service.worker.ec2_main")
        ended = team.ended(run)
        team.machine_of(run).wait(60)
    assert ended.status == RunStatus.SUCCEEDED, ended.message
    assert [attempt.outcome for attempt in team.store.runs.list_attempts(run.id)] == [Outcome.LOST, Outcome.FINISHED]
    assert team.data("struck")["done"] == "done\n"
    assert not list(struck.written("/var/lib/jupyter-schedule").rglob("done"))
    first, _ = team.store.runs.list_attempts(run.id)
    assert first.handle
    assert team.cloud.instances[first.handle["instance"]].reason == "Client.InstanceInitiatedShutdown"
    assert team.cloud.living == []


@proof
def test_a_machine_that_loses_its_power_is_followed_by_another(team: Team) -> None:
    team.script("flaky", 'echo begun; sleep 5; echo done > "$OUTPUT_DIR/done"')
    run = team.run("flaky")
    with team.service():
        team.started(run)
        team.machine_of(run).cut_power()
        assert team.ended(run).status == RunStatus.SUCCEEDED
    assert [attempt.outcome for attempt in team.store.runs.list_attempts(run.id)] == [Outcome.LOST, Outcome.FINISHED]


@proof
def test_a_boot_that_never_comes_is_given_up_ended_and_followed_by_another(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observe, "SILENCE", 2)
    monkeypatch.setattr(Ec2Launcher, "starts_within", 2)
    team.cloud.boots = False
    team.script("never", "true")
    run = team.run("never")

    def given_up() -> bool:
        return len(attempts := team.store.runs.list_attempts(run.id)) > 1 and attempts[0].outcome == Outcome.LOST

    with team.service():
        eventually(given_up, what="another attempt")
        first = team.store.runs.list_attempts(run.id)[0]
        assert first.handle
        instance = first.handle["instance"]
        eventually(lambda: team.cloud.instances[instance].state == "terminated", what="its end")
        team.operations.runs.cancel(run.id)
        team.ended(run)
    assert team.cloud.living == []


@proof
def test_a_run_goes_on_and_its_bill_ends_with_its_machine_when_the_service_is_away_for_an_hour(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.script("alone", 'echo begun; sleep 3; echo done > "$OUTPUT_DIR/done"')
    run = team.run("alone")
    with team.service():
        team.started(run)
    machine = team.machine_of(run)
    machine.wait(120)
    was_on = time.monotonic() - machine.on_since
    assert not team.operations.runs.get(run.id).status.terminal
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + timedelta(hours=1))
    with team.service():
        ended = team.ended(run)
    assert ended.status == RunStatus.SUCCEEDED
    assert len(team.store.runs.list_attempts(run.id)) == 1
    assert ended.machine_seconds is not None
    # a minute is the least that is billed, and exact to a minute is what is said
    assert max(60, was_on) - 60 <= ended.machine_seconds <= max(60, was_on) + 60


@proof
def test_a_spot_notice_moves_the_run_to_another_machine(team: Team) -> None:
    team.script("moved", 'echo begun; sleep 8; echo done > "$OUTPUT_DIR/done"')
    run = team.run("moved")
    with team.service():
        team.started(run)
        team.cloud.give_notice(team.machine_of(run))
        assert team.ended(run).status == RunStatus.SUCCEEDED
    first, second = team.store.runs.list_attempts(run.id)
    assert (first.outcome, second.outcome) == (Outcome.LOST, Outcome.FINISHED)


@pytest.mark.proof("machines")
def test_a_notebook_with_packages_of_its_own_is_published_from_a_fresh_machine(team: Team) -> None:
    """The first sample: its environment is made from the pins in its bundle, before it reads its own publication."""
    made = team.sample()
    with team.packages_of(made), team.service():
        run = team.run("flights")
        ended = team.ended(run)
        assert ended.status == RunStatus.SUCCEEDED, team.log(run)
    assert {"weekly.csv", "weekly.png"} <= set(team.names("flights"))
    assert len(team.cloud.machines) == 1


@proof
def test_a_tarball_with_a_command_is_published_from_a_fresh_machine(team: Team) -> None:
    """The second sample."""
    team.sample_command()
    run = team.run("words")
    with team.service():
        ended = team.ended(run)
        assert ended.status == RunStatus.SUCCEEDED, team.log(run)
    assert "Most frequent" in next(text for path, text in team.data("words").items() if path.endswith("summary.txt"))


@proof
def test_debian_packages_that_cannot_be_had_are_named(team: Team) -> None:
    team.script("lacking", "true", more={"apt.txt": b"no-such-package-here\n"})
    run = team.run("lacking")
    with team.service():
        ended = team.ended(run)
    assert (ended.status, ended.reason) == (RunStatus.FAILED, Reason.ENVIRONMENT)
    assert ended.message
    assert "apt.txt" in ended.message


@proof
def test_an_image_with_a_python_too_old_for_the_agent_is_named_with_both_versions(team: Team, tmp_path: Path) -> None:
    team.cloud.layers.insert(0, older_python(tmp_path / "older"))
    team.script("old", "true")
    run = team.run("old")
    with team.service():
        ended = team.ended(run)
        team.machine_of(run).wait(60)
    assert (ended.status, ended.reason) == (RunStatus.FAILED, Reason.ENVIRONMENT)
    assert ended.message == "The machine's image has Python 3.9.2; a worker needs 3.11 or newer. Choose another image."
    assert len(team.store.runs.list_attempts(run.id)) == 1
    assert team.cloud.living == []


@proof
def test_pins_that_need_a_newer_python_than_the_image_has_are_named_with_both_versions(
    team: Team, tmp_path: Path
) -> None:
    team.pinned("ahead", "needs-newer==1.0\n", python="3.13")
    run = team.run("ahead")
    (tmp_path / "index").mkdir()
    index = with_package(package_index(""), tmp_path / "index", "needs-newer", python=">=3.12")
    with serving(index), team.service():
        ended = team.ended(run)
    assert (ended.status, ended.reason) == (RunStatus.FAILED, Reason.ENVIRONMENT), team.log(run)
    assert ended.message
    assert "pinned for Python 3.13" in ended.message
    assert ended.message.endswith("Python here is 3.11.2.")


@proof
@on_both
def test_eight_runs_at_once_have_eight_machines_and_leave_none(team: Team, image: str) -> None:
    # eight of them boot beside each other
    team.patience = 900.0
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
    text = build_user_data({"power_off_after": 6}).replace("python3 - ", "trap '' TERM; sleep 3601; python3 - ")
    attempt = Region().attempt(user_data=text)
    instance = cloud.run_instances(**attempt.parameters["launch"])["Instances"][0]["InstanceId"]
    cloud.machines[instance].wait(120)
    eventually(lambda: not cloud.living, what="the end in EC2's eyes")
