import zoneinfo
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.timing.timezones import after_gap, find_zone, instants, steady_offset, zone_names


@pytest.mark.parametrize(
    "name", ["UTC", "Europe/Paris", "Australia/Lord_Howe", "America/Argentina/Buenos_Aires", "CET"]
)
def test_an_iana_name_finds_its_zone(name: str) -> None:
    assert find_zone(name).key == name


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("PST", "No zone called “PST”. Did you mean America/Los_Angeles?"),
        ("cest", "Did you mean Europe/Paris?"),
        ("Europe/Pariss", "Did you mean Europe/Paris?"),
        ("europe/paris", "Did you mean Europe/Paris?"),
        ("utc", "Did you mean UTC?"),
        ("London", "Did you mean Europe/London?"),
        ("new york", "Did you mean America/New_York?"),
        ("Tokio", "Did you mean Asia/Tokyo?"),
        ("+02:00", "is an offset, not a zone"),
        ("GMT+2", "is an offset, not a zone"),
        ("UTC-05:30", "is an offset, not a zone"),
        ("", "Name a city"),
        ("nowhere", "Name a city"),
        ("Factory", "Name a city"),
        ("localtime", "Name a city"),
        ("../../etc/passwd", "Name a city"),
        ("a\0b", "Name a city"),
    ],
)
def test_another_name_is_refused_with_a_suggestion(name: str, advice: str) -> None:
    with pytest.raises(Refused) as refused:
        find_zone(name)
    assert (refused.value.code, refused.value.field) == ("unknown_timezone", "timezone")
    assert advice in refused.value.message


@pytest.mark.parametrize(
    ("zone", "wall", "expected"),
    [
        ("Europe/Paris", "2027-03-28T01:59", ["2027-03-28T00:59"]),
        ("Europe/Paris", "2027-03-28T02:00", []),
        ("Europe/Paris", "2027-03-28T02:59", []),
        ("Europe/Paris", "2027-03-28T03:00", ["2027-03-28T01:00"]),
        ("Europe/Paris", "2026-10-25T01:59", ["2026-10-24T23:59"]),
        ("Europe/Paris", "2026-10-25T02:00", ["2026-10-25T00:00", "2026-10-25T01:00"]),
        ("Europe/Paris", "2026-10-25T03:00", ["2026-10-25T02:00"]),
        ("Australia/Lord_Howe", "2027-04-04T01:45", ["2027-04-03T14:45", "2027-04-03T15:15"]),
        ("Pacific/Apia", "2011-12-30T12:00", []),
        ("Asia/Kathmandu", "2026-01-01T00:00", ["2025-12-31T18:15"]),
    ],
)
def test_clocks_show_a_wall_time_never_once_or_twice(zone: str, wall: str, expected: list[str]) -> None:
    found = instants(datetime.fromisoformat(wall), ZoneInfo(zone))
    assert list(found) == [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in expected]


@pytest.mark.promise("P8", "P11")
@pytest.mark.parametrize(
    ("zone", "wall", "shown"),
    [
        ("Europe/Paris", "2027-03-28T02:00", "2027-03-28T03:00"),
        ("Europe/Paris", "2027-03-28T02:59", "2027-03-28T03:00"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-04T02:30"),
        ("Antarctica/Troll", "2027-03-28T01:30", "2027-03-28T03:00"),
        ("America/Santiago", "2026-09-06T00:00", "2026-09-06T01:00"),
        ("America/Nuuk", "2027-03-27T23:30", "2027-03-28T00:00"),
        ("Pacific/Apia", "2011-12-30T00:00", "2011-12-31T00:00"),
        ("Pacific/Apia", "2011-12-30T23:59", "2011-12-31T00:00"),
    ],
)
def test_after_a_gap_comes_the_first_wall_time_that_exists(zone: str, wall: str, shown: str) -> None:
    assert instants(datetime.fromisoformat(wall), ZoneInfo(zone)) == ()
    instant = after_gap(datetime.fromisoformat(wall), ZoneInfo(zone))
    assert instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == datetime.fromisoformat(shown)
    before = (instant - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert before < datetime.fromisoformat(wall)


def test_a_days_offset_is_steady_unless_clocks_change_near_it() -> None:
    days = [datetime(2027, 3, day, tzinfo=UTC).date() for day in range(25, 32)]
    hour = timedelta(hours=1)
    assert [steady_offset("Europe/Paris", day) for day in days] == [hour, hour, None, None, None, 2 * hour, 2 * hour]


def test_no_zone_changes_twice_within_a_day_so_that_midnights_tell_all() -> None:
    """Where two midnights have the same offset, so has the noon between them: every zone, 2026 and 2027."""
    midnights = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(2 * 365)]
    hidden = []
    for name in sorted(zone_names()):
        zone = ZoneInfo(name)
        offsets = [midnight.astimezone(zone).utcoffset() for midnight in midnights]
        for midnight, earlier, later in zip(midnights, offsets, offsets[1:], strict=False):
            if earlier == later != (midnight + timedelta(hours=12)).astimezone(zone).utcoffset():
                hidden.append((name, midnight))
    assert hidden == []


def test_zones_are_those_of_the_package_on_every_machine(tmp_path: Path) -> None:
    """Whatever a machine's own data say, which may be years old."""
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe" / "Paris").write_bytes(files("tzdata").joinpath("zoneinfo", "Asia", "Tokyo").read_bytes())
    zoneinfo.reset_tzpath([str(tmp_path)])
    zoneinfo.ZoneInfo.clear_cache()
    find_zone.cache_clear()
    try:
        assert find_zone("Europe/Paris").utcoffset(datetime(2026, 1, 1, tzinfo=find_zone("Europe/Paris"))) == timedelta(
            hours=1
        )
    finally:
        zoneinfo.reset_tzpath()
        zoneinfo.ZoneInfo.clear_cache()
        find_zone.cache_clear()
