import json
from datetime import timedelta
from typing import Any

from jupyter_schedule.api.responses import RunResponse, ScheduleDetails
from jupyter_schedule.core.config import SETTINGS
from jupyter_schedule.core.data_paths import default_data_paths
from jupyter_schedule.core.models import ConcurrencyLimits, LauncherCatalog, Reason, RunStatus
from jupyter_schedule.core.store.factory import open_store
from tests.cli.conftest import PUBLICATION, Terminal
from tests.databases import PostgresqlServer
from tests.factories import NOON, make_run, make_schedule, make_spec


def test_nothing_yet_says_what_to_do(terminal: Terminal) -> None:
    assert terminal.json("list") == []
    assert terminal.json("runs") == []
    assert "jupyter schedule create NOTEBOOK" in terminal("list").stdout
    terminal.scheduled("daily")
    assert "jupyter schedule run daily --wait" in terminal("runs", "daily").stdout
    assert "jupyter schedule run daily --wait" in terminal("show", "daily").stdout


def test_list_is_a_bare_list_of_schedules_with_their_last_runs(terminal: Terminal) -> None:
    terminal.scheduled("b")
    terminal.scheduled("a")
    run = terminal.end(terminal.launch(terminal.operations.runs.run_now("b")))
    listed = terminal.json("list")
    assert [schedule["name"] for schedule in listed] == ["a", "b"]
    assert listed[0]["last_runs"] == []
    assert [each["run_id"] for each in listed[1]["last_runs"]] == [run.id]


def test_a_run_in_json_is_what_the_api_answers(terminal: Terminal) -> None:
    terminal.scheduled("daily")
    run = terminal.end(terminal.launch(terminal.operations.runs.run_now("daily")), publication=PUBLICATION)
    (shown,) = terminal.json("runs", "daily")
    assert shown == json.loads(RunResponse.model_validate(shown).model_dump_json())
    expected = {
        "run_id": run.id,
        "schedule": "daily",
        "scheduled_for": "2026-11-24T12:00:00Z",
        "trigger": "manual",
        "status": "succeeded",
        "reason": "ok",
        "message": "Succeeded in 4 s.",
        "attempts": [
            {
                "number": 1,
                "outcome": None,
                "detail": None,
                "created_at": "2026-11-24T12:00:00Z",
                "ended_at": None,
            }
        ],
        "started_at": "2026-11-24T12:00:00Z",
        "ended_at": "2026-11-24T12:00:00Z",
        "seconds": 4.2,
        "machine_seconds": None,
        "cost": None,
        "publication": {
            "url": "file:///p/daily/data/",
            "files": [{"path": "a.csv", "size": 2, "sha256": "0" * 64, "url": "file:///p/daily/runs/1/files/a.csv"}],
        },
        "pruned_at": None,
    }
    assert {key: shown[key] for key in expected} == expected


def test_a_skipped_stretch_has_its_count_and_its_end(terminal: Terminal) -> None:
    schedule = terminal.operations.schedules.get(terminal.scheduled("daily"))
    stretch: dict[str, Any] = {
        "status": RunStatus.SKIPPED,
        "reason": Reason.MISSED,
        "message": "3 times passed.",
        "count": 3,
    }
    run = make_run(schedule, **stretch, until=NOON + timedelta(days=2))
    terminal.operations.store.runs.add(run, actor="service")
    (shown,) = terminal.json("runs")
    assert (shown["count"], shown["until"]) == (3, "2026-11-26T12:00:00Z")
    table = terminal("runs").stdout
    assert "– Missed" in table  # noqa: RUF001  (the icon)
    assert "3 times passed." in table
    assert "Thu 26 Nov 12:00 UTC" in table


def test_people_see_icon_word_duration_and_cause(terminal: Terminal) -> None:
    terminal.scheduled("daily")
    failed: dict[str, Any] = {
        "status": RunStatus.FAILED,
        "reason": Reason.CELL_FAILED,
        "message": "KeyError: 'a\nb\x1b[0m'.",
    }
    terminal.end(terminal.launch(terminal.operations.runs.run_now("daily")), **failed)
    head, row = terminal("runs").stdout.splitlines()
    assert head.split() == ["Run", "Schedule", "Due", "State", "Took"]
    assert "✕ Failed" in row
    assert "4.2 s" in row
    assert row.endswith("KeyError: 'a\\nb\\x1b[0m'.")
    assert "✕ Failed just now" in terminal("list").stdout


