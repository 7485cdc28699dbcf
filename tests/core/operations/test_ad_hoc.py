"""Who gets an ad-hoc worker, for how long, and what it lets in."""

import base64
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.ad_hoc_workers import ended, public_key
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import AdHocAllowance, AdHocStatus, LauncherCatalog, LauncherInfo, MachineSize
from jupyter_schedule.core.operations.ad_hoc import AdHocOperations
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.factory import open_store
from tests.factories import NOON, make_ad_hoc

HOUR = timedelta(hours=1)
KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519" + bytes(36)).decode()
SIZES = (
    MachineSize(name="small", hardware="2 cores, 8 GB", hourly=Decimal("0.1")),
    MachineSize(name="gpu", hardware="8 cores, 1 GPU"),
)


class Person:
    """Somebody at a ledger in which a service has announced what it offers."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.time = NOON

    def __call__(self, owner: str = "ann") -> AdHocOperations:
        return AdHocOperations(self.store, owner, self.now)

    def now(self) -> datetime:
        return self.time

    def offered(self, **terms: Any) -> "Person":
        launchers = (
            LauncherInfo(name="local"),
            LauncherInfo(name="ec2", paid=True, sizes=SIZES, ad_hoc=AdHocAllowance(**terms)),
        )
        self.store.publish_catalog(LauncherCatalog(launchers=launchers), actor="scheduler")
        return self

    def refused(self, **asked: Any) -> Refused:
        with pytest.raises(Refused) as caught:
            self().launch(**asked)
        return caught.value


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    store = open_store(f"sqlite:///{tmp_path}/ledger.sqlite3")
    yield Person(store)
    store.close()


def test_who_names_nothing_gets_the_first_size_for_as_long_as_is_allowed(person: Person) -> None:
    asked = person.offered(hours=12)().launch()
    assert (asked.launcher, asked.size, asked.hardware, asked.hourly) == (
        "ec2",
        "small",
        "2 cores, 8 GB",
        SIZES[0].hourly,
    )
    assert (asked.owner, asked.status, asked.deadline) == ("ann", AdHocStatus.ASKED, NOON + 12 * HOUR)
    assert person.store.ad_hoc.list_live() == [asked]


def test_where_nobody_set_any_the_sentence_says_what_an_operator_has_to_set(person: Person) -> None:
    refused = person.refused()
    assert refused.code == "no_ad_hoc"
    assert "[ec2.ad_hoc]" in refused.message


@pytest.mark.parametrize(
    ("asked", "code", "says"),
    [
        ({"size": "huge"}, "no_such_size", "Choose one of small, gpu."),
        ({"launcher": "local"}, "no_such_launcher", "Choose ec2."),
        ({"hours": 13}, "too_long", "1 to 12 hours"),
        ({"hours": 0}, "too_long", "1 to 12 hours"),
        ({"ssh_key": "hello"}, "bad_key", ".pub"),
    ],
)
def test_what_cannot_be_had_is_refused_with_what_can(
    person: Person, asked: dict[str, Any], code: str, says: str
) -> None:
    refused = person.offered(hours=12).refused(**asked)
    assert refused.code == code
    assert says in refused.message
    assert person.store.ad_hoc.list_newest() == []


def test_who_may_is_the_operators_to_say(person: Person) -> None:
    person.offered(owners=("bob",))
    assert person.refused().code == "not_yours"
    assert person("bob").launch().owner == "bob"


def test_over_the_cap_the_refusal_names_it_and_those_that_count(person: Person) -> None:
    first = person.offered()().launch()
    refused = person.refused()
    assert refused.code == "too_many"
    assert first.id[:8] in refused.message
    assert "ec2.ad_hoc.max_per_owner" in refused.message
    assert person("bob").launch().owner == "bob"


def test_an_extension_counts_from_now_and_never_shortens(person: Person) -> None:
    asked = person.offered()().launch(hours=2)
    person.time += HOUR
    assert person().extend().deadline == NOON + 25 * HOUR
    with pytest.raises(Refused) as caught:
        person().extend(asked.id[:8], hours=3)
    assert caught.value.code == "lives_longer"
    assert person().worker().deadline == NOON + 25 * HOUR


def test_what_ends_is_not_extended(person: Person) -> None:
    person.offered()().launch(hours=1)
    person().stop()
    with pytest.raises(Refused, match="about to end"):
        person().extend()


def test_its_end_is_noted_once_with_who_asked(person: Person) -> None:
    person.offered()().launch()
    assert person().stop().stopped_by == "ann"
    seen = person.store.last_change()
    person().stop()
    assert person.store.last_change() == seen


def test_nobody_sees_or_touches_anothers(person: Person) -> None:
    hers = person.offered()().launch()
    assert person("bob").workers() == []
    for act in (person("bob").worker, person("bob").stop, person("bob").extend):
        with pytest.raises(Refused) as caught:
            act(hers.id)
        assert caught.value.code == "no_such_worker"


def test_one_that_is_over_is_said_to_be_so_with_its_last_words(person: Person) -> None:
    worker = person.offered()().launch()
    over = ended(worker, AdHocStatus.FAILED, "EC2 has no capacity.", NOON)
    person.store.ad_hoc.replace(worker, over, actor="scheduler")
    with pytest.raises(Refused, match=r"is over\. EC2 has no capacity\."):
        person().stop(worker.id)
    with pytest.raises(Refused, match="You have no ad-hoc worker now"):
        person().stop()


def test_of_several_it_has_to_be_said_which(person: Person) -> None:
    for _ in range(2):
        person.offered(per_owner=2)().launch()
    with pytest.raises(Refused) as caught:
        person().stop()
    assert caught.value.code == "which_worker"


def test_a_change_in_between_is_no_obstacle(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = person.offered()().launch(hours=1)
    replace = person.store.ad_hoc.replace

    def interrupted(before: Any, after: Any, *, actor: str) -> bool:
        monkeypatch.undo()
        assert replace(before, before.model_copy(update={"status": AdHocStatus.LAUNCHING}), actor="scheduler")
        return replace(before, after, actor=actor)

    monkeypatch.setattr(person.store.ad_hoc, "replace", interrupted)
    extended = person().extend(worker.id)
    assert (extended.status, extended.deadline) == (AdHocStatus.LAUNCHING, NOON + 24 * HOUR)


class TestKeys:
    def test_a_public_key_is_kept_without_its_comment(self) -> None:
        assert public_key(f"  {KEY} ann@laptop\n") == KEY

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "ssh-ed25519",
            "ssh-ed25519 ####",
            KEY.replace("ssh-ed25519", "ssh-rsa"),
            f'command="rm -rf /" {KEY}',
            f"{KEY}\n{KEY}",
            "ssh-dss AAAAB3NzaC1kc3M=",
            "ssh-ed25519 " + "A" * 5000,
        ],
    )
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(Refused) as caught:
            public_key(text)
        assert caught.value.code == "bad_key"

    def test_a_private_key_is_told_so_and_never_repeated(self) -> None:
        with pytest.raises(Refused) as caught:
            public_key("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n")
        assert "private key" in caught.value.message
        assert "c2VjcmV0" not in caught.value.message


class TestEnds:
    def test_a_machine_is_paid_for_from_its_launch_to_its_end(self) -> None:
        worker = make_ad_hoc(instance="i-1", launched_at=NOON, hourly=Decimal("0.2"))
        over = ended(worker, AdHocStatus.ENDED, "Over.", NOON + HOUR / 2)
        assert (over.machine_seconds, over.cost) == (1800, Decimal("0.1"))

    def test_without_a_machine_nothing_is_and_without_a_price_only_time(self) -> None:
        assert ended(make_ad_hoc(), AdHocStatus.FAILED, "No.", NOON).machine_seconds is None
        over = ended(make_ad_hoc(instance="i-1", launched_at=NOON), AdHocStatus.ENDED, "Over.", NOON + HOUR)
        assert (over.machine_seconds, over.cost) == (3600, None)

    def test_it_is_reached_by_ssh_where_it_has_an_address_and_by_session_manager_anyway(self) -> None:
        ready = make_ad_hoc(
            status=AdHocStatus.READY, instance="i-1", parameters={"region": "eu-west-1", "login_user": "ubuntu"}
        )
        session = "aws ssm start-session --region eu-west-1 --target i-1"
        assert ready.connect == (session,)
        assert ready.model_copy(update={"address": "192.0.2.1"}).connect == (session,)
        with_both = ready.model_copy(update={"address": "192.0.2.1", "ssh_key": KEY})
        assert with_both.connect == ("ssh ubuntu@192.0.2.1", session)
        assert with_both.model_copy(update={"status": AdHocStatus.LAUNCHING}).connect == ()
