"""Who may write to publications, and what is owed to leave the areas that everybody can read."""

import pytest

from jupyter_schedule.core.models import Publisher, Run, RunStatus, Schedule, Visibility
from jupyter_schedule.core.store.base import Store
from tests.databases import Clock
from tests.factories import make_run, make_schedule, make_spec, take_runs

PUBLIC, OTHER, PRIVATE = "s3://bucket/public", "s3://bucket/former", "file:///private"
DAY = 86_400


def only(store: Store) -> Schedule:
    """The schedule that there is."""
    found = store.schedules.find("flights", owner="local")
    assert found
    return found


def edit(store: Store, visibility: Visibility, base: str) -> Schedule:
    """Another version of the schedule that there is."""
    before = only(store)
    spec = before.spec.model_copy(update={"visibility": visibility, "publication_base": base})
    after = before.model_copy(update={"version": before.version + 1, "spec": spec})
    assert store.schedules.replace(before, after, actor="ann", kind="schedule_changed")
    return after


def publishing(store: Store) -> Run:
    """A run that is being published, of the schedule that there is."""
    schedule = only(store)
    run = make_run(schedule, status=RunStatus.RUNNING, attempt=1)
    store.runs.add(run, actor="service")
    (claimed,) = take_runs(store, "one")
    after = claimed.model_copy(update={"status": RunStatus.PUBLISHING})
    assert store.runs.replace(claimed, after, actor="service")
    return after


def publisher_of(store: Store, run: Run, version: int | None = 1) -> Publisher:
    """Who publishes it in the public area, or without a version in a private one."""
    area = None if version is None else PUBLIC
    return Publisher(run_id=run.id, fence=run.fence, schedule_id=run.schedule_id, version=version, area=area)


@pytest.fixture
def public(store: Store) -> Store:
    """With a schedule that is public."""
    spec = make_spec(visibility=Visibility.PUBLIC, publication_base=PUBLIC)
    store.schedules.add(make_schedule("flights", spec=spec))
    return store


