"""What a person can ask for, against a real ledger and a clock that is given."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.config import StorageConfig
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Reason, Run, RunStatus, ScheduleState, Spec, Timing, Trigger, Visibility
from jupyter_schedule.core.object_keys import bundle_key
from jupyter_schedule.core.operations import names
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.publication_keys import PublicationKeys
from jupyter_schedule.core.storage.factory import LocalStorage
from jupyter_schedule.core.store.factory import open_store
from tests.factories import NOON, make_schedule, make_spec

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Desk:
    """One person's operations, with the clock in hand."""

    def __init__(self, folder: Path) -> None:
        self.time = NOON - HOUR
        self.area = LocalStorage(folder / "published")
        store = open_store(f"sqlite:///{folder}/ledger.sqlite3", self.now)
        objects = LocalStorage(folder / "objects")
        self.mine = Operations(store, objects, now=self.now)
        self.others = Operations(store, objects, owner="somebody-else", now=self.now)
        objects.put(bundle_key("0" * 64), b"")

    def now(self) -> datetime:
        return self.time

    def now_and_ever_later(self) -> datetime:
        """A look at the clock, which then goes on by two seconds."""
        self.time += 2 * SECOND
        return self.time - 2 * SECOND

    def spec(self, **changes: Any) -> Spec:
        return make_spec(publication_base=self.area.url("").rstrip("/"), **changes)

    def create(self, name: str = "daily", **changes: Any) -> None:
        self.mine.schedules.create(name, self.spec(**changes))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.mine.store.close()


def test_what_was_public_in_a_folder_goes_to_a_private_place_when_it_is_private(tmp_path: Path) -> None:
    """A folder is kept where a schedule has published up to now, but not one that a web server shows."""
    storage = StorageConfig(public=f"{tmp_path}/www", public_base="https://r.org")
    store = open_store(f"sqlite:///{tmp_path}/ledger.sqlite3", lambda: NOON)
    mine = Operations(store, LocalStorage(tmp_path / "objects"), storage=storage, published="file:///mine")
    public = mine.schedules.with_storage(make_spec(visibility=Visibility.PUBLIC))
    assert public.publication_base == storage.public
    private = public.model_copy(update={"visibility": Visibility.PRIVATE})
    assert mine.schedules.with_storage(private, known=public.publication_base).publication_base == "file:///mine"
    assert mine.schedules.with_storage(private, known="file:///his").publication_base == "file:///his"
    store.close()


def refusal(code: str) -> Any:
    return pytest.raises(Refused, check=lambda refused: refused.code == code)


