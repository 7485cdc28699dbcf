"""`backfill`."""

from tests.cli.conftest import Terminal


def test_days_are_both_included_and_the_second_time_they_wait_already(terminal: Terminal) -> None:
    terminal.scheduled()
    first = terminal("backfill", "daily", "--from", "2026-11-20", "--to", "2026-11-22")
    assert first.stdout == "3 runs of “daily” wait now, the oldest first.\n"
    again = terminal.json("backfill", "daily", "--from", "2026-11-20", "--to", "2026-11-22")
    assert again == {"runs": 0, "succeeded": 0, "waiting": 3}


def test_without_a_person_to_ask_many_runs_need_yes(terminal: Terminal) -> None:
    terminal.scheduled()
    days = ("backfill", "daily", "--from", "2026-01-01", "--to", "2026-11-22")
    assert terminal.refusal(*days)["code"] == "confirm_backfill"
    assert terminal.json(*days, "--yes")["runs"] == 326
