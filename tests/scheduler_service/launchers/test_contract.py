"""What every launcher keeps: here, on a real Slurm, on the strict double of EC2, and on moto with what it lacks.

On a real account too, where one is named: docs/real-account.md.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_schedule.core import clock
from jupyter_schedule.core.models import Reason
from jupyter_schedule.testing import LauncherContract, Workshop
from scheduler_service.launchers import local
from scheduler_service.launchers.base import LaunchRefused, NoCapacity, WorkerState
from scheduler_service.worker.task import freeze
from tests.factories import make_spec, make_task
from tests.s3_servers import variables
from tests.scheduler_service.launchers import real_account
from tests.scheduler_service.launchers.workshops import (
    RUN,
    CloudWorkshop,
    DoubleWorkshop,
    Ec2Workshop,
    LocalWorkshop,
    SlurmWorkshop,
    moto_workshop,
)
from tests.slurm import Cluster, started

#: where somebody asked for it, which continuous integration never does
REAL = ["real"] if real_account.is_named() else []


@contextmanager
def open_workshop(kind: str, test: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    if kind == "real":
        with real_account.real_workshop(test) as account:
            yield account
    elif kind == "double":
        yield DoubleWorkshop()
    elif kind == "moto":
        for name, value in variables().items():
            monkeypatch.setenv(name, value)
        with moto_workshop() as cloud:
            yield cloud
    else:
        monkeypatch.setattr(local, "ensure_runner", lambda _: Path(sys.executable))
        here = LocalWorkshop(folder)
        try:
            yield here
        finally:
            here.end()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with started(tmp_path_factory.mktemp("slurm")) as made:
        yield made


@pytest.fixture(params=["local", pytest.param("slurm", marks=pytest.mark.proof("machines")), "double", "moto", *REAL])
def workshop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    if request.param == "slurm":
        jobs = SlurmWorkshop(tmp_path, request.getfixturevalue("cluster"))
        try:
            yield jobs
        finally:
            jobs.end()
        return
    with open_workshop(request.param, request.function.__name__, tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture(params=["double", "moto", *REAL])
def ec2(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ec2Workshop]:
    with open_workshop(request.param, request.function.__name__, tmp_path, monkeypatch) as made:
        assert isinstance(made, Ec2Workshop)
        yield made


@pytest.fixture(params=["double", "moto"])
def cloud(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudWorkshop]:
    with open_workshop(request.param, request.function.__name__, tmp_path, monkeypatch) as made:
        assert isinstance(made, CloudWorkshop)
        yield made


class TestEveryLauncher(LauncherContract):
    """Those that come with the product."""


def test_the_plan_that_is_frozen_with_an_attempt_is_json(workshop: Workshop) -> None:
    deadline = clock.now() + timedelta(hours=2)
    plan = workshop.launcher().plan(RUN, make_spec(), number=1, token="t" * 40, deadline=deadline)
    parameters = freeze(make_task(), plan)
    assert json.loads(json.dumps(parameters)) == parameters


# -- those of EC2


@pytest.mark.promise("P2")
def test_asking_again_launches_nothing(ec2: Ec2Workshop) -> None:
    assert ec2.launched().handle == ec2.launched().handle
    assert ec2.living() == 1


def test_a_token_whose_machine_is_gone_launches_nothing_and_is_over(ec2: Ec2Workshop) -> None:
    first = ec2.launched()
    ec2.launcher().kill(first)
    ec2.await_end(first)
    assert ec2.is_gone(ec2.launched())
    assert ec2.living() == 0


def test_a_mismatch_is_never_asked_again_but_found_by_its_tags(ec2: Ec2Workshop) -> None:
    first = ec2.launched()
    changed = ec2.changed(first, "another")
    assert ec2.launcher().launch(changed) == first.handle
    assert ec2.living() == 1


def test_user_data_over_16_kib_that_got_through_is_the_operators_to_mend(ec2: Ec2Workshop) -> None:
    attempt = ec2.attempt()
    attempt.parameters["launch"]["UserData"] = "eHh4" * 6000
    with pytest.raises(LaunchRefused, match="16384") as refused:
        ec2.launcher().launch(attempt)
    assert refused.value.reason == Reason.CONFIG


# -- those of a cloud


def test_a_lost_answer_costs_no_second_machine(cloud: CloudWorkshop) -> None:
    cloud.lose_answer()
    with pytest.raises(OSError, match="EC2"):
        cloud.launched()
    assert cloud.launcher().poll(cloud.launched()) is WorkerState.ALIVE
    assert cloud.living() == 1


def test_a_throttled_launch_may_be_tried_again(cloud: CloudWorkshop) -> None:
    cloud.fail_before("RequestLimitExceeded")
    with pytest.raises(OSError, match="RequestLimitExceeded"):
        cloud.launched()
    assert cloud.living() == 0
    cloud.launched()


def test_without_capacity_the_next_attempt_asks_elsewhere(cloud: CloudWorkshop) -> None:
    cloud.be_empty()
    with pytest.raises(NoCapacity, match=r"t3\.medium"):
        cloud.launched(1)
    assert cloud.launcher().poll(cloud.launched(2)) is WorkerState.ALIVE


def test_while_descriptions_are_refused_nothing_is_taken_for_gone(cloud: CloudWorkshop) -> None:
    attempt = cloud.launched()
    cloud.fail_before("RequestLimitExceeded")
    launcher = cloud.launcher()
    assert launcher.poll(attempt) is WorkerState.UNREACHABLE
    cloud.after_quarantine()
    assert launcher.poll(attempt) is WorkerState.ALIVE