class TestCreate:
    def test_a_new_schedule_is_due_at_the_first_occurrence_after_now(self, desk: Desk) -> None:
        desk.create()
        schedule = desk.mine.schedules.get("daily")
        assert (schedule.state, schedule.version, schedule.next_due) == (ScheduleState.ACTIVE, 1, NOON)
        assert desk.mine.runs.list_newest("daily") == []

    def test_created_at_the_very_time_it_waits_for_the_next_one(self, desk: Desk) -> None:
        desk.time = NOON
        desk.create()
        assert desk.mine.schedules.get("daily").next_due == NOON + DAY

    def test_a_time_that_comes_while_a_schedule_is_recorded_is_owed(self, desk: Desk) -> None:
        desk.time = NOON - SECOND
        desk.mine.context.now = desk.now_and_ever_later
        desk.create(timing=Timing(once=NOON))
        assert desk.mine.schedules.get("daily").next_due == NOON

    def test_a_taken_name_is_refused_with_a_free_one(self, desk: Desk) -> None:
        desk.create()
        desk.create("daily-2")
        with refusal("name_taken") as refused:
            desk.create()
        assert refused.value.message == "“daily” is taken. Try “daily-3”."
        assert refused.value.field == "name"

    def test_a_taken_name_is_called_taken_also_when_it_has_published(self, desk: Desk) -> None:
        desk.create()
        desk.area.put(PublicationKeys("daily").latest, b"{}")
        with refusal("name_taken"):
            desk.create()

    def test_a_name_whose_results_are_still_being_withdrawn_stays_reserved(self, desk: Desk) -> None:
        """Whoever had it next would have their results withdrawn with those."""
        store = desk.mine.store
        public = make_spec(visibility=Visibility.PUBLIC, publication_base="s3://bucket/public")
        store.schedules.add(make_schedule("daily", spec=public))
        private = make_schedule("daily", spec=desk.spec(), version=2)
        assert store.schedules.replace(make_schedule("daily", spec=public), private, actor="local", kind=None)
        desk.mine.schedules.delete("daily")
        with refusal("name_reserved"):
            desk.create()

        owed = store.publications.claim(60)
        assert owed is not None
        assert store.publications.mark_done(owed)
        desk.create()

    def test_a_name_whose_results_are_still_published_stays_reserved(self, desk: Desk) -> None:
        desk.create()
        desk.area.put(PublicationKeys("daily").latest, b"{}")
        desk.mine.schedules.delete("daily")
        with refusal("name_reserved"):
            desk.create()

        desk.area.delete(PublicationKeys("daily").latest)
        desk.create()

    @pytest.mark.parametrize(
        ("changes", "code", "field"),
        [
            ({"timing": Timing(cron="30 2 30 2 *")}, "never_matches", "cron"),
            ({"timing": Timing(cron="0 12 * *")}, "bad_cron", "cron"),
            ({"timing": Timing(cron="0 12 * * *", timezone="PST")}, "unknown_timezone", "timezone"),
            ({"timing": Timing(once=NOON - DAY)}, "in_the_past", "once"),
            ({"visibility": Visibility.PUBLIC}, "no_public_area", "visibility"),
            ({"bundle": "1" * 64}, "no_such_bundle", "files"),
            ({"launcher": "ec2"}, "no_such_launcher", "launcher"),
            ({"size": "large"}, "no_such_size", "size"),
        ],
    )
    def test_what_cannot_work_is_refused_at_its_field(
        self, desk: Desk, changes: dict[str, Any], code: str, field: str
    ) -> None:
        with refusal(code) as refused:
            desk.create(**changes)
        assert refused.value.field == field
        assert desk.mine.schedules.list_page() == []


class TestNames:
    @pytest.mark.parametrize("name", ["a", "slow-sql", "bikes_report.v2", "0", "x" * 63])
    def test_a_name_of_an_address_is_fine(self, name: str) -> None:
        names.check(name)

    @pytest.mark.parametrize(
        ("name", "suggestion"),
        [
            ("Slow SQL", "slow-sql"),
            ("é è", "e-e"),
            ("-a-", "a"),
            ("a..b", "a.b"),
            ("../../etc", "etc"),
            ("a\nb", "a-b"),
            ("y" * 64, "y" * 63),
        ],
    )
    def test_any_other_is_refused_with_the_nearest_that_is(self, name: str, suggestion: str) -> None:
        with refusal("bad_name") as refused:
            names.check(name)
        assert f"suggestion: “{suggestion}”" in refused.value.message
        names.check(suggestion)

    @pytest.mark.parametrize("name", ["", "…", "数据"])
    def test_where_nothing_is_left_nothing_is_suggested(self, name: str) -> None:
        with refusal("bad_name") as refused:
            names.check(name)
        assert "suggestion" not in refused.value.message
        assert names.suggest(name) == ""


