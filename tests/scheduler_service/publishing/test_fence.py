"""Whoever wakes up late in the middle of publishing changes nothing that readers see for good."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.models import Run, RunStatus, Schedule, Visibility
from jupyter_schedule.core.storage.factory import LocalStorage, ObjectStorage, S3Storage
from scheduler_service.publishing import fence as module
from scheduler_service.publishing.fence import Fence, PublisherFenced
from scheduler_service.publishing.unpublish import Unpublisher
from tests.factories import NOON, make_schedule, public_spec
from tests.s3_servers import S3Server
from tests.scheduler_service.played import SECOND, Play
from tests.scheduler_service.stores import MemoryObjects, Watched

FILES = {"a.csv": b"country,clients\nDE,100\n", "b.csv": b"country,clients\nFR,200\n"}
DAY = timedelta(days=1)
PUBLIC, PRIVATE = "file:///public", "file:///private"


@pytest.fixture
def _time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between any two steps so much that the ledger is asked before each of them."""
    monkeypatch.setattr(module, "GOOD_FOR", 0)


class Stopped(Watched):
    """An area whose caller is stopped before the nth call, from 0, while something else happens, and then goes on."""

    def __init__(self, inner: ObjectStorage, call: int, meanwhile: Callable[[], None]) -> None:
        super().__init__(inner)
        self.left = call
        self._meanwhile = meanwhile

    def before(self, method: str, key: str) -> None:
        self.left -= 1
        if self.left == -1:
            self._meanwhile()


class Areas:
    """A deployment with a public area and a private one, and a public run that is about to be published."""

    def __init__(self, folder: Path, make: Callable[[Path], ObjectStorage], *, in_memory: bool = True) -> None:
        """in_memory: the ledger is."""
        folder.mkdir()
        self.play = Play(folder, in_memory=in_memory)
        self.public, self.private = make(folder / "public"), make(folder / "private")
        self.areas = {PUBLIC: self.public, PRIVATE: self.private}
        self.play.open_area = self.areas.__getitem__
        spec = public_spec(publication_base=PUBLIC)
        self.play.store.schedules.add(make_schedule("flights", spec=spec))
        self.play.workers.finishes = False
        self.play.settle(2)
        (token,) = self.play.workers.going
        self.play.workers.finish(token, files=FILES)

    @property
    def schedule(self) -> Schedule:
        found = self.play.store.schedules.find("flights", owner="local")
        assert found
        return found

    @property
    def run(self) -> Run:
        (found,) = self.play.store.runs.list_newest()
        return found

    def change(self, **changes: Any) -> None:
        """As an edit does."""
        before = self.schedule
        spec = before.spec.model_copy(update=changes)
        after = before.model_copy(update={"version": before.version + 1, "spec": spec})
        assert self.play.store.schedules.replace(before, after, actor="ann", kind="schedule_changed")

    def make_private(self) -> None:
        self.change(visibility=Visibility.PRIVATE, publication_base=PRIVATE)

    def maintain(self) -> None:
        Unpublisher(self.play.store, self._plain).look(self.play.now)

    def _plain(self, name: str) -> ObjectStorage:
        """The maintenance of a service that nobody stopped."""
        return {PUBLIC: self.public, PRIVATE: self.private}[name]

    def stop_publisher_before(self, call: int, meanwhile: Callable[[], None]) -> bool:
        """Publish, with something happening before that call of the public area; False when there is no such call."""
        stopped = Stopped(self.public, call, meanwhile)
        self.areas[PUBLIC] = stopped
        self.play.ticker.tick()
        self.areas[PUBLIC] = self.public
        return stopped.left < 0

    def go_on(self) -> None:
        """An hour passes, with ticks and maintenance."""
        for _ in range(12):
            self.play.pass_by(timedelta(minutes=5))
            self.play.settle(2)
            self.maintain()

    def assert_private(self) -> None:
        """Nothing is public, all is private, and nothing is owed."""
        assert [stored.key for stored in self.public.list()] == []
        assert self.play.store.publications.list_owed() == []
        assert (self.run.status, self.run.message) == (RunStatus.SUCCEEDED, "It ended with code 0.")
        assert {path: self.private.get(f"flights/data/{path}") for path in FILES} == FILES
        assert self.run.publication is not None
        assert self.run.publication.url == self.private.url("flights/data/")


