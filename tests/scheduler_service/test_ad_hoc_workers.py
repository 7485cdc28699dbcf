"""Ad-hoc workers on the strict double: one machine for a row whatever is lost, and none that nobody owns."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.models import AdHocStatus, AdHocWorker, LauncherCatalog
from jupyter_schedule.core.operations.ad_hoc import AdHocOperations
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.factory import open_store
from scheduler_service.ad_hoc import AdHocPass
from scheduler_service.admin.reap import end_orphans
from scheduler_service.backoff import Backoff
from scheduler_service.launchers.ec2.launcher import Ec2Launcher
from scheduler_service.launchers.ec2.settings import AdHocSettings, Ec2Settings
from tests.doubles.ec2 import Instance, client_error, lost_answer
from tests.scheduler_service.launchers.ec2.machines import SETTINGS, START, Region

HOUR = 3600
SUBNETS = [("t3.medium", "subnet-a", False), ("t3.medium", "subnet-b", False)]
SUBNETS += [("t3a.medium", "subnet-a", False), ("t3a.medium", "subnet-b", False)]


class Desk:
    """A person and a service on one ledger, and a region of EC2."""

    def __init__(self, store: Store, **double: Any) -> None:
        self.store = store
        self.region = Region(**double)
        self.ec2 = self.region.ec2
        self.most = 20
        self.runs: Counter[str] = Counter()
        self.configure(SETTINGS)

    def configure(self, settings: Ec2Settings, **ad_hoc: Any) -> "Desk":
        """Start a service with these settings."""
        allowed = AdHocSettings(**{"security_groups": ("sg-ssh",), "instance_profile": "ad-hoc"} | ad_hoc)
        self.settings = settings.model_copy(update={"ad_hoc": allowed})
        self.restart()
        self.store.publish_catalog(LauncherCatalog(launchers=(self.launcher.describe("ec2"),)), actor="scheduler")
        return self

    def restart(self) -> None:
        """A service that remembers nothing."""
        regions = {self.settings.region: self.region.machines}
        self.launcher = Ec2Launcher(regions, self.settings, work_storage=self.region.work_area, now=self.region.now)
        self.service = AdHocPass(
            self.store,
            {"ec2": self.launcher},
            Backoff(lambda: self.region.seconds),
            self.region.now,
            most={"ec2": self.most},
            machines_of_runs=lambda: self.runs,
        )

    @property
    def person(self) -> AdHocOperations:
        return AdHocOperations(self.store, "ann", self.region.now)

    def look(self, seconds: float = 0, *, may_start: bool = True) -> AdHocWorker:
        """Let the service look, after so many seconds; the newest worker after that."""
        self.region.seconds += seconds
        self.region.machines.forget()
        self.service.look(may_start=may_start)
        return self.person.workers()[0]

    def ready(self, **asked: Any) -> tuple[AdHocWorker, Instance]:
        """A worker whose machine runs."""
        self.person.launch(**asked)
        self.look()
        (instance,) = self.ec2.living
        instance.address = "192.0.2.1"
        self.ec2.boot(instance.id)
        worker = self.look(5)
        assert worker.status is AdHocStatus.READY
        return worker, instance

    def reaped(self) -> list[str]:
        """What `reap` says."""
        regions = {"eu-west-1": self.region.machines}
        told = end_orphans(
            regions, lambda *_: None, self.region.now(), dry_run=False, find_ad_hoc=self.store.ad_hoc.get
        )
        return [each.text for each in told]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/ledger.sqlite3")
    yield opened
    opened.close()


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def tags(instance: Instance) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in instance.tags}


def test_who_asks_gets_a_machine_and_is_told_how_to_get_in(desk: Desk) -> None:
    worker, instance = desk.ready(ssh_key=None)
    assert worker.connect == (f"aws ssm start-session --region eu-west-1 --target {instance.id}",)
    assert (worker.message, worker.address) == (None, "192.0.2.1")


def test_a_machine_is_asked_for_as_a_workers_is_but_with_a_network_and_a_role_of_its_own(desk: Desk) -> None:
    worker, instance = desk.ready(hours=3)
    request = instance.request
    assert request["ClientToken"] == f"{worker.id}-0"
    assert (request["SecurityGroupIds"], request["IamInstanceProfile"]) == (["sg-ssh"], {"Name": "ad-hoc"})
    assert request["InstanceInitiatedShutdownBehavior"] == "terminate"
    metadata = request["MetadataOptions"]
    assert (metadata["HttpTokens"], metadata["HttpPutResponseHopLimit"]) == ("required", 1)
    # where it reads its own deadline
    assert metadata["InstanceMetadataTags"] == "enabled"
    assert {key: value for key, value in tags(instance).items() if key.startswith("jupyter-schedule:")} == {
        "jupyter-schedule:deployment": "d1",
        "jupyter-schedule:ad-hoc": worker.id,
        "jupyter-schedule:turn": "0",
        "jupyter-schedule:owner": "ann",
        "jupyter-schedule:deadline": "2026-11-23T15:00:00Z",
    }


def test_spot_is_never_a_machine_to_work_on(desk: Desk) -> None:
    _, instance = desk.ready(size="cheap")
    assert "InstanceMarketOptions" not in instance.request


def test_the_row_and_all_that_is_asked_is_written_before_ec2_is_asked(desk: Desk) -> None:
    seen: list[AdHocWorker] = []

    def run_instances(**request: Any) -> None:
        seen.extend(desk.store.ad_hoc.list_live())
        raise OSError

    desk.person.launch()
    desk.ec2.run_instances = run_instances  # type: ignore[method-assign,assignment]
    desk.look()
    assert [each.status for each in seen] == [AdHocStatus.LAUNCHING]
    assert seen[0].parameters is not None
    assert json.dumps(seen[0].parameters["launch"])


@pytest.mark.parametrize("faults", ["faults_before", "faults_after"])
def test_an_answer_that_is_lost_never_makes_a_second_machine(desk: Desk, faults: str) -> None:
    desk.person.launch()
    getattr(desk.ec2, faults).extend([None, lost_answer()] if faults == "none" else [lost_answer()])
    desk.region.machines.look = dict  # type: ignore[method-assign]
    desk.look()
    del desk.region.machines.look
    worker = desk.look(60)
    assert (len(desk.ec2.instances), worker.instance) == (1, "i-00000000000000000")


def test_a_service_that_dies_between_row_and_launch_is_gone_on_from(desk: Desk) -> None:
    desk.person.launch()
    desk.ec2.faults_before.append(KeyboardInterrupt())  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        desk.service.look(may_start=True)
    assert desk.store.ad_hoc.list_live()[0].status is AdHocStatus.LAUNCHING
    desk.restart()
    worker = desk.look(5)
    assert (len(desk.ec2.instances), worker.instance) == (1, "i-00000000000000000")


def test_one_that_dies_after_the_launch_finds_its_machine_by_its_tags(desk: Desk) -> None:
    desk.person.launch()
    desk.ec2.faults_after.append(KeyboardInterrupt())  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        desk.service.look(may_start=True)
    desk.restart()
    desk.ec2.calls.clear()
    assert desk.look(5).instance == "i-00000000000000000"
    assert "run_instances" not in desk.ec2.calls


def test_two_services_at_once_launch_one_machine(desk: Desk) -> None:
    desk.person.launch()
    both = threading.Barrier(2)
    ask = desk.ec2.run_instances

    def in_step(**request: Any) -> Any:
        both.wait(10)
        return ask(**request)

    first = desk.service
    desk.restart()
    # the first froze it and stands still; the second asks for the same
    desk.ec2.run_instances = in_step  # type: ignore[method-assign]
    slow = threading.Thread(target=lambda: first.look(may_start=True))
    slow.start()
    while not both.n_waiting:
        pass
    desk.service.look(may_start=True)
    slow.join()
    assert len(desk.ec2.instances) == 1
    assert desk.person.worker().instance == "i-00000000000000000"


def test_without_capacity_every_way_is_tried_and_then_it_is_said(store: Store) -> None:
    desk = Desk(store, empty=set(SUBNETS))
    desk.person.launch()
    worker = desk.look()
    assert worker.status is AdHocStatus.FAILED
    assert "No machine of the size small can be had now" in (worker.message or "")
    assert "t3a.medium in subnet-b" in (worker.message or "")
    assert desk.ec2.calls.count("run_instances") == 4
    assert (worker.machine_seconds, worker.cost) == (None, None)


def test_where_one_way_has_no_capacity_the_next_is_taken(store: Store) -> None:
    desk = Desk(store, empty=set(SUBNETS[:3]))
    worker, instance = desk.ready()
    assert (worker.turn, instance.request["InstanceType"], instance.request["SubnetId"]) == (
        3,
        "t3a.medium",
        "subnet-b",
    )
    assert desk.reaped()[0].startswith("stays")


def test_what_an_operator_must_mend_fails_with_a_sentence(desk: Desk) -> None:
    desk.person.launch()
    desk.ec2.faults_before.append(client_error("InvalidGroup.NotFound", "no such group"))
    worker = desk.look()
    assert worker.status is AdHocStatus.FAILED
    assert "EC2 refused the security group" in (worker.message or "")


def test_while_ec2_is_throttled_it_waits_and_says_for_what(desk: Desk) -> None:
    desk.person.launch()
    desk.ec2.faults_before.append(client_error("RequestLimitExceeded", status=503))
    waiting = desk.look()
    assert (waiting.status, waiting.message) == (AdHocStatus.LAUNCHING, "EC2 can't launch now (RequestLimitExceeded)")
    launched = desk.look(5)
    assert (launched.instance, launched.message) == ("i-00000000000000000", None)


def test_its_end_is_asked_for_and_what_it_cost_is_recorded(desk: Desk) -> None:
    worker, _ = desk.ready()
    desk.person.stop()
    over = desk.look(HOUR - 5)
    assert desk.ec2.living == []
    assert (over.status, over.message, over.machine_seconds) == (AdHocStatus.STOPPED, "Stopped by ann.", HOUR)
    assert worker.hourly is None or over.cost == worker.hourly


def test_one_that_is_stopped_before_ec2_shows_it_is_ended_all_the_same(store: Store) -> None:
    desk = Desk(store, shows_after=timedelta(seconds=30))
    desk.person.launch()
    desk.look()
    desk.person.stop()
    assert desk.look(5).status is AdHocStatus.LAUNCHING
    assert desk.look(30).status is AdHocStatus.STOPPED
    assert desk.ec2.living == []


def test_one_that_is_stopped_before_its_launch_never_gets_a_machine(desk: Desk) -> None:
    desk.person.launch()
    desk.person.stop()
    assert desk.look().status is AdHocStatus.STOPPED
    assert desk.ec2.instances == {}


def test_a_launch_that_is_stopped_while_its_answer_is_lost_leaves_no_machine(desk: Desk) -> None:
    desk.person.launch()
    desk.ec2.faults_after.append(lost_answer())
    desk.look()
    desk.person.stop()
    desk.look(60)
    assert desk.look(5).status is AdHocStatus.STOPPED
    assert desk.ec2.living == []


def test_at_its_deadline_it_is_ended(desk: Desk) -> None:
    desk.ready(hours=1)
    assert desk.look(HOUR - 6).status is AdHocStatus.READY
    over = desk.look(1)
    assert (over.status, over.message) == (AdHocStatus.ENDED, "Its time was over.")
    assert desk.ec2.living == []


def test_an_extension_reaches_the_machine_before_its_first_end(desk: Desk) -> None:
    _, instance = desk.ready(hours=1)
    desk.region.seconds = HOUR / 2
    desk.person.extend(hours=2)
    desk.look()
    assert tags(instance)["jupyter-schedule:deadline"] == "2026-11-23T14:30:00Z"
    assert desk.look(HOUR).status is AdHocStatus.READY
    assert desk.look(HOUR).status is AdHocStatus.ENDED


def test_an_extension_that_cannot_be_told_is_said_and_tried_again(desk: Desk) -> None:
    _, instance = desk.ready(hours=1)
    desk.person.extend(hours=2)
    desk.region.machines.all()
    desk.ec2.faults_before += [client_error("UnauthorizedOperation", status=403)]
    desk.region.machines.forget = lambda: None  # type: ignore[method-assign]
    desk.service.look(may_start=True)
    del desk.region.machines.forget
    assert "couldn't be told its new end" in (desk.person.worker().message or "")
    assert desk.look(5).message is None
    assert tags(instance)["jupyter-schedule:deadline"] == "2026-11-23T14:00:05Z"


@pytest.mark.parametrize(
    ("why", "told"),
    [
        ("Client.UserInitiatedShutdown", "It was ended from outside (Client.UserInitiatedShutdown)."),
        ("Client.InstanceInitiatedShutdown", "It was shut down from inside."),
    ],
)
def test_one_that_was_ended_at_ec2_is_seen_to_be_over(desk: Desk, why: str, told: str) -> None:
    _, instance = desk.ready()
    desk.ec2.end(instance.id, why)
    over = desk.look(60)
    assert (over.status, over.machine_seconds) == (AdHocStatus.ENDED, 65)
    assert over.message == told


def test_hours_that_pass_while_the_service_is_away_are_counted(desk: Desk) -> None:
    _, instance = desk.ready(hours=2)
    desk.region.seconds = 2 * HOUR
    desk.ec2.end(instance.id)
    desk.restart()
    over = desk.look(30 * HOUR)
    assert (over.status, over.machine_seconds) == (AdHocStatus.ENDED, 2 * HOUR)
    assert desk.store.runs.machine_seconds_since(START) == {"ann": 2 * HOUR}


class TestCaps:
    def test_a_machine_more_than_may_be_at_once_is_refused_with_the_cap(self, desk: Desk) -> None:
        desk.most = 3
        desk.restart()
        desk.runs["ec2"] = 3
        desk.person.launch()
        worker = desk.look()
        assert worker.status is AdHocStatus.FAILED
        assert (worker.message or "").startswith("Not started: at most 3 machines may be at work at once")
        assert desk.ec2.instances == {}

    def test_others_ad_hoc_workers_count_as_machines(self, desk: Desk) -> None:
        desk.most = 1
        desk.restart()
        desk.ready()
        AdHocOperations(desk.store, "bob", desk.region.now).launch()
        desk.look(1)
        (bobs,) = desk.store.ad_hoc.list_newest("bob")
        assert "ec2.max_machines" in (bobs.message or "")

    def test_hours_are_a_cap_and_living_machines_count_up_to_now(self, desk: Desk) -> None:
        hours = {"max_machine_hours_per_owner": 2}
        desk.configure(SETTINGS.model_copy(update=hours), max_per_owner=2)
        desk.ready()
        desk.region.seconds = 2 * HOUR
        desk.person.launch()
        worker = desk.look()
        assert worker.status is AdHocStatus.FAILED
        assert "2.0 machine-hours in November" in (worker.message or "")
        assert "ec2.max_machine_hours_per_owner" in (worker.message or "")


class TestReaper:
    def test_a_live_row_owns_its_machine_and_the_reaper_says_whose_it_is(self, desk: Desk) -> None:
        desk.ready(hours=3)
        desk.region.seconds = 16 * 60
        assert desk.reaped()[0] == (
            "stays    eu-west-1  i-00000000000000000  ad-hoc worker of ann, since 2026-11-23T12:00:00Z: "
            "at work until 2026-11-23T15:00:00Z at the latest"
        )

    def test_one_whose_answer_was_lost_belongs_to_its_row(self, desk: Desk) -> None:
        desk.person.launch()
        desk.ec2.faults_after.append(lost_answer())
        desk.look()
        desk.region.seconds = 14 * 60
        assert desk.reaped()[0].startswith("stays")

    def test_past_its_deadline_it_goes_unless_the_ledger_has_a_later_one(self, desk: Desk) -> None:
        desk.ready(hours=1)
        desk.region.seconds = HOUR - 1
        desk.person.extend(hours=2)
        desk.region.seconds = HOUR + 1
        assert "until 2026-11-23T14:59:59Z" in desk.reaped()[0]
        desk.region.seconds = 3 * HOUR
        assert desk.reaped()[0].endswith("past its deadline")
        assert desk.ec2.living == []

    def test_without_a_row_it_goes_after_its_quarantine(self, desk: Desk, tmp_path: Path) -> None:
        desk.ready()
        other = open_store(f"sqlite:///{tmp_path}/other.sqlite3")
        desk.region.seconds = 16 * 60
        desk.store = other
        assert desk.reaped()[0].endswith("no ledger of this deployment knows it")
        other.close()

    def test_what_a_row_that_is_over_or_went_another_way_left_goes(self, store: Store) -> None:
        desk = Desk(store)
        _, instance = desk.ready()
        live = desk.person.worker()
        assert store.ad_hoc.replace(live, live.model_copy(update={"instance": "i-other"}), actor="x")
        desk.region.seconds = 16 * 60
        assert desk.reaped()[0].endswith(
            f"{instance.id}  ad-hoc worker of ann, since 2026-11-23T12:00:00Z: nobody needs it any more"
        )


def test_when_it_is_not_allowed_any_more_nothing_starts_and_what_lives_is_still_ended(desk: Desk) -> None:
    desk.ready(hours=1)
    desk.configure(SETTINGS, max_per_owner=2)
    desk.person.launch()
    desk.settings = SETTINGS
    desk.restart()
    worker = desk.look()
    assert (worker.status, "aren't allowed any more" in (worker.message or "")) == (AdHocStatus.FAILED, True)
    desk.look(HOUR)
    assert desk.ec2.living == []


def test_while_nothing_may_start_it_waits_and_what_lives_is_looked_after(desk: Desk) -> None:
    desk.person.launch()
    assert desk.look(may_start=False).status is AdHocStatus.ASKED
    assert desk.look().status is AdHocStatus.LAUNCHING
    desk.person.stop()
    assert desk.look(5, may_start=False).status is AdHocStatus.STOPPED
