"""Nights on which clocks change, clocks that are wrong, and machines that sleep, played through the service."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from jupyter_schedule.core.models import CatchUp, Policies, Reason, RunStatus, ScheduleState, Timing
from jupyter_schedule.core.storage.factory import S3Address, S3Storage
from jupyter_schedule.core.store.leader_lock import Blocker
from scheduler_service.anonymous_get import server_time
from scheduler_service.tick import LEAST_FREE
from tests.factories import NOON
from tests.scheduler_service.played import MINUTE, SECOND, Play

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def at(text: str) -> datetime:
    """An instant, as `2026-03-29T00:00Z`."""
    return datetime.fromisoformat(text).astimezone(UTC)


@contextmanager
def dated(now: Callable[[], datetime]) -> Iterator[str]:
    """A server that refuses everything, with a date."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(403)
            self.send_header("Date", format_datetime(now(), usegmt=True))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


#: night by night: the zone, when it begins, how long it is looked at, the expression, and when it fires
NIGHTS = {
    "the missing 02:30 in Berlin runs once, at 03:00": (
        "Europe/Berlin", "2026-03-28T20:00Z", 10, "30 2 * * *", ["2026-03-29T01:00:00Z"],
    ),
    "the repeated 02:30 in Berlin runs once, the first time": (
        "Europe/Berlin", "2026-10-24T20:00Z", 10, "30 2 * * *", ["2026-10-25T00:30:00Z"],
    ),
    "the missing 02:30 in New York runs once, at 03:00": (
        "America/New_York", "2026-03-08T04:00Z", 10, "30 2 * * *", ["2026-03-08T07:00:00Z"],
    ),
    "the repeated 01:30 in New York runs once, the first time": (
        "America/New_York", "2026-11-01T03:00Z", 10, "30 1 * * *", ["2026-11-01T05:30:00Z"],
    ),
    "the missing midnight in Santiago runs at 01:00 of that day": (
        "America/Santiago", "2026-09-06T02:00Z", 10, "0 0 * * *", ["2026-09-06T04:00:00Z"],
    ),
    "the repeated 23:30 in Santiago runs once, the first time": (
        "America/Santiago", "2026-04-04T20:00Z", 14, "30 23 * * *", ["2026-04-05T02:30:00Z"],
    ),
}  # fmt: skip


class TestNights:
    @pytest.mark.parametrize("night", NIGHTS)
    def test_on_a_night_of_change(self, tmp_path: Path, night: str) -> None:
        zone, start, hours, cron, expected = NIGHTS[night]
        play = Play(tmp_path, at(start))
        play.schedule("nightly", cron, zone)
        play.until(at(start) + hours * HOUR, step=10 * MINUTE)
        assert play.fired("nightly") == expected, night

    @pytest.mark.parametrize(
        "hour", [2, *(pytest.param(hour, marks=pytest.mark.proof("simulation")) for hour in range(10) if hour != 2)]
    )
    def test_a_restart_at_any_hour_of_that_night_changes_nothing(self, tmp_path: Path, hour: int) -> None:
        for number, (zone, start, hours, cron, expected) in enumerate(NIGHTS.values()):
            folder = tmp_path / str(number)
            folder.mkdir()
            play = Play(folder, at(start))
            play.schedule("nightly", cron, zone)
            play.until(at(start) + hour * HOUR, step=30 * MINUTE)
            play.restart()
            play.until(at(start) + hours * HOUR, step=30 * MINUTE)
            assert play.fired("nightly") == expected

    @pytest.mark.parametrize(
        ("zone", "midnight", "hours"),
        [
            ("Europe/Berlin", "2026-03-28T23:00Z", 23),
            ("Europe/Berlin", "2026-10-24T22:00Z", 25),
            ("America/New_York", "2026-03-08T05:00Z", 23),
            ("America/New_York", "2026-11-01T04:00Z", 25),
            ("America/Santiago", "2026-09-06T04:00Z", 23),
            ("America/Santiago", "2026-04-04T03:00Z", 25),
        ],
    )
    def test_an_hourly_schedule_runs_as_often_as_that_day_has_hours(
        self, tmp_path: Path, zone: str, midnight: str, hours: int
    ) -> None:
        start = at(midnight) - MINUTE
        play = Play(tmp_path, start)
        play.schedule("hourly", "0 * * * *", zone)
        play.until(start + hours * HOUR, step=30 * MINUTE)
        fired = play.fired("hourly")
        assert fired == [f"{at(midnight) + step * HOUR:%Y-%m-%dT%H:%M:%SZ}" for step in range(hours)]