def test_a_success_needs_no_further_words(terminal: Terminal) -> None:
    terminal.scheduled("daily")
    terminal.end(terminal.launch(terminal.operations.runs.run_now("daily")))
    assert terminal("runs").stdout.splitlines()[1].endswith("✓ Succeeded    4.2 s")


def test_tables_in_a_pipe_are_never_cut(terminal: Terminal) -> None:
    terminal.scheduled("daily")
    message = "long " * 100 + "end."
    failed: dict[str, Any] = {"status": RunStatus.FAILED, "reason": Reason.EXIT_CODE, "message": message}
    terminal.end(terminal.launch(terminal.operations.runs.run_now("daily")), **failed)
    assert message in terminal("runs").stdout


def test_runs_are_the_newest_first_and_no_more_than_asked_for(terminal: Terminal) -> None:
    schedule = terminal.operations.schedules.get(terminal.scheduled("daily"))
    for day in range(3):
        run = make_run(schedule, key=f"cron:1:{day}", scheduled_for=NOON + timedelta(days=day))
        terminal.operations.store.runs.add(run, actor="service")
    shown = terminal.json("runs", "--limit", "2")
    assert [run["scheduled_for"] for run in shown] == ["2026-11-26T12:00:00Z", "2026-11-25T12:00:00Z"]


def test_show_has_the_schedule_with_what_comes_and_what_was(terminal: Terminal) -> None:
    terminal.scheduled("daily")
    run = terminal.end(terminal.launch(terminal.operations.runs.run_now("daily")))
    shown = terminal.json("show", "daily")
    assert shown == json.loads(ScheduleDetails.model_validate(shown).model_dump_json())
    assert shown["last_runs"][0]["run_id"] == run.id
    first = {"scheduled_for": "2026-11-25T12:00:00Z", "local": "2026-11-25T12:00:00+00:00", "note": None}
    assert shown["next"][0] == first
    assert len(shown["next"]) == 5
    (version,) = shown["versions"]
    assert (version["version"], version["author"], version["created_at"]) == (1, "local", "2026-11-24T12:00:00Z")


def test_show_tells_people_the_same(terminal: Terminal) -> None:
    terminal.scheduled("daily")
    terminal.end(terminal.launch(terminal.operations.runs.run_now("daily")))
    shown = terminal("show", "daily").stdout
    for said in (
        "daily, version 1",
        "Runs every day at 12:00 UTC, next Wed 25 Nov 12:00 UTC",
        "Runs:     ./run.sh",
        f"Results:  {terminal.published('daily')}",
        "Wed 25 Nov 2026 12:00",
        "✓ Succeeded",
        "Version 1 by local, 2026-11-24T12:00:00Z",
    ):
        assert said in shown


def test_a_paused_schedule_shows_no_next_occurrences(terminal: Terminal) -> None:
    terminal.scheduled("daily")
    terminal("pause", "daily")
    assert terminal.json("show", "daily")["next"] == []
    assert terminal.json("list")[0]["next_due"] is None
    assert "‖ Paused" in terminal("list").stdout


def test_the_ledger_that_the_settings_name_is_the_one_that_is_shown(
    terminal: Terminal, postgresql: PostgresqlServer
) -> None:
    address = postgresql.new_ledger()
    shared = open_store(address, lambda: NOON)
    for name, owner in (("shared", "ann"), ("anothers", "bob"), ("nobodys", "local")):
        spec = make_spec(publication_base="file:///published")
        shared.schedules.add(make_schedule(name, owner=owner, spec=spec))
    shared.close()
    (default_data_paths().folder / SETTINGS).write_text(f'store = {json.dumps(address)}\nowner = "ann"\n')

    assert [schedule["name"] for schedule in terminal.json("list")] == ["shared"]


def test_a_run_that_waits_says_how_far_ahead_it_is_or_what_holds_it_up(terminal: Terminal) -> None:
    for name in ("a", "b"):
        terminal.operations.runs.run_now(terminal.scheduled(name))
    assert "2nd in line" in terminal("runs", "b").stdout
    assert "in line" not in terminal("runs", "a").stdout
    terminal.operations.store.publish_catalog(LauncherCatalog(room=ConcurrencyLimits(per_owner=1)), actor="scheduler")
    assert "Waits: only one of your runs goes at once" in terminal("runs", "b").stdout