class TestChange:
    @pytest.mark.promise("P6")
    def test_an_edit_settles_what_the_old_version_owed_under_the_old_version(self, desk: Desk) -> None:
        desk.create()
        desk.time = NOON + HOUR
        edited = desk.mine.schedules.edit("daily", desk.spec(timing=Timing(cron="0 15 * * *")), if_version=1)

        (owed,) = desk.mine.runs.list_newest("daily")
        assert (owed.version, owed.scheduled_for, owed.status) == (1, NOON, RunStatus.DUE)
        assert (edited.version, edited.timing_rev, edited.next_due) == (2, 2, NOON + 3 * HOUR)

    def test_an_edit_that_leaves_the_time_alone_keeps_the_timing(self, desk: Desk) -> None:
        desk.create()
        assert desk.mine.schedules.edit("daily", desk.spec(timeout=5), if_version=1).timing_rev == 1

    @pytest.mark.promise("P6")
    def test_an_edit_never_fires_a_time_that_the_old_version_did_not_have(self, desk: Desk) -> None:
        desk.create()
        desk.time = NOON + HOUR
        desk.mine.schedules.edit("daily", desk.spec(timing=Timing(cron="30 12 * * *")), if_version=1)
        assert [run.scheduled_for for run in desk.mine.runs.list_newest("daily")] == [NOON]

    def test_who_edits_an_older_version_is_told(self, desk: Desk) -> None:
        desk.create()
        desk.mine.schedules.edit("daily", desk.spec(timeout=5), if_version=1)
        with refusal("changed_elsewhere"):
            desk.mine.schedules.edit("daily", desk.spec(timeout=6), if_version=1)
        assert desk.mine.schedules.get("daily").spec.timeout == 5
        assert [version.version for version in desk.mine.schedules.list_versions("daily")] == [2, 1]

    def test_a_time_that_comes_while_an_edit_is_recorded_is_refused(self, desk: Desk) -> None:
        desk.create()
        desk.time = NOON - SECOND
        desk.mine.context.now = desk.now_and_ever_later
        with refusal("in_the_past"):
            desk.mine.schedules.edit("daily", desk.spec(timing=Timing(once=NOON)), if_version=1)

    @pytest.mark.promise("P6")
    def test_pausing_settles_first_and_resuming_fires_nothing_of_the_past(self, desk: Desk) -> None:
        desk.create()
        desk.time = NOON + HOUR
        assert desk.mine.schedules.pause("daily").next_due is None
        desk.time = NOON + 3 * DAY
        resumed = desk.mine.schedules.resume("daily")

        assert (resumed.state, resumed.next_due) == (ScheduleState.ACTIVE, NOON + 4 * DAY)
        skipped, owed = desk.mine.runs.list_newest("daily")
        assert (owed.scheduled_for, owed.status) == (NOON, RunStatus.DUE)
        assert (skipped.reason, skipped.scheduled_for, skipped.count) == (Reason.PAUSED, NOON + DAY, 3)

    def test_who_pauses_again_leaves_who_did_it_first_and_why(self, desk: Desk) -> None:
        desk.create()
        first = desk.mine.schedules.pause("daily", "Mending.").paused
        desk.time += HOUR
        assert desk.mine.schedules.pause("daily").paused == first
        again = desk.mine.schedules.pause("daily", "Moved.").paused
        assert again
        assert first
        assert (again.by, again.at, again.note) == (first.by, first.at, "Moved.")
        desk.mine.schedules.resume("daily")
        later = desk.mine.schedules.pause("daily").paused
        assert later
        assert (later.at, later.note) == (desk.time, "")

    def test_a_schedule_that_has_ended_is_started_again_by_an_edit_only(self, desk: Desk) -> None:
        desk.create(timing=Timing(once=NOON))
        desk.time = NOON + HOUR
        for ask in (desk.mine.schedules.pause, desk.mine.schedules.resume):
            with refusal("schedule_ended"):
                ask("daily")

        edited = desk.mine.schedules.edit("daily", desk.spec(timing=Timing(once=NOON + DAY)), if_version=1)
        assert (edited.state, edited.next_due) == (ScheduleState.ACTIVE, NOON + DAY)
        assert [run.scheduled_for for run in desk.mine.runs.list_newest("daily")] == [NOON]

    def test_a_new_timing_brings_back_a_schedule_that_a_wrong_clock_sent_into_the_future(self, desk: Desk) -> None:
        desk.create()
        desk.time = NOON + 3650 * DAY
        desk.mine.schedules.pause("daily")
        desk.mine.schedules.resume("daily")
        desk.time = NOON + HOUR
        assert desk.mine.schedules.edit(
            "daily", desk.spec(timing=Timing(cron="0 15 * * *")), if_version=1
        ).next_due == (NOON + 3 * HOUR)

    def test_a_new_single_time_counts_although_a_wrong_clock_was_past_it(self, desk: Desk) -> None:
        desk.create(timing=Timing(once=NOON))
        desk.time += 2 * DAY
        desk.mine.schedules.edit("daily", desk.spec(timing=Timing(once=NOON + 3 * DAY)), if_version=1)
        desk.time -= 2 * DAY
        edited = desk.mine.schedules.edit("daily", desk.spec(timing=Timing(once=NOON + DAY)), if_version=2)
        assert (edited.state, edited.next_due) == (ScheduleState.ACTIVE, NOON + DAY)

    def test_deleting_stops_what_is_open_and_frees_the_name(self, desk: Desk) -> None:
        desk.create()
        run = desk.mine.runs.run_now("daily")
        desk.mine.schedules.delete("daily")

        assert desk.mine.schedules.list_page() == []
        stored = desk.mine.store.runs.get(run.id)
        assert stored is not None
        assert stored.cancelled_by == "local"
        with refusal("name_reserved"):
            desk.create()
        desk.mine.store.runs.replace(stored, stored.model_copy(update={"status": RunStatus.CANCELLED}), actor="test")
        desk.create()


