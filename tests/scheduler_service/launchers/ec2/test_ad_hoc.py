"""Machines for ad-hoc workers: what they do first, and what really goes over the wire."""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from jupyter_schedule.core import clock
from jupyter_schedule.core.models import AdHocStatus
from scheduler_service.launchers.base import LaunchRefused
from scheduler_service.launchers.ec2.ad_hoc import Ec2AdHoc
from scheduler_service.launchers.ec2.launch_plan import build_ad_hoc_user_data
from scheduler_service.launchers.ec2.machines import RegionMachines
from scheduler_service.launchers.ec2.prices import load_prices
from scheduler_service.launchers.ec2.settings import AdHocSettings, Ec2Settings, Size
from tests.doubles.moto_shim import shimmed_moto
from tests.factories import make_ad_hoc
from tests.s3_servers import variables
from tests.scheduler_service.launchers.ec2.machines import Region

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB"
#: one that moto knows; asked for all of them, it takes its time
IMAGE = "ami-03cf127a"
CONFIGURATION = {"login_user": "ubuntu", "ssh_key": KEY, "power_off_after": 86400}


class TestUserData:
    def test_it_is_a_constant_but_for_one_line_and_small(self) -> None:
        one = build_ad_hoc_user_data(CONFIGURATION).splitlines()
        other = build_ad_hoc_user_data(CONFIGURATION | {"ssh_key": "'; reboot; '"}).splitlines()
        assert [a == b for a, b in zip(one, other, strict=True)].count(False) == 1
        assert len("\n".join(one)) < 8 * 1024

    def test_bash_and_python_understand_it(self) -> None:
        text = build_ad_hoc_user_data(CONFIGURATION)
        for program in (text, failsafe()):
            subprocess.run(["bash", "-n"], input=program, text=True, check=True)
        compile(text.partition("<<'PYTHON'\n")[2].partition("\nPYTHON\n")[0], "keys.py", "exec")

    def test_its_end_is_armed_before_anything_else_is_done(self) -> None:
        before = build_ad_hoc_user_data(CONFIGURATION).partition("python3 -")[0]
        harmless = before.replace("/usr/local/sbin/jupyter-schedule-failsafe <<", "/dev/null <<")
        said = run_bash(harmless.replace("systemd-run", "echo"))
        assert "--on-active=86400 bash /usr/local/sbin/jupyter-schedule-failsafe" in said


def failsafe() -> str:
    return build_ad_hoc_user_data(CONFIGURATION).partition("<<'FAILSAFE'\n")[2].partition("FAILSAFE\n")[0]


def run_bash(program: str, **environment: str) -> str:
    done = subprocess.run(
        ["bash"], input=program, text=True, check=True, capture_output=True, env=dict(os.environ) | environment
    )
    return done.stdout


