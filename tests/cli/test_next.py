import json
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.core.timing.test_day_fields import ROWS, named_days

PARIS = ("next", "--cron", "30 2 * * *", "--timezone", "Europe/Paris")


def test_json_has_the_instant_the_local_time_and_a_note_where_clocks_change(terminal: Terminal) -> None:
    assert terminal.json(*PARIS, "--from", "2027-03-27T12:00", "--count", "2") == [
        {
            "scheduled_for": "2027-03-28T01:00:00Z",
            "local": "2027-03-28T03:00:00+02:00",
            "note": "02:30 doesn't exist on Sun 28 Mar; it runs at 03:00 that day.",
        },
        {"scheduled_for": "2027-03-29T00:30:00Z", "local": "2027-03-29T02:30:00+02:00", "note": None},
    ]


def test_without_a_start_it_is_five_from_now_on_in_utc(terminal: Terminal) -> None:
    days = [due["scheduled_for"] for due in terminal.json("next", "--cron", "0 12 * * *")]
    assert days == [f"2026-11-{day}T12:00:00Z" for day in range(25, 30)]


@pytest.mark.parametrize(
    ("start", "first"),
    [
        ("2026-12-01T02:29", "2026-12-01T01:30:00Z"),
        ("2026-12-01T02:30", "2026-12-02T01:30:00Z"),
        ("2026-12-01T01:30:00Z", "2026-12-02T01:30:00Z"),
        ("2026-12-01", "2026-12-01T01:30:00Z"),
    ],
)
def test_the_start_is_a_time_of_the_zone_and_itself_left_out(terminal: Terminal, start: str, first: str) -> None:
    assert terminal.json(*PARIS, "--from", start, "--count", "1")[0]["scheduled_for"] == first


def test_people_get_the_words_and_a_table_with_notes(terminal: Terminal) -> None:
    lines = terminal(*PARIS, "--from", "2027-03-27T12:00", "--count", "2").stdout.splitlines()
    assert lines[0] == "Runs every day at 02:30 Paris time (01:30 UTC; 00:30 UTC from 29 Mar)."
    assert lines[1].split() == ["Europe/Paris", "UTC"]
    assert "Sun 28 Mar 2027 03:00" in lines[2]
    assert lines[2].endswith("02:30 doesn't exist on Sun 28 Mar; it runs at 03:00 that day.")
    assert lines[3].endswith("Mon 29 Mar 2027 00:30")


@pytest.mark.parametrize(("day", "weekday", "words"), ROWS)
def test_the_two_day_fields_mean_what_the_documents_table_says(
    terminal: Terminal, day: str, weekday: str, words: str
) -> None:
    asked = ("next", "--cron", f"0 0 {day} 4 {weekday}", "--from", "2030-03-31T23:59", "--count", "30")
    found = [due["scheduled_for"][:10] for due in terminal.json(*asked)]
    assert [each for each in found if each < "2030-05"] == [f"2030-04-{day:02}" for day in named_days(words)]


def test_a_schedule_is_asked_for_by_its_name(terminal: Terminal) -> None:
    terminal.scheduled("weekly", "--weekly", "mon", "--timezone", "Asia/Tokyo")
    assert terminal.json("next", "weekly", "--count", "1") == [
        {"scheduled_for": "2026-11-30T03:00:00Z", "local": "2026-11-30T12:00:00+09:00", "note": None}
    ]


@pytest.mark.promise("P16")
def test_a_schedule_shows_no_times_that_its_policies_leave_out(terminal: Terminal) -> None:
    terminal.scheduled("short", "--daily", "--start", "2026-11-27", "--end", "2026-11-28")
    days = [due["scheduled_for"] for due in terminal.json("next", "short")]
    assert days == [due["scheduled_for"] for due in terminal.json("show", "short")["next"]]
    assert days == ["2026-11-27T12:00:00Z"]


def test_a_paused_schedule_has_no_runs_due(terminal: Terminal) -> None:
    terminal.scheduled("daily")
    terminal("pause", "daily")
    assert terminal.json("next", "daily") == []
    assert terminal("next", "daily").stdout.splitlines()[-1] == "No runs are due."


def test_an_expression_needs_no_ledger(terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "file"))
    assert len(terminal.json("next", "--cron", "0 12 * * *")) == 5


@pytest.mark.parametrize(
    ("arguments", "code", "field"),
    [
        (("next",), "nothing_to_tell", None),
        (("next", "daily", "--cron", "0 6 * * *"), "nothing_to_tell", None),
        (("next", "daily", "--timezone", "UTC"), "two_timezones", "timezone"),
        (("next", "missing"), "no_such_schedule", None),
        (("next", "--cron", "0 0 31 4 *"), "never_matches", "cron"),
        (("next", "--cron", "0 0 * * *", "--timezone", "PST"), "unknown_timezone", "timezone"),
        (("next", "--cron", "0 0 * * *", "--from", "soon"), "bad_time", "from"),
    ],
)
def test_questions_without_an_answer_are_refused(
    terminal: Terminal, arguments: tuple[str, ...], code: str, field: str | None
) -> None:
    error = terminal.refusal(*arguments)
    assert (error["code"], error.get("field")) == (code, field)


def test_a_refusal_is_one_line_on_standard_error(terminal: Terminal) -> None:
    result = terminal("next", "--cron", "0 0 31 4 *")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "Error: This never happens: April has no 31st.\n"


def test_a_wrong_option_is_click_s_to_refuse_with_2(terminal: Terminal) -> None:
    assert terminal("next", "--count", "0").exit_code == 2


def test_json_is_plain_ascii(terminal: Terminal) -> None:
    error = terminal("next", "–é", "--json").stdout  # noqa: RUF001  (what a person pastes)
    assert error.isascii()
    assert "–é" in json.loads(error)["error"]["message"]  # noqa: RUF001