class NamedObjects(MemoryObjects):
    """With addresses that tell one area from another."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def url(self, key: str) -> str:
        return f"memory://{self._name}/{key}"


def in_memory(folder: Path) -> ObjectStorage:
    return NamedObjects(folder.name)


@pytest.mark.promise("P33")
@pytest.mark.parametrize("make", [in_memory, LocalStorage], ids=["memory", "folder"])
def test_a_publisher_stopped_before_any_step_while_its_schedule_becomes_private_leaves_nothing_public(
    tmp_path: Path, make: Callable[[Path], ObjectStorage]
) -> None:
    stop_before_each_step(tmp_path, make)


@pytest.mark.proof("faults")
def test_so_does_one_that_publishes_on_s3(tmp_path: Path, moto: S3Server) -> None:
    addresses = {each: moto.address(moto.bucket(each)) for each in ("public", "private")}

    def make(folder: Path) -> ObjectStorage:
        return S3Storage(replace(addresses[folder.name], prefix=f"{folder.parent.name}/"))

    stop_before_each_step(tmp_path, make)


def stop_before_each_step(tmp_path: Path, make: Callable[[Path], ObjectStorage]) -> None:
    for call in range(100):
        here = Areas(tmp_path / str(call), make)

        def meanwhile(here: Areas = here) -> None:
            here.make_private()
            here.maintain()

        reached = here.stop_publisher_before(call, meanwhile)
        if not reached:
            break
        here.go_on()
        here.assert_private()
    assert call > 20


@pytest.mark.promise("P33")
def test_a_publisher_stopped_before_any_step_until_another_has_ended_its_run_privately_leaves_nothing_public(
    tmp_path: Path,
) -> None:
    """What was withdrawn meanwhile stays so, though nobody publishes that run any more."""
    for call in range(100):
        here = Areas(tmp_path / str(call), in_memory)

        def meanwhile(here: Areas = here) -> None:
            here.make_private()
            here.areas[PUBLIC] = here.public
            here.play.pass_by(61 * SECOND)
            other = here.play.another_service()
            while not here.run.status.terminal:
                other.tick()
            for _ in range(12):
                here.maintain()
                here.play.pass_by(timedelta(minutes=10))

        reached = here.stop_publisher_before(call, meanwhile)
        if not reached:
            break
        here.go_on()
        here.assert_private()
    assert call > 20


@pytest.mark.parametrize("make", [in_memory, LocalStorage], ids=["memory", "folder"])
def test_a_publisher_that_never_comes_back_is_waited_for_a_day(
    tmp_path: Path, make: Callable[[Path], ObjectStorage], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Areas(tmp_path / "here", make, in_memory=False)

    class Killed(BaseException):
        pass

    def kill() -> None:
        raise Killed

    with monkeypatch.context() as dead:
        dead.setattr(here.play.store.publications, "sign_off", lambda _: None)
        with pytest.raises(Killed):
            here.stop_publisher_before(12, kill)
    here.make_private()
    here.play.pass_by(61 * SECOND)
    here.play.ticker = here.play.another_service()
    here.go_on()
    assert list(here.public.list()) == []
    assert [each.publishers for each in here.play.store.publications.list_owed()] == [1]
    here.play.pass_by(DAY)
    here.maintain()
    here.assert_private()


@pytest.mark.usefixtures("_time_passes")
def test_a_publisher_that_another_overtook_writes_nothing_more_to_a_private_area_either(tmp_path: Path) -> None:
    for call in range(3, 100):
        here = Areas(tmp_path / str(call), in_memory)
        here.change(visibility=Visibility.PRIVATE, publication_base=PRIVATE)
        content: dict[str, bytes] = {}
        assert isinstance(here.private, MemoryObjects)

        def meanwhile(here: Areas = here, content: dict[str, bytes] = content) -> None:
            here.areas[PRIVATE] = here.private
            here.play.pass_by(61 * SECOND)
            other = here.play.another_service()
            while not here.run.status.terminal:
                other.tick()
            content |= here.private.content  # type: ignore[attr-defined]
            # as if somebody had removed all of it: the late one would bring it back
            here.private.content.clear()  # type: ignore[attr-defined]

        stopped = Stopped(here.private, call, meanwhile)
        here.areas[PRIVATE] = stopped
        here.play.ticker.tick()
        if stopped.left >= 0:
            break
        assert len(here.private.content) <= 1
        assert content
    assert call > 15


def test_an_edit_that_changes_no_privacy_keeps_no_run_from_being_published(tmp_path: Path) -> None:
    for call in range(0, 100, 3):
        here = Areas(tmp_path / str(call), in_memory)
        reached = here.stop_publisher_before(call, lambda here=here: here.change(timeout=77))  # type: ignore[misc]
        here.go_on()
        assert here.run.status == RunStatus.SUCCEEDED
        assert {path: here.public.get(f"flights/data/{path}") for path in FILES} == FILES
        if not reached:
            return


def test_what_became_private_after_the_last_step_and_before_the_end_is_published_privately(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end is written with the look at the schedule, or not at all."""
    here = Areas(tmp_path / "here", in_memory, in_memory=False)
    replace = here.play.store.runs.replace

    def late(before: Run, after: Run, **told: Any) -> bool:
        if after.status.terminal and here.schedule.version == 1:
            here.make_private()
            here.maintain()
        return replace(before, after, **told)

    monkeypatch.setattr(here.play.store.runs, "replace", late)
    here.go_on()
    here.assert_private()


@pytest.mark.usefixtures("_time_passes")
def test_a_withdrawal_that_wakes_up_late_removes_nothing_of_what_is_public_again(tmp_path: Path) -> None:
    for call in range(100):
        here = Areas(tmp_path / str(call), in_memory)
        here.play.settle()
        assert here.run.status == RunStatus.SUCCEEDED
        here.make_private()

        def meanwhile(here: Areas = here) -> None:
            here.change(visibility=Visibility.PUBLIC, publication_base=PUBLIC)
            here.public.put("flights/latest.json", b"new")
            here.public.put("flights/index.html", b"new")

        stopped = Stopped(here.public, call, meanwhile)
        Unpublisher(here.play.store, {PUBLIC: stopped, PRIVATE: here.private}.__getitem__).look(NOON)
        if stopped.left >= 0:
            break
        kept = [here.public.get_or_none(f"flights/{name}") for name in ("latest.json", "index.html")]
        assert b"new" in kept, "one step that had been let pass may still be done, and no other"
    assert call > 10


def test_an_answer_is_good_for_a_moment_and_not_for_who_was_stopped() -> None:
    asked: list[float] = []
    now = [100.0]

    def is_ours() -> bool:
        asked.append(now[0])
        return len(asked) < 3

    fence = Fence(is_ours, lambda: now[0])
    for later in (0, 0.01, 0.03):
        now[0] = 100 + later
        fence.check()
    assert asked == [100]
    now[0] = 100.06
    fence.check()
    assert asked == [100, 100.06]
    now[0] = 3700
    with pytest.raises(PublisherFenced):
        fence.check()
    with pytest.raises(PublisherFenced):
        fence.check()