class TestPublications:
    @pytest.mark.promise("P33")
    def test_who_makes_a_schedule_private_owes_its_withdrawal_from_every_area_that_it_was_public_in(
        self, public: Store
    ) -> None:
        edit(public, Visibility.PUBLIC, OTHER)
        assert public.publications.list_owed() == []
        edit(public, Visibility.PRIVATE, PRIVATE)
        owed = public.publications.list_owed()
        assert [(each.schedule, each.area, each.version, each.tries) for each in owed] == [
            ("flights", OTHER, 3, 0),
            ("flights", PUBLIC, 3, 0),
        ]
        assert public.publications.list_owed(owner="local") == owed
        assert public.publications.list_owed(owner="somebody-else") == []
        edit(public, Visibility.NONE, PRIVATE)
        assert public.publications.list_owed() == owed

    def test_what_was_never_public_owes_nothing(self, store: Store) -> None:
        store.schedules.add(make_schedule("flights"))
        edit(store, Visibility.NONE, PRIVATE)
        edit(store, Visibility.PRIVATE, PRIVATE)
        assert store.publications.list_owed() == []

    def test_an_edit_of_what_is_no_longer_so_owes_nothing(self, public: Store) -> None:
        before = only(public)
        edit(public, Visibility.PUBLIC, PUBLIC)
        private = before.spec.model_copy(update={"visibility": Visibility.PRIVATE, "publication_base": PRIVATE})
        stale = before.model_copy(update={"version": 2, "spec": private})
        assert not public.schedules.replace(before, stale, actor="ann", kind=None)
        assert public.publications.list_owed() == []

    def test_who_makes_it_public_again_owes_nothing_and_what_was_claimed_is_not_its_claimants_any_more(
        self, public: Store
    ) -> None:
        edit(public, Visibility.PRIVATE, PRIVATE)
        claimed = public.publications.claim(60)
        assert claimed is not None
        edit(public, Visibility.PUBLIC, PUBLIC)
        assert public.publications.list_owed() == []
        assert not public.publications.keep(claimed, 60)
        edit(public, Visibility.PRIVATE, PRIVATE)
        assert public.publications.claim(60) is not None
        assert not public.publications.keep(claimed, 60)
        assert not public.publications.mark_done(claimed)
        assert len(public.publications.list_owed()) == 1

    def test_one_tries_a_withdrawal_at_a_time_for_as_long_as_it_says_that_it_does(
        self, public: Store, clock: Clock
    ) -> None:
        edit(public, Visibility.PRIVATE, PRIVATE)
        first = public.publications.claim(60)
        assert first is not None
        assert first.tries == 1
        clock.at(40)
        assert public.publications.claim(60) is None
        assert public.publications.keep(first, 60)
        clock.at(90)
        assert public.publications.claim(60) is None
        clock.at(101)
        second = public.publications.claim(60)
        assert second is not None
        assert not public.publications.keep(first, 60)
        assert not public.publications.put_off(first, 1, remaining=None, trouble=None)
        assert not public.publications.mark_done(first)
        assert public.publications.mark_done(second)
        assert public.publications.list_owed() == []
        assert [each.kind for each in public.events(0)][-1] == "withdrawn"

    def test_a_try_that_failed_is_told_and_put_off(self, public: Store, clock: Clock) -> None:
        edit(public, Visibility.PRIVATE, PRIVATE)
        claimed = public.publications.claim(60)
        assert claimed is not None
        clock.at(5)
        assert public.publications.put_off(claimed, 8, remaining=3, trouble="It is away.")
        (owed,) = public.publications.list_owed()
        assert (owed.remaining, owed.trouble, owed.tried_at) == (3, "It is away.", clock.time)
        clock.at(12)
        assert public.publications.claim(60) is None
        clock.at(14)
        again = public.publications.claim(60)
        assert again is not None
        assert (again.tries, again.trouble) == (2, "It is away.")

    @pytest.mark.promise("P33")
    def test_a_publisher_is_current_until_its_run_changes_hands_or_ends_or_its_schedule_its_version(
        self, public: Store, clock: Clock
    ) -> None:
        run = publishing(public)
        publisher, private = publisher_of(public, run), publisher_of(public, run, version=None)
        assert public.publications.sign_on(publisher)
        assert public.publications.is_current(publisher)
        edit(public, Visibility.PUBLIC, PUBLIC)
        assert not public.publications.is_current(publisher)
        assert not public.publications.sign_on(publisher)
        assert public.publications.is_current(private)
        newer = publisher_of(public, run, version=2)
        assert public.publications.is_current(newer)
        clock.at(31)
        (taken,) = take_runs(public, "another")
        assert not public.publications.is_current(newer)
        assert not public.publications.is_current(private)
        mine = publisher_of(public, taken, version=2)
        assert public.publications.is_current(mine)
        ended = taken.model_copy(update={"status": RunStatus.SUCCEEDED})
        assert public.runs.replace(taken, ended, actor="service")
        assert not public.publications.is_current(mine)
        assert not public.publications.sign_on(mine)

    @pytest.mark.promise("P33")
    def test_a_run_ends_with_its_publisher_only_at_the_version_that_it_was_published_under(self, public: Store) -> None:
        run = publishing(public)
        ended = run.model_copy(update={"status": RunStatus.SUCCEEDED})
        publisher = publisher_of(public, run)
        assert public.publications.sign_on(publisher)
        edit(public, Visibility.PRIVATE, PRIVATE)
        assert not public.runs.replace(run, ended, actor="service", publisher=publisher)
        (owed,) = public.publications.list_owed()
        assert owed.publishers == 1
        assert public.runs.replace(run, ended, actor="service", publisher=publisher.model_copy(update={"version": 2}))
        (owed,) = public.publications.list_owed()
        assert owed.publishers == 0

    def test_a_publisher_counts_until_it_signs_off_and_for_a_day_at_most(self, public: Store, clock: Clock) -> None:
        run = publishing(public)
        publisher = publisher_of(public, run)
        assert public.publications.sign_on(publisher)
        assert public.publications.sign_on(publisher)
        edit(public, Visibility.PRIVATE, PRIVATE)

        def counted() -> int:
            (owed,) = public.publications.list_owed()
            return owed.publishers

        assert counted() == 1
        assert public.publications.is_written("flights", owner="local")
        assert not public.publications.is_written("other", owner="local")
        assert not public.publications.is_written("flights", owner="ann")
        clock.at(DAY + 1)
        assert counted() == 0
        assert not public.publications.is_written("flights", owner="local")
        clock.at(1)
        public.publications.sign_off(publisher)
        public.publications.sign_off(publisher)
        assert counted() == 0

    def test_what_waited_for_a_publisher_may_be_tried_as_soon_as_that_has_signed_off(
        self, public: Store, clock: Clock
    ) -> None:
        publisher = publisher_of(public, publishing(public))
        assert public.publications.sign_on(publisher)
        edit(public, Visibility.PRIVATE, PRIVATE)
        claimed = public.publications.claim(60)
        assert claimed is not None
        assert public.publications.put_off(claimed, 600, remaining=0, trouble=None)
        assert public.publications.claim(60) is None
        public.publications.sign_off(publisher)
        assert public.publications.claim(60) is not None