@pytest.mark.parametrize(
    ("tag", "does"),
    [
        (timedelta(hours=2), "systemd-run --on-active=7"),
        # one that nobody can have meant is looked at again after a day
        (timedelta(days=400), "systemd-run --on-active=86400"),
        (timedelta(seconds=-1), "systemctl poweroff --force --force"),
        ("", "systemctl poweroff --force --force"),
        ("nonsense", "systemctl poweroff --force --force"),
        (None, "systemctl poweroff --force --force"),
    ],
)
def test_the_machine_powers_off_unless_its_tag_says_that_it_has_more_time(
    tmp_path: Path, tag: timedelta | str | None, does: str
) -> None:
    text = (clock.now() + tag).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(tag, timedelta) else tag
    answers = f"echo '{text}'" if text is not None else "exit 7"
    for name, body in {
        "curl": f'case "$*" in *deadline*) {answers};; *) echo token;; esac',
        "systemd-run": 'echo "systemd-run ${*: -3:1}"',
        "systemctl": 'echo "systemctl $*"',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    assert run_bash(failsafe(), PATH=f"{tmp_path}:{os.environ['PATH']}").startswith(does)


def test_it_is_offered_where_an_operator_allows_it_and_with_their_terms() -> None:
    region = Region()
    assert region.launcher.describe("ec2").ad_hoc is None
    region.launcher._settings = allowed(region.launcher._settings, owners=("ann",), max_hours=8)
    offered = region.launcher.describe("ec2").ad_hoc
    assert offered is not None
    assert (offered.owners, offered.hours, offered.per_owner) == (("ann",), 8, 1)


def allowed(settings: Ec2Settings, **terms: Any) -> Ec2Settings:
    ad_hoc = {"security_groups": ("sg-ssh",), "instance_profile": "ad-hoc"} | terms
    return settings.model_copy(update={"ad_hoc": AdHocSettings(**ad_hoc)})


class Wire:
    """moto behind the shim, and machines there."""

    def __init__(self, endpoint: str) -> None:
        self.ec2 = boto3.client("ec2", region_name="us-east-1", endpoint_url=endpoint)
        iam = boto3.client("iam", region_name="us-east-1", endpoint_url=endpoint)
        iam.create_instance_profile(InstanceProfileName="ad-hoc")
        group = self.ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
        settings = Ec2Settings(
            region="us-east-1",
            subnets=(self.ec2.describe_subnets()["Subnets"][0]["SubnetId"],),
            security_groups=(group,),
            instance_profile="worker",
            role_id="AROAWORKER",
            sizes={"small": Size(instance_types=("t3.medium",), hardware="2 cores, 4 GB", image=IMAGE)},
        )
        self.settings = allowed(settings, security_groups=(group,))
        self.machines = RegionMachines(self.ec2, "d1")
        regions = {"us-east-1": self.machines}
        self.host = Ec2AdHoc(regions, self.settings, now=clock.now, prices=load_prices())


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    for name, value in variables().items():
        monkeypatch.setenv(name, value)
    with shimmed_moto() as (endpoint, _):
        yield Wire(endpoint)


def test_a_machine_is_had_seen_extended_and_ended_on_the_wire(wire: Wire) -> None:
    worker = make_ad_hoc(ssh_key=KEY, created_at=clock.now(), deadline=clock.now() + timedelta(hours=1))
    planned = wire.host.plan(worker, 0)
    assert planned is not None
    assert planned.hourly is not None
    launching = worker.model_copy(update={"status": AdHocStatus.LAUNCHING, "parameters": planned.parameters})
    instance = wire.host.launch(launching)
    assert wire.host.launch(launching) == instance

    # one whose answer was lost is known by its tags
    seen = wire.host.see(launching)
    assert seen is not None
    assert (seen.instance, seen.lives, seen.runs, seen.deadline) == (instance, True, True, worker.deadline)
    assert seen.address

    known = launching.model_copy(update={"instance": instance, "deadline": worker.deadline + timedelta(hours=3)})
    wire.host.extend(known)
    extended = wire.host.see(known)
    assert extended is not None
    assert extended.deadline == known.deadline

    wire.host.terminate(known)
    over = wire.host.see(known)
    assert over is not None
    assert not over.lives
    assert wire.host.launch(known) is None


def on_the_double() -> Ec2AdHoc:
    region = Region()
    regions = {"eu-west-1": region.machines}
    return Ec2AdHoc(regions, allowed(region.launcher._settings), now=region.now, prices=load_prices())


def test_what_it_does_first_has_the_public_key_and_no_secret() -> None:
    planned = on_the_double().plan(make_ad_hoc(ssh_key=KEY), 0)
    assert planned is not None
    text = base64.b64decode(planned.parameters["launch"]["UserData"]).decode()
    told = json.loads(base64.b64decode(text.partition("<<< '")[2].partition("'")[0]))
    assert set(told) == {"login_user", "ssh_key", "power_off_after"}
    assert told["ssh_key"] == KEY


def test_after_the_last_way_there_is_no_further_one() -> None:
    host = on_the_double()
    assert [host.plan(make_ad_hoc(), turn) is None for turn in range(5)] == [False, False, False, False, True]


def test_a_size_that_is_not_there_any_more_is_refused_with_those_there_are() -> None:
    with pytest.raises(LaunchRefused, match=r"no machine size called huge any more\. Ask for one of small"):
        on_the_double().plan(make_ad_hoc(size="huge"), 0)
