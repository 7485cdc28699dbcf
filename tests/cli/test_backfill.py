"""`backfill`."""

from tests.cli.conftest import Terminal


def test_days_are_both_included_and_the_second_time_they_wait_already(terminal: Terminal) -> None:
    terminal.scheduled()
    first = terminal("backfill", "daily", "--from", "2026-11-20", "--to", "2026-11-22")
    assert first.stdout == "3 runs of “daily” queued, the oldest first.\n"
    again = terminal.json("backfill", "daily", "--from", "2026-11-20", "--to", "2026-11-22")
    assert (again["runs"], again["succeeded"], again["waiting"]) == (0, 0, 3)


def test_a_day_is_as_long_as_the_clocks_make_it(terminal: Terminal) -> None:
    terminal.scheduled("hourly", "--hourly", "--timezone", "Europe/Paris")
    longest = terminal.json("backfill", "hourly", "--from", "2026-10-25", "--to", "2026-10-25")
    assert longest["runs"] == 25
    shortest = terminal.json("backfill", "hourly", "--from", "2026-03-29", "--to", "2026-03-29")
    assert shortest["runs"] == 23


def test_a_range_reaches_back_only_to_the_first_year(terminal: Terminal) -> None:
    terminal.scheduled()
    assert terminal.refusal("backfill", "daily", "--from", "0001-01-01", "--to", "2026-11-20")["code"] == "bad_day"


def test_without_a_person_to_ask_many_runs_need_yes(terminal: Terminal) -> None:
    terminal.scheduled()
    days = ("backfill", "daily", "--from", "2026-01-01", "--to", "2026-11-22")
    refusal = terminal.refusal(*days)
    assert (refusal["code"], refusal["message"]) == (
        "confirm_backfill",
        "That is 326 runs. Confirm that you want them all. Add --yes.",
    )
    assert "Add --yes." in terminal(*days).stderr
    assert terminal.json(*days, "--yes")["runs"] == 326


def test_several_at_a_time_are_said_and_what_is_left_is_cancelled(terminal: Terminal) -> None:
    terminal.scheduled()
    asked = terminal("backfill", "daily", "--from", "2026-11-20", "--to", "2026-11-22", "--parallel", "2")
    assert asked.stdout == "3 runs of “daily” queued, the oldest first, 2 in parallel.\n"
    said = terminal("backfill", "daily", "--cancel").stdout
    assert said == "3 runs of “daily” won't start; what goes on can be stopped by itself.\n"
    assert terminal.json("backfill", "daily", "--cancel") == {"cancelled": 0}


def test_without_a_range_it_says_what_is_wanted(terminal: Terminal) -> None:
    terminal.scheduled()
    assert "Say --from and --to, or --cancel." in terminal("backfill", "daily", "--from", "2026-11-20").stderr
