"""A schedule's days and a backfill of them, over HTTP."""

from typing import Any

from tests.server.conftest import Api


async def ask(api: Api, **body: Any) -> Any:
    return await api("POST", "schedules/daily/backfill", body)


async def test_days_are_asked_for_planned_confirmed_and_cancelled(api: Api) -> None:
    """A plan changes nothing; a second ask for the same days says that they wait."""
    await api.create("daily")
    days = {"first_day": "2026-01-01", "last_day": "2026-10-31", "parallel": 4}
    plan = (await ask(api, **days, dry_run=True)).body
    assert (plan["runs"], plan["confirm"]) == (304, True)
    assert (plan["first"], plan["last"]) == ("2026-01-01T12:00:00Z", "2026-10-31T12:00:00Z")
    assert (await api("GET", "schedules/daily/runs")).body == []

    refused = await ask(api, **days)
    assert (refused.status, refused.code) == (409, "confirm_backfill")
    assert (await ask(api, **days, confirmed=True)).body["runs"] == 304
    again = (await ask(api, **days)).body
    assert (again["runs"], again["waiting"], again["first"]) == (0, 304, None)

    found = (await api("GET", "schedules/daily/days", first="2026-10-30", last="2026-11-01")).body
    assert [(day["day"], day["state"]) for day in found["days"][:2]] == [
        ("2026-10-30", "going"),
        ("2026-10-31", "going"),
    ]
    assert (found["waiting"], found["asked"], found["timezone"]) == (304, 304, "UTC")
    assert (await api("DELETE", "schedules/daily/backfill")).body == {"cancelled": 304}


async def test_what_is_asked_for_wrongly_is_told(api: Api) -> None:
    await api.create("daily")
    assert (await ask(api)).code == "invalid"
    assert (await ask(api, first_day="2026-10-02", last_day="2026-10-01")).code == "bad_end"
    assert (await ask(api, first_day="1990-01-01", last_day="2026-10-01")).code == "too_many"
    assert (await ask(api, first_day="2026-10-01", last_day="2026-10-02", parallel=99)).code == "bad_parallel"
    path = "schedules/daily/days"
    assert (await api("GET", path, first="yesterday", last="2026-10-01")).code == "invalid"
    assert (await api("GET", path, first="2026-01-01", last="2026-10-01")).code == "too_many"
    for first, last in (("9999-12-31", "9999-12-31"), ("", "0001-01-05")):
        assert (await api("GET", path, first=first, last=last)).code == "bad_day"
    assert (await ask(api, first_day="0001-01-01", last_day="2026-10-01")).code == "bad_day"
    assert (await ask(api, start="0001-01-01T00:00:00Z", end="2026-10-01T00:00:00Z")).code == "too_many"
    assert (await ask(api, start="0001-01-01T00:00:00+05:00", end="2026-10-01T00:00:00Z")).code == "invalid"
