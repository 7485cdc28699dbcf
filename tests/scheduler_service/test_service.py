"""The service at work: real agents, real files, a clock that is given where one matters."""

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jupyter_schedule.core import clock
from jupyter_schedule.core.models import (
    CatchUp,
    Kernel,
    Outcome,
    Overlap,
    Reason,
    RunStatus,
    Schedule,
    Timing,
    Trigger,
    Visibility,
)
from scheduler_service.worker import processes
from tests.engine import Engine, eventually
from tests.scheduler_service.worker.test_supervise import linux, read_or_empty

APIA = ZoneInfo("Pacific/Apia")
DAILY_IN_APIA = Timing(cron="0 12 * * *", timezone=APIA.key)
EVERY_MINUTE = Timing(cron="* * * * *")
#: waits until a test says go, by making the file `go` beside the data folder
WAIT_FOR_GO = 'echo waiting; until [ -e "$GO" ]; do sleep 0.05; done; echo went on'


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(tmp_path)
    yield made
    go(made)  # what still waits, after a test that failed, ends


@pytest.fixture
def waiting(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Schedule:
    monkeypatch.setenv("GO", str(engine.root / "go"))
    return engine.script("waiting", f'{WAIT_FOR_GO}; echo 1 > "$OUTPUT_DIR/out.csv"', env=("GO",))


def go(engine: Engine) -> None:
    (engine.root / "go").touch()


class TestMainJob:
    def test_a_run_by_hand_runs_and_its_output_folder_is_published(self, engine: Engine) -> None:
        engine.script("hello", 'echo hello; mkdir "$OUTPUT_DIR/sub"; echo 1 > "$OUTPUT_DIR/sub/a b.csv"')
        with engine.service():
            run = engine.ended(engine.run("hello"))

        assert (run.status, run.reason) == (RunStatus.SUCCEEDED, Reason.OK)
        assert engine.published("hello") == {"sub/a b.csv": "1\n"}
        assert run.publication is not None
        assert run.publication.url.endswith("/published/hello/data/")
        assert [file.path for file in run.publication.files] == ["sub/a b.csv"]
        assert engine.log(run) == "hello\n"

    def test_the_run_knows_when_it_was_due_and_which_day_it_processes(self, engine: Engine) -> None:
        engine.script("when", 'printf "%s\\n" "$SCHEDULED_FOR" "$DATA_DATE" "$RUN_ID"', timing=DAILY_IN_APIA)
        with engine.service():
            run = engine.ended(engine.run("when"))

        day_before = (run.scheduled_for.astimezone(APIA) - timedelta(days=1)).date()
        due = run.scheduled_for.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert engine.log(run).split()[:3] == [due, day_before.isoformat(), run.id]

    @pytest.mark.promise("P3")
    def test_a_schedule_fires_by_the_clock_within_a_second_of_its_minute(self, tmp_path: Path) -> None:
        now = shortly_before_the_minute()
        engine = Engine(tmp_path, now)
        schedule = engine.script("clock", "echo tick", timing=EVERY_MINUTE)
        with engine.service():
            (run,) = eventually(lambda: engine.operations.runs.list_newest("clock"), what="the minute")
            run = engine.ended(run)

        assert run.trigger == Trigger.SCHEDULE
        assert run.scheduled_for == schedule.next_due
        assert run.created_at - run.scheduled_for <= timedelta(seconds=1)
        assert run.status == RunStatus.SUCCEEDED

    def test_two_services_on_one_store_fire_once(self, tmp_path: Path) -> None:
        now = shortly_before_the_minute()
        engine = Engine(tmp_path, now)
        engine.script("once", "echo tick", timing=EVERY_MINUTE)
        with engine.service(), engine.service():
            (run,) = eventually(lambda: engine.operations.runs.list_newest("once"), what="the minute")
            engine.ended(run)

        assert len(engine.operations.runs.list_newest("once")) == 1
        assert len(engine.operations.runs.list_attempts(run)) == 1

    def test_what_was_missed_is_caught_up_and_accounted_for(self, tmp_path: Path) -> None:
        engine = Engine(tmp_path)
        engine.script("missed", "echo tick", timing=EVERY_MINUTE)
        three_minutes = timedelta(minutes=3)
        with engine.service(lambda: clock.now() + three_minutes):
            run = engine.ended(eventually(lambda: engine.operations.runs.list_newest("missed"), what="the catch-up")[0])

        _, stretch = engine.operations.runs.list_newest("missed")
        assert run.status == RunStatus.SUCCEEDED
        assert (stretch.status, stretch.reason, stretch.count) == (RunStatus.SKIPPED, Reason.MISSED, 2)

    def test_a_run_finds_what_it_published_before(self, engine: Engine) -> None:
        engine.script(
            "weekly",
            'ls "$PREVIOUS_DIR"; touch "$OUTPUT_DIR/$RUN_ID.csv" "$OUTPUT_DIR/other.txt"',
            previous=("*.csv",),
        )
        with engine.service():
            first = engine.ended(engine.run("weekly"))
            second = engine.ended(engine.run("weekly"))

        assert engine.log(first) == ""
        assert engine.log(second) == f"{first.id}.csv\n"

    def test_a_run_that_breaks_its_output_contract_fails_and_publishes_nothing(self, engine: Engine) -> None:
        engine.script("half", 'echo n > "$OUTPUT_DIR/out.csv"', expect=("out.csv rows>=1",))
        with engine.service():
            run = engine.ended(engine.run("half"))

        assert (run.status, run.reason) == (RunStatus.FAILED, Reason.CONTRACT)
        assert run.message == "out.csv has 0 rows; at least 1 expected."
        assert not (engine.root / "published" / "half").exists()
        assert engine.operations.files.read(run, "output/out.csv") == b"n\n"

    def test_nothing_is_published_where_nothing_should_be(self, engine: Engine) -> None:
        engine.script("quiet", 'echo 1 > "$OUTPUT_DIR/out.csv"', visibility=Visibility.NONE)
        with engine.service():
            run = engine.ended(engine.run("quiet"))

        assert (run.status, run.publication) == (RunStatus.SUCCEEDED, None)
        assert not (engine.root / "published").exists()
        assert engine.operations.files.read(run, "output/out.csv") == b"1\n"


class TestEnds:
    @pytest.mark.parametrize(
        ("script", "status", "reason", "sentence"),
        [
            ("exit 3", RunStatus.FAILED, Reason.EXIT_CODE, "exit code 3"),
            ("true", RunStatus.SUCCEEDED, Reason.EMPTY_OUTPUT, "is empty, so nothing was published"),
            ("./missing.sh", RunStatus.FAILED, Reason.EXIT_CODE, "not found"),
        ],
    )
    def test_a_command_ends_in_its_own_way(
        self, engine: Engine, script: str, status: RunStatus, reason: Reason, sentence: str
    ) -> None:
        engine.script("ends", f"echo before; {script}")
        with engine.service():
            run = engine.ended(engine.run("ends"))

        assert (run.status, run.reason) == (status, reason)
        assert run.message is not None
        assert sentence in run.message
        assert engine.log(run).startswith("before\n")

    def test_a_failed_run_publishes_nothing_and_keeps_its_files(self, engine: Engine) -> None:
        engine.script("fails", 'echo 1 > "$OUTPUT_DIR/out.csv"; exit 1')
        with engine.service():
            run = engine.ended(engine.run("fails"))

        assert run.publication is None
        assert not (engine.root / "published" / "fails").exists()
        assert engine.operations.files.read(run, "output/out.csv") == b"1\n"

    def test_a_bundle_that_is_not_what_was_recorded_never_runs(self, engine: Engine) -> None:
        schedule = engine.script("altered", "echo original")
        other = engine.script("other", "echo altered")
        area = Path(engine.places.folder) / "objects" / "bundles"
        shutil.copy(area / f"{other.spec.bundle}.tar.gz", area / f"{schedule.spec.bundle}.tar.gz")
        with engine.service():
            run = engine.ended(engine.run("altered"))

        assert (run.status, run.reason) == (RunStatus.FAILED, Reason.BUNDLE_UNUSABLE)
        assert "altered" not in engine.log(run)

    def test_a_kernel_that_vanished_since_is_named(self, engine: Engine) -> None:
        gone = Kernel(name="python3", display_name="Python 3", argv=("/gone/python", "-m", "ipykernel_launcher"))
        engine.script("gone", "echo never", kernel=gone)
        with engine.service():
            run = engine.ended(engine.run("gone"))

        assert (run.status, run.reason) == (RunStatus.FAILED, Reason.ENVIRONMENT_GONE)
        assert "/gone/python" in (run.message or "")

    def test_a_run_that_is_going_stops_when_somebody_asks(self, engine: Engine, waiting: Schedule) -> None:
        with engine.service():
            run = engine.started(engine.run(waiting.name))
            engine.operations.runs.cancel(run.id)
            run = engine.ended(run)

        assert (run.status, run.reason) == (RunStatus.CANCELLED, Reason.BY_HAND)
        assert processes.find_marked(f"{run.id}.1") == []
        assert engine.log(run).startswith("waiting\n")

    def test_a_run_that_has_not_started_is_cancelled_before_anything_runs(
        self, engine: Engine, waiting: Schedule
    ) -> None:
        with engine.service():
            first = engine.started(engine.run(waiting.name))
            second = engine.run(waiting.name)
            engine.operations.runs.cancel(second.id)
            second = engine.ended(second)
            go(engine)
            first = engine.ended(first)

        assert (second.status, second.attempt) == (RunStatus.CANCELLED, 0)
        assert first.status == RunStatus.SUCCEEDED


class TestFaults:
    def test_a_killed_service_loses_nothing_and_the_next_one_adopts_the_run(
        self, engine: Engine, waiting: Schedule
    ) -> None:
        with engine.service_process() as first:
            run = engine.started(engine.run(waiting.name))
            first.send_signal(signal.SIGKILL)
            first.wait()
        go(engine)
        with engine.service_process():
            run = engine.ended(run)

        assert run.status == RunStatus.SUCCEEDED
        assert len(engine.operations.runs.list_attempts(run)) == 1
        assert engine.log(run) == "waiting\nwent on\n"

    def test_a_service_that_stands_by_takes_over_from_one_that_dies(self, engine: Engine, waiting: Schedule) -> None:
        with ExitStack() as both:
            first = both.enter_context(engine.service_process())
            run = engine.started(engine.run(waiting.name))
            both.enter_context(engine.service_process())
            first.send_signal(signal.SIGKILL)
            go(engine)
            run = engine.ended(run)

        assert (run.status, len(engine.operations.runs.list_attempts(run))) == (RunStatus.SUCCEEDED, 1)

    def test_of_two_services_that_name_the_file_by_an_address_one_ticks(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        engines = []
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
            engines.append(Engine(tmp_path / name, ledger=f"sqlite:///{tmp_path}/ledger.db"))
        caplog.set_level("INFO", "scheduler_service.service")
        with engines[0].service():
            eventually(lambda: "action=ticking" in caplog.text, what="the first that ticks")
            with engines[1].service():
                eventually(lambda: "action=standby" in caplog.text, what="the second that stands by")
                assert caplog.text.count("action=ticking") == 1

    def test_a_service_stops_ticking_when_whoever_started_it_ends(self, engine: Engine, waiting: Schedule) -> None:
        with engine.service_process() as service:
            run = engine.started(engine.run(waiting.name))
            assert service.stdin is not None
            service.stdin.close()
            assert service.wait(60) == 0
            assert processes.find_marked(f"{run.id}.1")
        go(engine)
        with engine.service_process():
            assert engine.ended(run).status == RunStatus.SUCCEEDED

    @pytest.mark.promise("P20")
    def test_a_killed_agent_is_swept_and_followed_by_another_attempt(self, engine: Engine, waiting: Schedule) -> None:
        with engine.service():
            run = engine.started(engine.run(waiting.name))
            attempt = eventually(lambda: next((a for a in engine.operations.runs.list_attempts(run) if a.handle), None))
            assert attempt.handle is not None
            os.kill(attempt.handle["pid"], signal.SIGKILL)
            eventually(lambda: len(engine.operations.runs.list_attempts(run)) == 2, what="the second attempt")
            assert processes.find_marked(f"{run.id}.1") == []
            go(engine)
            run = engine.ended(run)

        assert list((engine.places.folder / "work").iterdir()) == []
        lost, finished = engine.operations.runs.list_attempts(run)
        assert run.status == RunStatus.SUCCEEDED
        assert (lost.outcome, finished.outcome) == (Outcome.LOST, Outcome.FINISHED)

    @linux
    def test_what_forgot_where_it_comes_from_dies_with_a_killed_agent(self, engine: Engine) -> None:
        engine.script("stray", f"setsid env -i bash -c 'exec -a stray-{engine.root.name} sleep 1000' & echo on; wait")
        with engine.service():
            run = engine.started(engine.run("stray"))
            attempt = eventually(lambda: next((a for a in engine.operations.runs.list_attempts(run) if a.handle), None))
            assert attempt.handle is not None
            os.kill(attempt.handle["pid"], signal.SIGKILL)
            eventually(lambda: len(engine.operations.runs.list_attempts(run)) == 2, what="the second attempt")
            engine.operations.runs.cancel(run.id)
            engine.ended(run)
        commands = [read_or_empty(folder / "cmdline") for folder in Path("/proc").iterdir() if folder.name.isdigit()]
        assert [command for command in commands if f"stray-{engine.root.name}".encode() in command] == []

    def test_an_attempt_whose_launch_was_never_answered_is_launched_again_but_starts_once(
        self, engine: Engine, waiting: Schedule
    ) -> None:
        with engine.service_process() as first:
            run = engine.started(engine.run(waiting.name))
            first.send_signal(signal.SIGKILL)
            first.wait()
        (attempt,) = engine.operations.runs.list_attempts(run)
        engine.store.runs.replace_attempt(
            engine.operations.runs.get(run.id), attempt.model_copy(update={"handle": None})
        )
        go(engine)
        with engine.service():
            run = engine.ended(run)

        assert (run.status, len(engine.operations.runs.list_attempts(run))) == (RunStatus.SUCCEEDED, 1)
        assert engine.log(run) == "waiting\nwent on\n"


class TestPolicies:
    @pytest.mark.promise("P7")
    def test_two_runs_of_a_schedule_never_go_at_once(self, engine: Engine, waiting: Schedule) -> None:
        with engine.service():
            first = engine.started(engine.run(waiting.name))
            second = engine.run(waiting.name)
            go(engine)
            second = engine.ended(second)

        assert engine.ended(first).status == second.status == RunStatus.SUCCEEDED
        last = json.loads((engine.root / "published" / "waiting" / "latest.json").read_text())
        assert second.id in json.dumps(last)

    def test_under_allow_they_do(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GO", str(engine.root / "go"))
        engine.script("both", WAIT_FOR_GO, env=("GO",), overlap=Overlap.ALLOW)
        with engine.service():
            runs = [engine.run("both"), engine.run("both")]
            for run in runs:
                engine.started(run)
            go(engine)
            assert {engine.ended(run).status for run in runs} == {RunStatus.SUCCEEDED}

    def test_no_more_run_at_once_than_the_operator_allows(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GO", str(engine.root / "go"))
        names = [f"s{number}" for number in range(6)]
        for name in names:
            engine.script(name, WAIT_FOR_GO, env=("GO",))
        with engine.service():
            runs = [engine.run(name) for name in names]
            for run in runs[:4]:
                engine.started(run)
            assert [engine.operations.runs.get(run.id).status for run in runs[4:]] == [RunStatus.DUE] * 2
            go(engine)
            assert {engine.ended(run).status for run in runs} == {RunStatus.SUCCEEDED}

    def test_catching_up_on_all_runs_them_in_order(self, tmp_path: Path) -> None:
        engine = Engine(tmp_path)
        engine.script("all", "echo $SCHEDULED_FOR", timing=EVERY_MINUTE, catch_up=CatchUp.ALL)
        three_minutes = timedelta(minutes=3)
        with engine.service(lambda: clock.now() + three_minutes):
            eventually(lambda: len(engine.operations.runs.list_newest("all")) >= 3, what="the catch-up")
            runs = [engine.ended(run) for run in engine.operations.runs.list_newest("all")]

        assert {run.status for run in runs} == {RunStatus.SUCCEEDED}
        ends = [run.ended_at for run in sorted(runs, key=lambda run: run.scheduled_for)]
        assert ends == sorted(end for end in ends if end)


class TestNothingLeaks:
    def test_a_run_sees_no_variable_that_nobody_listed(self, engine: Engine) -> None:
        engine.script("env", "env", env=("LISTED",))
        canaries = {"JUPYTER_TOKEN": "canary-1", "AWS_SECRET_ACCESS_KEY": "canary-2", "LISTED": "wanted"}
        with engine.service_process(**canaries):
            run = engine.ended(engine.run("env"))

        assert "canary" not in engine.log(run)
        assert "LISTED=wanted" in engine.log(run)

    def test_the_ledger_the_work_area_and_the_secret_are_the_owners_alone(self, engine: Engine) -> None:
        engine.script("private", "true")
        with engine.service():
            engine.ended(engine.run("private"))
        assert (engine.places.folder.stat().st_mode & 0o077) == 0


def shortly_before_the_minute() -> Callable[[], datetime]:
    """This machine's clock, shifted so that the next minute is two seconds away."""
    start = clock.now()
    minute = start.replace(second=0, microsecond=0) + timedelta(minutes=1)
    shift = minute - timedelta(seconds=2) - start
    return lambda: clock.now() + shift