class TestRehearsal:
    def rehearsals(self, desk: Desk) -> list[tuple[int, str | None]]:
        """Version of each rehearsal, and who wanted it to stop, in the order in which they were made."""
        runs = sorted(desk.mine.runs.list_newest("daily"), key=lambda run: run.version)
        return [(run.version, run.cancelled_by) for run in runs if run.trigger is Trigger.REHEARSAL]

    def save(self, desk: Desk, **changes: Any) -> ScheduleState:
        schedule = desk.mine.schedules.get("daily")
        spec = schedule.spec.model_copy(update=changes)
        return desk.mine.schedules.edit("daily", spec, if_version=schedule.version).state

    def test_what_changes_nothing_of_a_run_lets_its_rehearsal_go_on(self, desk: Desk) -> None:
        desk.mine.schedules.create("daily", desk.spec(), rehearse=True)
        for changes in ({"timing": Timing(cron="0 6 * * *")}, {"visibility": Visibility.NONE}, {}):
            assert self.save(desk, **changes) is ScheduleState.REHEARSING
        assert self.rehearsals(desk) == [(1, None)]

    @pytest.mark.parametrize(
        "changes", [{"command": "./other.sh"}, {"parameters": {"n": 2}}, {"timeout": 5}, {"expect": ("a.csv",)}]
    )
    def test_what_changes_a_run_is_rehearsed_and_the_rehearsal_before_is_stopped(
        self, desk: Desk, changes: dict[str, Any]
    ) -> None:
        desk.mine.schedules.create("daily", desk.spec(), rehearse=True)
        assert self.save(desk, **changes) is ScheduleState.REHEARSING
        assert self.rehearsals(desk) == [(1, "local"), (2, None)]

    def test_who_begins_to_wait_is_rehearsed_whatever_was_rehearsed_before(self, desk: Desk) -> None:
        desk.create()
        desk.mine.schedules.edit("daily", desk.spec(), if_version=1, rehearse=True)
        assert self.rehearsals(desk) == [(2, None)]


class TestOnceOnly:
    def test_a_schedule_that_runs_once_only_has_ended_and_its_run_is_due(self, desk: Desk) -> None:
        schedule, run = desk.mine.schedules.create_once_only("daily", desk.spec())
        assert (schedule.state, schedule.next_due) == (ScheduleState.ENDED, None)
        assert (run.trigger, run.status, run.scheduled_for) == (Trigger.MANUAL, RunStatus.DUE, desk.time)

    def test_new_timing_starts_it_again(self, desk: Desk) -> None:
        desk.mine.schedules.create_once_only("daily", desk.spec())
        edited = desk.mine.schedules.edit("daily", desk.spec(), if_version=1)
        assert (edited.state, edited.next_due) == (ScheduleState.ACTIVE, NOON)