class TestClocks:
    @pytest.mark.promise("P14")
    def test_a_clock_that_is_set_back_fires_nothing_twice(self, tmp_path: Path) -> None:
        play = Play(tmp_path)
        play.schedule("hourly", "0 * * * *")
        play.until(NOON + 3 * HOUR, step=10 * MINUTE)
        play.set_clock(NOON)
        play.until(NOON + 5 * HOUR, step=10 * MINUTE)

        assert play.fired("hourly") == [f"{NOON + step * HOUR:%Y-%m-%dT%H:%M:%SZ}" for step in range(1, 6)]

    def test_a_clock_that_jumps_ahead_and_back_fires_nothing_twice_and_accounts_for_all(self, tmp_path: Path) -> None:
        play = Play(tmp_path)
        play.schedule("hourly", "0 * * * *")
        play.set_clock(NOON + 3 * HOUR)
        play.settle()
        play.set_clock(NOON + MINUTE)
        play.until(NOON + 5 * HOUR, step=10 * MINUTE)

        covered = Counter(run.scheduled_for + step * HOUR for run in play.runs("hourly") for step in range(run.count))
        assert covered == Counter(NOON + step * HOUR for step in range(1, 6))

    @pytest.mark.promise("P15")
    def test_a_clock_that_the_database_contradicts_starts_nothing_until_they_agree(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        play = Play(tmp_path)
        monkeypatch.setattr(play.store, "clock", lambda: NOON + timedelta(seconds=play.since_boot), raising=False)
        play.schedule("hourly", "0 * * * *")
        play.settle()
        play.set_clock(NOON + 3 * HOUR)
        play.operations.runs.run_now("hourly")
        play.settle()
        hindered_by = play.ticker.blocker
        assert hindered_by is Blocker.CLOCK
        assert [run.status for run in play.runs("hourly")] == [RunStatus.DUE]

        play.set_clock(NOON + timedelta(seconds=play.since_boot))
        play.settle()
        assert play.ticker.blocker is None
        assert [run.status for run in play.runs("hourly")] == [RunStatus.SUCCEEDED]

    def test_a_failure_seen_by_a_clock_that_is_not_believed_brings_nothing_before_its_time(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A schedule that pauses itself settles what it owes until the time that is believed."""
        play = Play(tmp_path)
        monkeypatch.setattr(play.store, "clock", lambda: NOON + timedelta(seconds=play.since_boot), raising=False)
        play.workers.finishes = False
        play.schedule("fragile", "0 * * * *", policies=Policies(pause_after=1), catch_up=CatchUp.ALL)
        play.until(NOON + HOUR + MINUTE)
        play.set_clock(play.now + 3 * HOUR)
        play.workers.finish(next(iter(play.workers.going)), exit_code=1)
        play.settle()
        assert play.ticker.blocker is Blocker.CLOCK
        assert [(run.scheduled_for, run.status) for run in play.runs("fragile")] == [(NOON + HOUR, RunStatus.FAILED)]
        (failed,) = play.runs("fragile")
        paused = play.operations.schedules.get("fragile").paused
        assert failed.ended_at is not None
        assert paused is not None
        for moment in (failed.ended_at, paused.at):
            assert NOON + HOUR <= moment < NOON + HOUR + 2 * MINUTE

    @pytest.mark.parametrize("when", ["set ahead", "wrong from the start"])
    def test_a_rehearsal_that_ends_by_a_clock_that_is_not_believed_starts_its_schedule_at_the_real_time(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
    ) -> None:
        play = Play(tmp_path)
        monkeypatch.setattr(play.store, "clock", lambda: NOON + timedelta(seconds=play.since_boot), raising=False)
        play.workers.finishes = False
        play.operations.schedules.create("careful", play.spec(timing=Timing(cron="0 * * * *")), rehearse=True)
        play.settle()
        play.set_clock(play.now + 3 * HOUR)
        if when == "wrong from the start":
            play.restart()
        play.workers.finish(next(iter(play.workers.going)))
        play.settle()
        assert play.ticker.blocker is Blocker.CLOCK
        schedule = play.operations.schedules.get("careful")
        assert (schedule.state, schedule.next_due) == (ScheduleState.ACTIVE, NOON + HOUR)

    @pytest.mark.parametrize("hours", [3, -3])
    def test_with_a_file_the_date_of_the_object_store_is_the_second_clock_and_no_tick_asks_for_it(
        self, tmp_path: Path, hours: int
    ) -> None:
        play = Play(tmp_path)
        with dated(lambda: NOON + timedelta(seconds=play.since_boot)) as endpoint:
            play.clock.observe(server_time(S3Storage(S3Address("bucket", endpoint=endpoint))))
        play.settle()
        play.set_clock(NOON + hours * HOUR)
        play.settle()
        assert play.ticker.blocker is Blocker.CLOCK

        play.set_clock(NOON + timedelta(seconds=play.since_boot))
        play.settle()
        assert play.ticker.blocker is None

    def test_a_cursor_that_a_wrong_clock_put_a_year_ahead_is_told_and_taken_back(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The schedule was silent for a year, and nobody heard why."""
        play = Play(tmp_path)
        play.schedule("hourly", "0 * * * *")
        play.until(NOON + 2 * HOUR, step=10 * MINUTE)
        right = play.now
        play.set_clock(right + 365 * DAY)
        play.settle()
        play.set_clock(right)
        play.restart()
        play.settle()
        assert "action=cursors_ahead schedules=1 first=hourly" in caplog.text
        assert play.operations.schedules.get("hourly").cursor > right + 360 * DAY
        play.until(right + 5 * HOUR, step=10 * MINUTE)
        assert "action=cursor_taken_back schedule=hourly" in caplog.text
        fired = [time for time in play.fired("hourly") if time < f"{right + DAY:%Y-%m-%dT%H:%M:%SZ}"]
        # the time that the row of the skipped year begins with is in the ledger
        assert fired == [f"{NOON + step * HOUR:%Y-%m-%dT%H:%M:%SZ}" for step in (1, 2, 4, 5, 6, 7)]

    def test_a_clock_that_stands_before_what_people_did_takes_nothing_back(self, tmp_path: Path) -> None:
        """A machine that booted without a clock of its own is right again in a moment."""
        play = Play(tmp_path)
        play.schedule("hourly", "0 * * * *")
        play.until(NOON + 2 * HOUR, step=10 * MINUTE)
        right = play.now
        play.set_clock(right - 365 * DAY)
        play.until(right - 364 * DAY, step=HOUR)
        assert play.operations.schedules.get("hourly").cursor == right
        play.set_clock(right)
        play.until(right + 2 * HOUR, step=10 * MINUTE)
        assert len(play.fired("hourly")) == 4

    @pytest.mark.promise("P15")
    def test_a_lone_service_whose_clock_is_behind_the_databases_starts_nothing_and_says_so(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It said nothing, and was hours late with everything."""
        play = Play(tmp_path)
        monkeypatch.setattr(play.store, "clock", lambda: NOON + timedelta(seconds=play.since_boot), raising=False)
        play.set_clock(NOON - 3 * HOUR)
        play.restart()
        play.settle()
        assert play.ticker.blocker is Blocker.CLOCK

    def test_a_file_alone_never_stops_a_clock(self, tmp_path: Path) -> None:
        play = Play(tmp_path)
        play.schedule("hourly", "0 * * * *")
        play.settle()
        play.set_clock(NOON + 3 * HOUR)
        play.settle()
        assert play.fired("hourly") == ["2026-11-24T15:00:00Z"]

    def test_what_is_going_is_looked_after_by_a_clock_that_is_doubted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        play = Play(tmp_path)
        monkeypatch.setattr(play.store, "clock", lambda: NOON, raising=False)
        play.schedule("daily")
        play.workers.finishes = False
        run = play.operations.runs.run_now("daily")
        play.settle()
        play.set_clock(NOON + DAY)
        play.workers.finish(next(iter(play.workers.going)))
        play.settle()
        assert play.operations.runs.get(run.id).status == RunStatus.SUCCEEDED

    def test_who_waits_for_a_clock_that_is_believed_can_be_cancelled(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        play = Play(tmp_path)
        monkeypatch.setattr(play.store, "clock", lambda: NOON, raising=False)
        play.schedule("daily")
        play.settle()
        play.set_clock(NOON + DAY)
        run = play.operations.runs.run_now("daily")
        play.settle()
        play.operations.runs.cancel(run.id)
        play.settle()
        assert play.ticker.blocker is Blocker.CLOCK
        assert play.operations.runs.get(run.id).status == RunStatus.CANCELLED


class TestRoom:
    @pytest.mark.promise("P22")
    def test_a_disk_that_is_nearly_full_takes_rows_and_starts_nothing_until_there_is_room(self, tmp_path: Path) -> None:
        play = Play(tmp_path)
        play.schedule("hourly", "0 * * * *")
        play.workers.failing = 1
        waiting = play.operations.runs.run_now("hourly")
        play.settle(1)
        play.free = LEAST_FREE - 1
        play.until(NOON + HOUR, step=10 * MINUTE)
        hindered_by = play.ticker.blocker
        assert hindered_by is Blocker.DISK
        assert [run.status for run in play.runs("hourly")] == [RunStatus.LAUNCHING, RunStatus.DUE]
        assert play.workers.launched == []

        play.free = LEAST_FREE
        play.until(NOON + HOUR + 5 * MINUTE)
        assert play.ticker.blocker is None
        assert {run.status for run in play.runs("hourly")} == {RunStatus.SUCCEEDED}
        assert [attempt.run_id for attempt in play.workers.launched].count(waiting.id) == 1
        assert len(play.workers.launched) == 2

    def test_who_waits_for_room_can_be_cancelled(self, tmp_path: Path) -> None:
        play = Play(tmp_path)
        play.schedule("hourly", "0 * * * *")
        play.free = 0
        run = play.operations.runs.run_now("hourly")
        play.settle()
        play.operations.runs.cancel(run.id)
        play.settle()
        assert play.operations.runs.get(run.id).status == RunStatus.CANCELLED


class TestSleep:
    def test_a_laptop_that_slept_runs_the_newest_time_and_accounts_for_the_others(self, tmp_path: Path) -> None:
        play = Play(tmp_path)
        play.schedule("hourly", "0 * * * *")
        play.settle()
        play.sleep(10 * HOUR + MINUTE)
        play.settle()

        stretch, newest = play.runs("hourly")
        assert (stretch.status, stretch.reason, stretch.count) == (RunStatus.SKIPPED, Reason.MISSED, 9)
        assert (newest.status, newest.scheduled_for) == (RunStatus.SUCCEEDED, NOON + 10 * HOUR)

    def test_a_run_that_slept_with_its_laptop_has_all_its_time_left(self, tmp_path: Path) -> None:
        play = Play(tmp_path)
        play.schedule("daily", timeout=60)
        play.workers.finishes = False
        run = play.operations.runs.run_now("daily")
        play.settle()
        play.sleep(10 * HOUR)
        play.workers.beat("after the sleep")
        play.settle()
        assert play.operations.runs.get(run.id).status == RunStatus.RUNNING
        assert play.workers.asked == []

    def test_a_run_that_is_awake_past_its_deadline_is_stopped(self, tmp_path: Path) -> None:
        play = Play(tmp_path)
        play.schedule("daily", timeout=60)
        play.workers.finishes = False
        run = play.operations.runs.run_now("daily")
        play.settle()
        play.until(NOON + 85 * MINUTE, each=lambda: play.workers.beat(str(play.now)))
        ended = play.operations.runs.get(run.id)
        assert (ended.status, ended.reason) == (RunStatus.TIMED_OUT, Reason.TIME_LIMIT)
        assert len(play.workers.launched) == 1


class TestCatchUp:
    """A service that was down from noon to 15:30, and an hourly schedule."""

    @pytest.mark.promise("P4")
    @pytest.mark.parametrize(
        ("catch_up", "skipped", "executed"),
        [
            (CatchUp.LATEST, 2, ["2026-11-24T15:00:00Z"]),
            (CatchUp.ALL, 0, ["2026-11-24T13:00:00Z", "2026-11-24T14:00:00Z", "2026-11-24T15:00:00Z"]),
            (CatchUp.NONE, 3, []),
        ],
    )
    def test_what_was_missed_is_run_as_the_schedule_says_and_accounted_for(
        self, tmp_path: Path, catch_up: CatchUp, skipped: int, executed: list[str]
    ) -> None:
        play = Play(tmp_path)
        play.schedule("hourly", "0 * * * *", catch_up=catch_up)
        play.pass_by(3 * HOUR + 30 * MINUTE)
        play.restart()
        play.settle(12)

        assert play.fired("hourly") == executed
        assert sum(run.count for run in play.runs("hourly") if run.status == RunStatus.SKIPPED) == skipped

    def test_a_time_that_passed_a_moment_ago_was_not_missed(self, tmp_path: Path) -> None:
        play = Play(tmp_path)
        play.schedule("hourly", "0 * * * *", catch_up=CatchUp.NONE)
        play.pass_by(HOUR + 59 * SECOND)
        play.settle()
        assert play.fired("hourly") == ["2026-11-24T13:00:00Z"]

    def test_all_catches_up_on_a_hundred_at_most_the_newest_ones(self, tmp_path: Path) -> None:
        play = Play(tmp_path)
        play.schedule("minutes", "* * * * *", catch_up=CatchUp.ALL)
        play.pass_by(150 * MINUTE)
        play.settle()
        stretch, *wanted = play.runs("minutes")
        assert (stretch.count, len(wanted)) == (50, 100)
        assert wanted[-1].scheduled_for == NOON + 150 * MINUTE
