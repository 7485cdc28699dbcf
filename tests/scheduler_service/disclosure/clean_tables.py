"""Aggregates as people publish them, in which nothing is to be found."""

import random
from datetime import UTC, datetime, timedelta

from tests.scheduler_service.disclosure.invented import COUNTRIES, Table, by_country, days, many, sha
from tests.scheduler_service.disclosure.shapes import Row


def _by_version(rng: random.Random) -> Table:
    rows: list[Row] = [
        (f"1.{rng.randrange(9)}.{rng.randrange(20)}.{rng.randrange(250)}", "release", many(rng)) for _ in range(30)
    ]
    return ("version", "channel", "count"), rows


def _driver_versions(rng: random.Random) -> Table:
    rows: list[Row] = [
        (f"{rng.randrange(20, 32)}.{rng.randrange(30)}.{rng.randrange(60)}.{rng.randrange(99)}", 12.5 + n)
        for n in range(20)
    ]
    return ("driver_version", "crash_rate"), rows


def _histogram(rng: random.Random) -> Table:
    return ("bucket_from", "bucket_to", "count"), [(n * 10, n * 10 + 10, rng.choice((0, many(rng)))) for n in range(25)]


def _builds(rng: random.Random) -> Table:
    rows: list[Row] = [(f"202611{n:02}093015", sha(rng), many(rng), f"{rng.random():.3f}") for n in range(1, 25)]
    return ("build_id", "commit", "tests", "pass_rate"), rows


def _artifacts(rng: random.Random) -> Table:
    return ("file", "bytes", "sha256"), [(f"part-{n:05}.csv", many(rng), sha(rng, 64)) for n in range(15)]


def _pyramid(rng: random.Random) -> Table:
    rows: list[Row] = [(f"{age}-{age + 4}", sex, many(rng)) for age in range(0, 90, 5) for sex in ("f", "m")]
    return ("age_group", "sex", "population"), rows


def _stations(rng: random.Random) -> Table:
    rows: list[Row] = [
        (f"Berri {n}", round(45 + rng.random(), 5), round(-73 - rng.random(), 5), many(rng)) for n in range(20)
    ]
    return ("station", "lat", "lon", "trips"), rows


def _percentiles(rng: random.Random) -> Table:
    return ("week", "median", "p90", "n"), [(f"2026-W{n}", n * 1.5, n * 4.25, many(rng)) for n in range(10, 40)]


def _experiment(rng: random.Random) -> Table:
    rows: list[Row] = [
        (branch, metric, 0.2, 0.1, 0.3, many(rng)) for branch in ("control", "new") for metric in ("ctr", "uri", "dau")
    ]
    return ("branch", "metric", "mean", "ci_lower", "ci_upper", "n"), rows


def _hourly(rng: random.Random) -> Table:
    return ("hour", "requests"), [(f"2026-11-24T{n % 24:02}:00:00Z", many(rng)) for n in range(48)]


def _sensor(rng: random.Random) -> Table:
    start = datetime(2026, 11, 24, tzinfo=UTC).replace(tzinfo=None)
    return ("time", "mean_temperature"), [
        ((start + timedelta(seconds=10 * n)).isoformat(), 20 + rng.random()) for n in range(60)
    ]


def _shares(rng: random.Random) -> Table:
    return ("os", "os_version", "share"), [
        ("Windows", f"10.0.{rng.randrange(19000, 26000)}", rng.random()) for _ in range(20)
    ]


def _word_counts(rng: random.Random) -> Table:
    return ("word", "count"), [
        (word, 1 + n % 3) for n, word in enumerate(("the", "that", "nation", "dedicated", "here", "we", "people"))
    ]


def _sales(rng: random.Random) -> Table:
    return ("category", "revenue", "orders"), [(name, rng.random() * 1e5, many(rng)) for name in "abcdefgh"]


def _weather(rng: random.Random) -> Table:
    return ("date", "station", "tmin", "tmax", "rain_mm"), [(day, "Oslo", -3, 4, 1.5) for day in days(30)]


def _rates(rng: random.Random) -> Table:
    return ("date", "EUR", "USD", "JPY"), [(day, 1, 1.08 + rng.random() / 99, 162.3) for day in days(25)]


