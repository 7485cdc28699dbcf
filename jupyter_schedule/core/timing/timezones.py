"""IANA time zones: finding one by name, and the instants at which its clocks show a wall time.

Instants are aware datetimes in UTC, wall times naive datetimes without fold.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.text import quoted

_DAY = timedelta(days=1)
#: what people write and no zone is called
_ABBREVIATIONS = {
    "ACST": "Australia/Adelaide",
    "AEDT": "Australia/Sydney",
    "AEST": "Australia/Sydney",
    "AKST": "America/Anchorage",
    "AST": "America/Halifax",
    "AWST": "Australia/Perth",
    "BRT": "America/Sao_Paulo",
    "BST": "Europe/London",
    "CDT": "America/Chicago",
    "CEST": "Europe/Paris",
    "CST": "America/Chicago",
    "EDT": "America/New_York",
    "EEST": "Europe/Athens",
    "HKT": "Asia/Hong_Kong",
    "IST": "Asia/Kolkata",
    "JST": "Asia/Tokyo",
    "KST": "Asia/Seoul",
    "MDT": "America/Denver",
    "MEZ": "Europe/Berlin",
    "MSK": "Europe/Moscow",
    "NZDT": "Pacific/Auckland",
    "NZST": "Pacific/Auckland",
    "PDT": "America/Los_Angeles",
    "PST": "America/Los_Angeles",
    "SAST": "Africa/Johannesburg",
    "SGT": "Asia/Singapore",
    "WEST": "Europe/Lisbon",
    "Z": "UTC",
}
_OFFSET = re.compile(r"(?:UTC|GMT)?[+-][0-9]{1,2}(?::?[0-9]{2})?", re.IGNORECASE)


@lru_cache
def zone_names() -> frozenset[str]:
    """The zones that a schedule may name: those of the tzdata package, so that every machine has the same ones."""
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()) - {"Factory"}


@lru_cache(maxsize=1024)
def find_zone(name: str) -> ZoneInfo:
    """The zone of that name.  Raises Refused `unknown_timezone`, with a suggestion where one is near."""
    if name in zone_names():
        with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
            # not the machine's own data, which may be years older, or newer
            return ZoneInfo.from_file(data, key=name)
    if _OFFSET.fullmatch(name):
        # The near names Etc/GMT+2 and the like count westward, the opposite of what people mean.
        sentence = f"{quoted(name)} is an offset, not a zone: name a city, such as Europe/Paris, or write UTC."
    elif suggestion := next(_suggestions(name), None):
        sentence = f"No zone called {quoted(name)}. Did you mean {suggestion}?"
    else:
        sentence = f"No zone called {quoted(name)}. Name a city, such as Europe/Paris, or write UTC."
    raise Refused("unknown_timezone", sentence, "timezone")


def instants(wall: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """The instants at which clocks show `wall`, in order: none in a spring gap, two in an autumn overlap, else one."""
    first, second = _offsets(wall, zone)
    if first < second:
        return ()
    if first == second:
        return (_at(wall, first),)
    return _at(wall, first), _at(wall, second)


def after_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant after the gap in which the wall time `wall`, which clocks never show, lies."""
    before, after = _offsets(wall, zone)
    # Just before the change clocks show less than `wall`, from it on more: so it lies between these two.
    early, late = _at(wall, after), _at(wall, before)
    while late - early > timedelta(seconds=1):
        middle = (early + (late - early) / 2).replace(microsecond=0)
        if zone.utcoffset(middle.astimezone(zone)) == after:
            late = middle
        else:
            early = middle
    return late


@lru_cache(maxsize=8192)
def steady_offset(name: str, day: date) -> timedelta | None:
    """The zone's offset on the UTC day `day`; None when it changes from the day before it to the day after it.

    Looks at midnights only: no zone has two changes within a day that cancel each other out.
    """
    zone = find_zone(name)
    midnight = datetime.combine(day, time(), UTC)
    offsets = {(midnight + shift * _DAY).astimezone(zone).utcoffset() for shift in (-1, 0, 1, 2)}
    return offsets.pop() if len(offsets) == 1 else None


def _suggestions(name: str) -> Iterator[str]:
    """Zones that somebody who wrote `name` may have meant, best first."""
    if name.strip().upper() in _ABBREVIATIONS:
        yield _ABBREVIATIONS[name.strip().upper()]
    wanted = name.strip().lower().replace(" ", "_")
    whole = {known.lower(): known for known in sorted(zone_names())}
    cities = {known.rsplit("/", 1)[-1].lower(): known for known in sorted(zone_names(), key=_familiarity)}
    for names in (whole, cities):
        if wanted in names:
            yield names[wanted]
    for names in (whole, cities):
        yield from (names[near] for near in get_close_matches(wanted, names, n=1, cutoff=0.75))


def _familiarity(name: str) -> bool:
    """True if the name is of the form that the IANA list prefers, so that Europe/London wins over GB."""
    region, slash, _ = name.partition("/")
    return bool(slash) and region not in {"Etc", "US", "Canada", "Brazil", "Chile", "Mexico"}


def _offsets(wall: datetime, zone: ZoneInfo) -> tuple[timedelta, timedelta]:
    """The zone's offsets at `wall` by the clocks before and after a change; the same twice where there's none."""
    first, second = zone.utcoffset(wall), zone.utcoffset(wall.replace(fold=1))
    assert first is not None
    assert second is not None
    return first, second


def _at(wall: datetime, offset: timedelta) -> datetime:
    return (wall - offset).replace(tzinfo=UTC)