class TestRetry:
    def ended(self, desk: Desk) -> Run:
        desk.create()
        run = desk.mine.runs.run_now("daily")
        skipped = run.model_copy(update={"status": RunStatus.SKIPPED})
        assert desk.mine.store.runs.replace(run, skipped, actor="service")
        return skipped

    def test_the_same_version_runs_again_for_the_same_occurrence(self, desk: Desk) -> None:
        run = self.ended(desk)
        desk.mine.schedules.edit("daily", desk.spec(timeout=5), if_version=1)
        desk.time += HOUR
        again = desk.mine.runs.retry(run.id)

        assert (again.trigger, again.status, again.key) == (Trigger.RETRY, RunStatus.DUE, f"retry:{run.id}:1")
        assert (again.version, again.scheduled_for, again.created_at) == (1, run.scheduled_for, desk.time)
        assert (again.data_interval_start, again.data_interval_end) == (run.data_interval_start, run.data_interval_end)
        assert desk.mine.runs.retry(run.id).key == f"retry:{run.id}:2"

    def test_a_run_whose_code_went_is_not_run_again(self, desk: Desk) -> None:
        run = self.ended(desk)
        desk.mine.objects.delete(bundle_key("0" * 64))
        with refusal("code_removed"):
            desk.mine.runs.retry(run.id)

    def test_a_run_that_goes_on_is_not_doubled(self, desk: Desk) -> None:
        desk.create()
        with refusal("run_not_ended"):
            desk.mine.runs.retry(desk.mine.runs.run_now("daily").id)

    def test_nothing_of_a_deleted_schedule_runs_again(self, desk: Desk) -> None:
        run = self.ended(desk)
        desk.mine.schedules.delete("daily")
        with refusal("no_such_schedule"):
            desk.mine.runs.retry(run.id)


class TestRuns:
    def test_a_run_by_hand_is_due_at_once_and_does_not_touch_the_schedule(self, desk: Desk) -> None:
        desk.create()
        before = desk.mine.schedules.get("daily")
        run = desk.mine.runs.run_now("daily")

        assert (run.trigger, run.status, run.scheduled_for) == (Trigger.MANUAL, RunStatus.DUE, desk.time)
        assert desk.mine.schedules.get("daily") == before

    def test_a_run_is_found_by_the_beginning_of_its_id(self, desk: Desk) -> None:
        desk.create()
        run = desk.mine.runs.run_now("daily")
        assert desk.mine.runs.get(run.id[:8]) == run
        with refusal("no_such_run"):
            desk.mine.runs.get(run.id[:3])

    def test_the_beginning_of_an_id_is_looked_for_among_ones_own_runs(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[Any] = []
        desk.create()
        real = desk.mine.store.runs.list_by_prefix

        def runs(*arguments: Any, **options: Any) -> list[Run]:
            asked.append(options.get("owner"))
            return real(*arguments, **options)

        monkeypatch.setattr(desk.mine.store.runs, "list_by_prefix", runs)
        for text in ("abcd", "00000000-0000-4000-8000-000000000000", "abc"):
            with refusal("no_such_run"):
                desk.mine.runs.get(text)
        assert asked == ["local"]

    def test_a_wish_to_cancel_is_noted_with_who_had_it(self, desk: Desk) -> None:
        desk.create()
        assert desk.mine.runs.cancel(desk.mine.runs.run_now("daily").id).cancelled_by == "local"

    def test_a_run_that_has_ended_cannot_be_cancelled(self, desk: Desk) -> None:
        desk.create()
        run = desk.mine.runs.run_now("daily")
        ended = run.model_copy(update={"status": RunStatus.CANCELLED})
        desk.mine.store.runs.replace(run, ended, actor="test")
        with refusal("run_ended"):
            desk.mine.runs.cancel(run.id)


class TestOwners:
    def test_what_is_anothers_is_as_if_it_did_not_exist(self, desk: Desk) -> None:
        desk.create()
        run = desk.mine.runs.run_now("daily")
        others = desk.others

        assert others.schedules.list_page() == []
        assert others.runs.list_newest() == []
        for ask in (
            lambda: others.schedules.get("daily"),
            lambda: others.schedules.pause("daily"),
            lambda: others.schedules.resume("daily"),
            lambda: others.schedules.delete("daily"),
            lambda: others.schedules.edit("daily", desk.spec(), if_version=1),
            lambda: others.runs.run_now("daily"),
            lambda: others.runs.list_newest("daily"),
            lambda: others.schedules.list_versions("daily"),
        ):
            with refusal("no_such_schedule"):
                ask()
        for ask_of_run in (others.runs.get, others.runs.cancel):
            with refusal("no_such_run"):
                ask_of_run(run.id)

    def test_a_name_that_is_misspelt_is_answered_with_the_one_that_was_meant(self, desk: Desk) -> None:
        desk.create()
        with refusal("no_such_schedule") as refused:
            desk.mine.schedules.get("dialy")
        assert refused.value.message == "There is no schedule “dialy”. Did you mean “daily”?"