def _crosstab(rng: random.Random) -> Table:
    return ("date", *COUNTRIES), [(day, *(many(rng) for _ in COUNTRIES)) for day in days(20)]


def _survey(rng: random.Random) -> Table:
    return ("question", "answer", "share", "responses"), [(f"q{n}", n % 5, 0.2, many(rng)) for n in range(30)]


def _coefficients(rng: random.Random) -> Table:
    return ("feature", "coef", "std_err", "p_value"), [(f"x{n}", rng.gauss(0, 1), 0.1, 0.03) for n in range(15)]


def _regions(rng: random.Random) -> Table:
    return ("Bundesland", "Fälle", "Anteil"), [(land, many(rng), "12,5") for land in ("Bayern", "Hessen", "Thüringen")]


def _departments(rng: random.Random) -> Table:
    return ("département", "effectif", "taux"), [(f"{n:02}", many(rng), 0.31) for n in range(1, 40)]


def _provinces(rng: random.Random) -> Table:
    return ("provincia", "año", "casos"), [(name, 2026, many(rng)) for name in ("Ávila", "Cádiz", "León", "Jaén")]


def _prefectures(rng: random.Random) -> Table:
    return ("都道府県", "人数"), [(name, many(rng)) for name in ("東京都", "大阪府", "北海道", "沖縄県")]


def _retention(rng: random.Random) -> Table:
    return ("cohort", "day_1", "day_7", "day_28", "users"), [(day, 0.5, 0.3, 0.2, many(rng)) for day in days(14)]


def _devices(rng: random.Random) -> Table:
    return ("month", "desktop", "mobile", "tablet"), [(f"2026-{n:02}", 40 + n, 50 - n, 10) for n in range(1, 12)]


def _browsers(rng: random.Random) -> Table:
    return ("client", "sessions"), [(name, many(rng)) for name in ("Firefox", "Chrome", "Safari", "Edge", "Opera")]


def _airports(rng: random.Random) -> Table:
    rows: list[Row] = [
        ("2026-11-24", origin, carrier, many(rng), rng.randrange(4), 12.5)
        for origin in ("EWR", "JFK")
        for carrier in ("9E", "AA", "UA")
    ]
    return ("date", "origin", "carrier", "flights", "cancelled", "median_delay"), rows


def _runs(rng: random.Random) -> Table:
    return ("run_id", "started", "rows", "seconds"), [(sha(rng, 12), day, many(rng), 6.1) for day in days(20)]


def _counties(rng: random.Random) -> Table:
    return ("county_id", "county", "median_age", "median_income", "population"), [
        (1000 + n, f"County {n}", 41.2, 52_000 + n, many(rng) + 1000) for n in range(40)
    ]


def _wide(rng: random.Random) -> Table:
    names = ("date", *(f"station {n}" for n in range(12)))
    return names, [
        (f"{2020 + n // 365}-{1 + n % 12:02}", *(round(rng.random() * 30, 1) for _ in range(12))) for n in range(1500)
    ]


def _images(rng: random.Random) -> Table:
    return ("image", "digest", "pulls"), [(f"app:{n}.0.1", f"sha256:{sha(rng, 64)}", many(rng)) for n in range(12)]


def _tidy(rng: random.Random) -> Table:
    return ("region", "sex", "age", "education", "value"), [
        (land, sex, "25-34", level, round(rng.random() * 100, 1))
        for land in COUNTRIES
        for sex in "FM"
        for level in (1, 2)
    ]


CLEAN_TABLES = {
    "clients-by-country": by_country, "versions": _by_version, "drivers": _driver_versions, "histogram": _histogram,
    "builds": _builds, "artifacts": _artifacts, "pyramid": _pyramid, "stations": _stations, "percentiles": _percentiles,
    "experiment": _experiment, "hourly": _hourly, "sensor": _sensor, "shares": _shares, "words": _word_counts,
    "sales": _sales, "weather": _weather, "rates": _rates, "crosstab": _crosstab, "survey": _survey,
    "coefficients": _coefficients, "bundesland": _regions, "departements": _departments, "provincias": _provinces,
    "prefectures": _prefectures, "retention": _retention, "devices": _devices, "browsers": _browsers,
    "flights": _airports, "runs": _runs, "counties": _counties, "images": _images, "wide": _wide, "tidy": _tidy,
}  # fmt: skip
