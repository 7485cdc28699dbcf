"""Which machines may not go on living."""

from datetime import datetime, timedelta

import pytest

from jupyter_schedule.core.models import Attempt, Outcome
from scheduler_service.launchers.ec2.machines import Ec2Machine
from scheduler_service.launchers.ec2.reaper import OrphanReason, find_orphans
from tests.scheduler_service.launchers.ec2.machines import START, Region

SOON = START + timedelta(minutes=1)
LATER = START + timedelta(minutes=16)
PAST = START + timedelta(hours=2)


@pytest.fixture
def region() -> Region:
    return Region()


def orphan(region: Region, now: datetime, *attempts: Attempt) -> list[OrphanReason]:
    known = {(attempt.run_id, attempt.number): attempt for attempt in attempts}
    machines = region.machines.look().values()
    found = find_orphans(machines, lambda run_id, number: known.get((run_id, number)), now)
    return [each.reason for each in found]


def test_the_worker_of_an_open_attempt_stays(region: Region) -> None:
    assert orphan(region, LATER, region.launched(region.attempt())) == []


def test_a_machine_whose_answer_was_lost_belongs_to_its_attempt(region: Region) -> None:
    attempt = region.attempt()
    region.launched(attempt)
    assert orphan(region, LATER, attempt) == []


@pytest.mark.promise("P21")
def test_past_its_deadline_a_machine_goes_whatever_the_ledger_says(region: Region) -> None:
    assert orphan(region, PAST, region.launched(region.attempt())) == [OrphanReason.PAST_DEADLINE]


def test_a_machine_that_no_ledger_knows_goes_after_its_quarantine(region: Region) -> None:
    region.launched(region.attempt())
    assert orphan(region, SOON) == []
    assert orphan(region, LATER) == [OrphanReason.UNKNOWN]


def test_the_machine_of_an_attempt_that_is_over_goes(region: Region) -> None:
    attempt = region.launched(region.attempt())
    over = attempt.model_copy(update={"ended_at": SOON, "outcome": Outcome.LOST})
    assert orphan(region, LATER, over) == [OrphanReason.NOT_CURRENT]


def test_a_second_machine_of_an_attempt_goes(region: Region) -> None:
    attempt = region.launched(region.attempt())
    other = attempt.model_copy(update={"handle": {"instance": "i-another"}})
    assert orphan(region, LATER, other) == [OrphanReason.NOT_CURRENT]


def test_what_is_over_already_is_left_alone(region: Region) -> None:
    region.launched(region.attempt())
    region.ec2.end(region.ec2.living[0].id)
    assert orphan(region, PAST) == []


def test_machines_of_others_are_never_seen(region: Region) -> None:
    for number in range(1000):
        attempt = region.attempt(run_id=f"f{number}")
        launch = attempt.parameters["launch"]
        for specification in launch["TagSpecifications"]:
            specification["Tags"] = [{"Key": "Name", "Value": "theirs"}]
        region.ec2.run_instances(**launch)
    assert orphan(region, PAST) == []


def test_tags_that_make_no_sense_are_those_of_an_unknown_machine() -> None:
    machine = Ec2Machine(
        "i-1", "running", {"jupyter-schedule:deadline": "soon", "jupyter-schedule:attempt": "one"}, START
    )
    [found] = find_orphans([machine], lambda *_: None, LATER)
    assert found.reason is OrphanReason.UNKNOWN
