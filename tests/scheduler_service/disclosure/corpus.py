"""What must be found and what mustn't: made by code, always the same, of invented data only.

Secrets are put together from parts while the tests run, so that nobody's scanner takes this file for a leak.
"""

import base64
import gzip
import hashlib
import io
import json
import pickle
import random
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from jupyter_schedule.core.disclosures import Kind
from tests.scheduler_service.disclosure.shapes import SHAPES, Row, notebook, page, printed, separated, shown

Table = tuple[Sequence[str], list[Row]]
COUNTRIES = ("DE", "FR", "ES", "IT", "PL", "SE", "NO", "BR", "IN", "JP", "KE", "US", "CA", "MX", "CN", "GB", "NL", "BE")
DAY = date(2026, 11, 2)
FIRST = (
    "Ana",
    "Bo",
    "Chidi",
    "Dora",
    "Émile",
    "Fatima",
    "Günter",
    "Hana",
    "Ivo",
    "Jörg",
    "Kemal",
    "Lúcia",
    "Mei",
    "Nils",
)
LAST = (
    "Abel",
    "Brandt",
    "Costa",
    "Dubois",
    "Eriksen",
    "Fuchs",
    "García",
    "Horváth",
    "Ito",
    "Jansen",
    "Kowalski",
    "Lopes",
)


@dataclass(frozen=True)
class Case:
    """A file, and what must be found in it: None for nothing at all."""

    title: str
    path: str
    data: bytes
    expected: Kind | None


def clean(seed: int = 1) -> list[Case]:
    """Aggregates and reports as people publish them."""
    rng = random.Random(seed)
    cases = []
    for title, make in CLEAN_TABLES.items():
        for number, (ending, shape) in enumerate(rng.sample(SHAPES, 11)):
            names, rows = make(rng)
            cases.append(Case(f"{title} {number}", f"output/{title}{ending}", shape(names, rows), None))
    return cases + [Case(f"clean {path}", path, data, None) for path, data in _clean_files(rng)]


def planted(seed: int = 2) -> list[Case]:
    """Files with something in them that mustn't become public."""
    rng = random.Random(seed)
    return [
        *_secrets(rng), *_emails(rng), *_addresses(rng), *_client_ids(rng), *_row_level(rng), *_small_cells(rng),
        *_unreadable(rng),
    ]  # fmt: skip


# -- clean tables


def _days(number: int) -> list[str]:
    return [(DAY + timedelta(days=day)).isoformat() for day in range(number)]


def _sha(rng: random.Random, length: int = 40) -> str:
    return hashlib.sha256(rng.randbytes(8)).hexdigest()[:length]


def _uuid(rng: random.Random) -> str:
    return str(UUID(bytes=rng.randbytes(16), version=4))


def _many(rng: random.Random) -> int:
    return rng.randrange(5, 40_000)


def _by_country(rng: random.Random) -> Table:
    return ("date", "country", "clients"), [(day, land, _many(rng)) for day in _days(5) for land in COUNTRIES]


def _by_version(rng: random.Random) -> Table:
    rows = [
        (f"1.{rng.randrange(9)}.{rng.randrange(20)}.{rng.randrange(250)}", "release", _many(rng)) for _ in range(30)
    ]
    return ("version", "channel", "count"), rows


def _driver_versions(rng: random.Random) -> Table:
    rows = [
        (f"{rng.randrange(20, 32)}.{rng.randrange(30)}.{rng.randrange(60)}.{rng.randrange(99)}", 12.5 + n)
        for n in range(20)
    ]
    return ("driver_version", "crash_rate"), rows


def _histogram(rng: random.Random) -> Table:
    return ("bucket_from", "bucket_to", "count"), [
        (n * 10, n * 10 + 10, rng.choice((0, _many(rng)))) for n in range(25)
    ]


def _builds(rng: random.Random) -> Table:
    rows = [(f"202611{n:02}093015", _sha(rng), _many(rng), f"{rng.random():.3f}") for n in range(1, 25)]
    return ("build_id", "commit", "tests", "pass_rate"), rows


def _artifacts(rng: random.Random) -> Table:
    return ("file", "bytes", "sha256"), [(f"part-{n:05}.csv", _many(rng), _sha(rng, 64)) for n in range(15)]


def _pyramid(rng: random.Random) -> Table:
    rows = [(f"{age}-{age + 4}", sex, _many(rng)) for age in range(0, 90, 5) for sex in ("f", "m")]
    return ("age_group", "sex", "population"), rows


def _stations(rng: random.Random) -> Table:
    rows = [(f"Berri {n}", round(45 + rng.random(), 5), round(-73 - rng.random(), 5), _many(rng)) for n in range(20)]
    return ("station", "lat", "lon", "trips"), rows


def _percentiles(rng: random.Random) -> Table:
    return ("week", "median", "p90", "n"), [(f"2026-W{n}", n * 1.5, n * 4.25, _many(rng)) for n in range(10, 40)]


def _experiment(rng: random.Random) -> Table:
    rows = [
        (branch, metric, 0.2, 0.1, 0.3, _many(rng)) for branch in ("control", "new") for metric in ("ctr", "uri", "dau")
    ]
    return ("branch", "metric", "mean", "ci_lower", "ci_upper", "n"), rows


def _hourly(rng: random.Random) -> Table:
    return ("hour", "requests"), [(f"2026-11-24T{n % 24:02}:00:00Z", _many(rng)) for n in range(48)]


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
    return ("category", "revenue", "orders"), [(name, rng.random() * 1e5, _many(rng)) for name in "abcdefgh"]


def _weather(rng: random.Random) -> Table:
    return ("date", "station", "tmin", "tmax", "rain_mm"), [(day, "Oslo", -3, 4, 1.5) for day in _days(30)]


def _rates(rng: random.Random) -> Table:
    return ("date", "EUR", "USD", "JPY"), [(day, 1, 1.08 + rng.random() / 99, 162.3) for day in _days(25)]


def _crosstab(rng: random.Random) -> Table:
    return ("date", *COUNTRIES), [(day, *(_many(rng) for _ in COUNTRIES)) for day in _days(20)]


def _survey(rng: random.Random) -> Table:
    return ("question", "answer", "share", "responses"), [(f"q{n}", n % 5, 0.2, _many(rng)) for n in range(30)]


def _coefficients(rng: random.Random) -> Table:
    return ("feature", "coef", "std_err", "p_value"), [(f"x{n}", rng.gauss(0, 1), 0.1, 0.03) for n in range(15)]


def _regions(rng: random.Random) -> Table:
    return ("Bundesland", "Fälle", "Anteil"), [(land, _many(rng), "12,5") for land in ("Bayern", "Hessen", "Thüringen")]


def _departments(rng: random.Random) -> Table:
    return ("département", "effectif", "taux"), [(f"{n:02}", _many(rng), 0.31) for n in range(1, 40)]


def _provinces(rng: random.Random) -> Table:
    return ("provincia", "año", "casos"), [(name, 2026, _many(rng)) for name in ("Ávila", "Cádiz", "León", "Jaén")]


def _prefectures(rng: random.Random) -> Table:
    return ("都道府県", "人数"), [(name, _many(rng)) for name in ("東京都", "大阪府", "北海道", "沖縄県")]


def _retention(rng: random.Random) -> Table:
    return ("cohort", "day_1", "day_7", "day_28", "users"), [(day, 0.5, 0.3, 0.2, _many(rng)) for day in _days(14)]


def _devices(rng: random.Random) -> Table:
    return ("month", "desktop", "mobile", "tablet"), [(f"2026-{n:02}", 40 + n, 50 - n, 10) for n in range(1, 12)]


def _browsers(rng: random.Random) -> Table:
    return ("client", "sessions"), [(name, _many(rng)) for name in ("Firefox", "Chrome", "Safari", "Edge", "Opera")]


def _airports(rng: random.Random) -> Table:
    rows = [
        ("2026-11-24", origin, carrier, _many(rng), rng.randrange(4), 12.5)
        for origin in ("EWR", "JFK")
        for carrier in ("9E", "AA", "UA")
    ]
    return ("date", "origin", "carrier", "flights", "cancelled", "median_delay"), rows


def _runs(rng: random.Random) -> Table:
    return ("run_id", "started", "rows", "seconds"), [(_sha(rng, 12), day, _many(rng), 6.1) for day in _days(20)]


def _counties(rng: random.Random) -> Table:
    return ("county_id", "county", "median_age", "median_income", "population"), [
        (1000 + n, f"County {n}", 41.2, 52_000 + n, _many(rng) + 1000) for n in range(40)
    ]


def _wide(rng: random.Random) -> Table:
    names = ("date", *(f"station {n}" for n in range(12)))
    return names, [
        (f"{2020 + n // 365}-{1 + n % 12:02}", *(round(rng.random() * 30, 1) for _ in range(12))) for n in range(1500)
    ]


def _images(rng: random.Random) -> Table:
    return ("image", "digest", "pulls"), [(f"app:{n}.0.1", f"sha256:{_sha(rng, 64)}", _many(rng)) for n in range(12)]


def _tidy(rng: random.Random) -> Table:
    return ("region", "sex", "age", "education", "value"), [
        (land, sex, "25-34", level, round(rng.random() * 100, 1))
        for land in COUNTRIES
        for sex in "FM"
        for level in (1, 2)
    ]


CLEAN_TABLES = {
    "clients-by-country": _by_country, "versions": _by_version, "drivers": _driver_versions, "histogram": _histogram,
    "builds": _builds, "artifacts": _artifacts, "pyramid": _pyramid, "stations": _stations, "percentiles": _percentiles,
    "experiment": _experiment, "hourly": _hourly, "sensor": _sensor, "shares": _shares, "words": _word_counts,
    "sales": _sales, "weather": _weather, "rates": _rates, "crosstab": _crosstab, "survey": _survey,
    "coefficients": _coefficients, "bundesland": _regions, "departements": _departments, "provincias": _provinces,
    "prefectures": _prefectures, "retention": _retention, "devices": _devices, "browsers": _browsers,
    "flights": _airports, "runs": _runs, "counties": _counties, "images": _images, "wide": _wide, "tidy": _tidy,
}  # fmt: skip


# -- clean files of other kinds


def _clean_files(rng: random.Random) -> Iterator[tuple[str, bytes]]:
    yield "output/empty.csv", b""
    yield "output/plot.png", b"\x89PNG\r\n\x1a\n" + rng.randbytes(3000)
    yield "output/plot.jpg", b"\xff\xd8\xff\xe0" + rng.randbytes(3000)
    yield (
        "output/plot.svg",
        b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="460.8pt">\n'
        + b"".join(
            f'<path d="M {n}.{n} 12.5 L 3 4" style="stroke: #1f77b4" id="line2d_{n}"/>\n'.encode() for n in range(200)
        )
        + b"</svg>\n",
    )
    yield (
        "output/summary.txt",
        b"Date              2026-11-24\nWords             271\nMost frequent     that (13 times)\n",
    )
    yield (
        "output/README.md",
        (
            b"# Weekly report\n\nMade with pandas 2.2.3, Firefox 130.0.1.2 and driver version 31.0.15.4601.\n"
            b"`pip install git+ssh://git@code.invalid/team/report.git`\n\n@property and icon@2x.png are no addresses, "
            b"nor is 12:30:45 or ::1 or 127.0.0.1 or 0.0.0.0.\nContact: see the team's page.\n"
        ),
    )
    yield (
        "output/totals.json",
        json.dumps({"clients": {land: _many(rng) for land in COUNTRIES}, "made": "2026-11-24"}).encode(),
    )
    yield "output/zones.geojson", json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"region": land, "cases": _many(rng)},
         "geometry": {"type": "Polygon", "coordinates": [[[rng.random(), rng.random()] for _ in range(9)]]}}
        for land in COUNTRIES]}).encode()  # fmt: skip
    yield (
        "output/config.yaml",
        b"password: ${DB_PASSWORD}\ntoken: <your token>\nsecret_name: projects/report\ntimeout: 30\n",
    )
    yield (
        "output/code.py",
        (
            b"import os\npassword = os.environ['PASSWORD']\ntoken = getpass('Token: ')\n"
            b"for a in x[::2]:\n    print(a)\n# version 1.2.3.4 of 2026\n"
        ),
    )
    yield (
        "output/build.json",
        json.dumps({"commit": _sha(rng), "build": {"id": _uuid(rng), "time": "2026-11-24T12:00:07Z"}}).encode(),
    )
    yield "output/checksums.txt", "".join(f"{_sha(rng, 64)}  part-{n}.csv\n" for n in range(3)).encode()
    yield (
        "output/style.css",
        b"body { background: url(data:image/png;base64," + base64.b64encode(rng.randbytes(900)) + b") }\n",
    )
    yield (
        "report/log.txt",
        (
            "Executing:   0%|          | 0/6 [00:00<?, ?cell/s]\n[papermill] INFO - Starting new kernel\n"
            "Collecting pandas==2.2.3 --hash=sha256:" + _sha(rng, 64) + "\nRead 336776 rows in 1.25 s\n"
            "Listening on http://127.0.0.1:8888/\n2026-11-24 12:00:07,123 INFO wrote output/weekly.csv\n"
        ).encode(),
    )
    names, rows = _by_country(rng)
    plain = separated(names, rows[:5], " ")
    picture = {
        "output_type": "display_data",
        "metadata": {},
        "data": {"image/png": base64.b64encode(rng.randbytes(2000)).decode()},
    }
    yield (
        "report/report.ipynb",
        notebook(
            ("month = 3\ntoken_count = 12", []),
            ("table", [shown(page(names, rows), plain)]),
            ("draw()", [picture, printed("done\n")]),
        ),
    )
    yield (
        "report/report.html",
        page(names, rows)
        .replace(
            "</body>", f'<img src="data:image/png;base64,{base64.b64encode(rng.randbytes(3000)).decode()}"></body>'
        )
        .encode(),
    )
    yield "output/latest.json", json.dumps({"manifest": "runs/20261124T120000Z-1f0c9a2b/manifest.json", "files": [
        {"path": f"w-{n}.csv", "size": _many(rng), "sha256": _sha(rng, 64)} for n in range(6)]}).encode()  # fmt: skip


# -- secrets


def _letters(
    rng: random.Random, number: int, alphabet: str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
) -> str:
    return "".join(rng.choice(alphabet) for _ in range(number - 2)) + "a7"


def _jwt(rng: random.Random) -> str:
    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": "1", "iat": rng.randrange(10**9)}]
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*texts, base64.urlsafe_b64encode(rng.randbytes(32)).decode().rstrip("=")])


def secrets_of(rng: random.Random) -> dict[str, str]:
    upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    small = "abcdef0123456789"
    return {
        "aws key": "AK" + "IA" + _letters(rng, 18, upper)[:14] + "Q7",
        "aws secret": "aws_secret_access" + f"_key = {_letters(rng, 40)}",
        "azure": "Account" + "Key=" + base64.b64encode(rng.randbytes(64)).decode(),
        "github": "gh" + "p_" + _letters(rng, 36),
        "github fine": "github" + "_pat_" + _letters(rng, 60),
        "gitlab": "gl" + "pat-" + _letters(rng, 20),
        "slack": "xo" + "xb-" + "123456789012-" + _letters(rng, 24),
        "slack hook": "https://hooks.slack"
        + ".com/services/T"
        + _letters(rng, 8, upper)
        + "/B"
        + _letters(rng, 8, upper)
        + "/"
        + _letters(rng, 24),
        "google": "AI" + "za" + _letters(rng, 35),
        "stripe": "sk" + "_live_" + _letters(rng, 24),
        "hugging face": "hf" + "_" + _letters(rng, 36),
        "openai": "sk" + "-proj-" + _letters(rng, 48),
        "anthropic": "sk" + "-ant-api03-" + _letters(rng, 60),
        "sendgrid": "SG" + "." + _letters(rng, 22) + "." + _letters(rng, 43),
        "npm": "//registry.invalid/:_auth" + "Token=npm_" + _letters(rng, 36),
        "pypi": "py" + "pi-AgEIcHlwaS5vcmc" + _letters(rng, 80),
        "twilio": "S" + "K" + _letters(rng, 32, small),
        "mailchimp": _letters(rng, 32, small) + "-us" + "12",
        "telegram": "1234567890" + ":" + _letters(rng, 35),
        "jwt": _jwt(rng),
        "private key": "-----BEGIN " + "RSA PRIVATE" + " KEY-----",
        "openssh key": "-----BEGIN OPENSSH" + " PRIVATE KEY-----",
        "address": "postgresql://report:" + _letters(rng, 12) + "@db.internal/warehouse",
        "password": 'password = "' + _letters(rng, 14) + '"',
        "passwort": "Passwort: " + _letters(rng, 12),
        "contraseña": 'contraseña = "' + _letters(rng, 12) + '"',
        "api key": "api_key=" + _letters(rng, 32),
        "token": '"token": "' + _letters(rng, 30) + '"',
        "bearer": "Authorization: Bearer " + _letters(rng, 40),
    }


def _secrets(rng: random.Random) -> Iterator[Case]:
    for what, secret in secrets_of(rng).items():
        line = f"2026-11-24 12:00:07 connecting with {secret}\n" if what != "telegram" else f"{secret}\n"
        noise = "".join(f"2026-11-24 12:00:{n:02} read {n} parts\n" for n in range(50))
        plain = secret.replace('"', "")
        places = {
            "log.txt": (noise + line + noise).encode(),
            "notes.txt": (noise + f"{secret}\n").encode("utf-16"),
            "table.csv": separated(
                ("date", "note", "clients"), [("2026-11-24", plain, 12), *[("2026-11-25", "", 31)] * 9]
            ).encode(),
            "long.json": json.dumps({"config": {"deep": [{"x": 1, "y": [{"use": secret}]}]}, "clients": 120}).encode(),
            "log.gz": gzip.compress((noise * 3 + line).encode(), mtime=0),
            "run.ipynb": notebook(("x = 1", []), (f"# {secret}\nconnect()", [printed("ok\n")])),
            "out.ipynb": notebook(("show()", [printed(f"{noise}{line}")])),
            "page.html": f"<html><script>var c = {json.dumps(secret)};\n{plain}\n</script><p>ok</p></html>".encode(),
        }
        for path, data in rng.sample(list(places.items()), 4):
            if what == "telegram" and path not in {"notes.txt", "log.gz", "log.txt"}:
                continue
            yield Case(f"secret {what} {path}", f"output/{path}", data, Kind.SECRET)


# -- addresses


def _email(rng: random.Random) -> str:
    name = f"{rng.choice(FIRST)}.{rng.choice(LAST)}".lower()
    plain = name.encode("ascii", "ignore").decode()
    return rng.choice((f"{plain}@firma.de", f"{plain}+lists@mail.uni-a.edu", f"{plain[:5]}@x.io", f"{plain}@abc.co.jp"))


def _emails(rng: random.Random) -> Iterator[Case]:
    for header in ("email", "E-Mail", "contact", "Ansprechpartner", "correo", "メール", "x"):
        for ending, shape in rng.sample(SHAPES, 6):
            names, rows = (header, "visits", "share"), [(_email(rng), _many(rng), 0.5) for _ in range(12)]
            yield Case(f"emails {header}", f"output/t{ending}", shape(names, rows), Kind.EMAIL)
    for ending, shape in SHAPES:
        names, rows = _by_country(rng)
        noted = [(*row, f"asked by {_email(rng)}" if n == 41 else "") for n, row in enumerate(rows)]
        yield Case(f"one email {ending}", f"output/c{ending}", shape((*names, "note"), noted), Kind.EMAIL)
    texts = {
        "mailto": '<a href="mailto:%s">write</a>', "percent": "https://a.invalid/?to=%s", "angle": "From: Ana <%s>",
        "log": "12:00 INFO sent report to %s (ok)", "idn": "an: %s", "spelt": "%s",
    }  # fmt: skip
    for what, text in texts.items():
        address = _email(rng)
        hidden = {
            "percent": address.replace("@", "%40"),
            "idn": "jürgen@müller-söhne.de",
            "spelt": "ana [at] firma (dot) de",
        }
        line = text % hidden.get(what, address)
        for path in ("a.txt", "a.html", "a.md"):
            yield Case(f"email {what} {path}", f"output/{path}", f"Report\n\n{line}\n".encode(), Kind.EMAIL)
    yield Case("email in output", "report/r.ipynb", notebook(("df", [printed(f"0 {_email(rng)}\n")])), Kind.EMAIL)
    yield Case("email in a name", "output/for-ana@firma.de.csv", b"a,b\n1,2\n", Kind.EMAIL)
    yield Case("headerless", "output/h.csv", separated((), [(_email(rng), n) for n in range(9)]).encode(), Kind.EMAIL)


def _ip(rng: random.Random) -> str:
    return (
        f"{rng.choice((81, 93, 145, 188, 203))}.{rng.randrange(1, 255)}.{rng.randrange(1, 255)}.{rng.randrange(1, 255)}"
    )


def _addresses(rng: random.Random) -> Iterator[Case]:
    def six(_: random.Random) -> str:
        return ":".join(["2a02", *(f"{rng.randrange(1, 65536):x}" for _ in range(7))])

    for make, what in (
        (_ip, "four"),
        (six, "six"),
        (lambda r: f"10.{r.randrange(9)}.{r.randrange(9)}.{r.randrange(200)}", "inner"),
    ):
        for header in ("ip", "client_ip", "Remote Addr", "adresse_ip", "host") + (
            ("wo", "") if what != "inner" else ()
        ):
            for ending, shape in rng.sample(SHAPES[:15], 3):
                rows: list[Row] = [("2026-11-24", make(rng), _many(rng)) for _ in range(15)]
                names = ("day", header, "hits")
                yield Case(f"ip {what} {header}", f"output/t{ending}", shape(names, rows), Kind.IP_ADDRESS)
    lines = (
        '{ip} - - [24/Nov/2026:12:00:07 +0000] "GET / HTTP/1.1" 200 512',
        "Nov 24 12:00:07 gate sshd[812]: Accepted publickey for ops from {ip} port 50022",
        "connected to {ip}:5432",
        "client={ip} status=200",
        "slow answer of {ip}, trying again",
        "fe80 peer 2001:db8:85a3::8a2e:370:7334 joined",
        "device 3c:22:fb:9a:1b:7e seen",
    )
    for line in lines:
        text = "starting\n" + line.format(ip=_ip(rng)) + "\ndone\n"
        yield Case(f"ip in {line[:12]}", "output/access.log", text.encode(), Kind.IP_ADDRESS)
        yield Case(
            f"ip in log {line[:12]}", "report/log.txt.gz", gzip.compress(text.encode(), mtime=0), Kind.IP_ADDRESS
        )
        yield Case(f"ip in output {line[:12]}", "report/n.ipynb", notebook(("x", [printed(text)])), Kind.IP_ADDRESS)


# -- client ids


def _client_ids(rng: random.Random) -> Iterator[Case]:
    makers = {
        "uuid": _uuid,
        "UUID": lambda r: _uuid(r).upper(),
        "hex32": lambda r: _sha(r, 32),
        "hex64": lambda r: _sha(r, 64),
        "token": lambda r: base64.urlsafe_b64encode(r.randbytes(18)).decode(),
    }
    for what, make in makers.items():
        for header in ("client_id", "id", "clientId", "x", "kennung", "profil"):
            for ending, shape in rng.sample(SHAPES, 3):
                rows: list[Row] = [(make(rng), rng.choice(COUNTRIES), _many(rng)) for _ in range(15)]
                yield Case(
                    f"ids {what} {header}",
                    f"output/t{ending}",
                    shape((header, "country", "pings"), rows),
                    Kind.CLIENT_ID,
                )
        rows = [(make(rng), rng.choice(COUNTRIES)) for _ in range(15)]
        yield Case(f"ids {what} headerless", "output/h.csv", separated((), rows).encode(), Kind.CLIENT_ID)
        if what != "token":
            listed = "".join(f"{make(rng)}\n" for _ in range(20))
            yield Case(f"ids {what} listed", "output/list.txt", listed.encode(), Kind.CLIENT_ID)
            spoken = "".join(f"12:00:{n:02} sent to {make(rng)} ok\n" for n in range(20))
            yield Case(f"ids {what} log", "report/log.txt", spoken.encode(), Kind.CLIENT_ID)
        keyed = {make(rng): {"pings": n, "country": "DE"} for n in range(20)}
        yield Case(f"ids {what} keyed", "output/k.json", json.dumps(keyed).encode(), Kind.CLIENT_ID)
        inside = {"result": {"top": [make(rng) for _ in range(12)]}}
        yield Case(f"ids {what} list", "output/l.json", json.dumps(inside).encode(), Kind.CLIENT_ID)


# -- rows of people and events


def _people(rng: random.Random, *makers: object) -> list[Row]:
    return [tuple(make(rng, n) if callable(make) else make for make in makers) for n in range(30)]


def _row_level(rng: random.Random) -> Iterator[Case]:  # noqa: C901  (one maker for each kind of cell)
    def number(r: random.Random, n: int) -> int:
        return 10_000 + 37 * n

    def age(r: random.Random, n: int) -> int:
        return r.randrange(18, 95)

    def sex(r: random.Random, n: int) -> str:
        return r.choice("mf")

    def postal(r: random.Random, n: int) -> str:
        return f"{r.randrange(10_000, 99_999)}"

    def first(r: random.Random, n: int) -> str:
        return r.choice(FIRST)

    def last(r: random.Random, n: int) -> str:
        return r.choice(LAST)

    def born(r: random.Random, n: int) -> str:
        return (date(1950, 1, 1) + timedelta(days=r.randrange(20_000))).isoformat()

    def moment(r: random.Random, n: int) -> str:
        return (datetime(2026, 11, 24, tzinfo=UTC) + timedelta(seconds=37 * n + r.randrange(30))).isoformat()

    def money(r: random.Random, n: int) -> float:
        return round(r.random() * 90, 2)

    def epoch(r: random.Random, n: int) -> int:
        return 1_795_000_000 + 61 * n + r.randrange(50)

    def phone(r: random.Random, n: int) -> str:
        return f"+49 151 {r.randrange(10**7, 10**8)}"

    def place(r: random.Random, n: int) -> float:
        return round(48 + r.random(), 6)

    tables: dict[str, tuple[Sequence[str], list[Row]]] = {
        "users": (("user_id", "country", "pings"), _people(rng, number, "DE", age)),
        "userId": (("userId", "score"), _people(rng, number, money)),
        "kunden": (("Kundennr.", "Umsatz"), _people(rng, number, money)),
        "patient": (("patient_id", "visits"), _people(rng, number, age)),
        "subject": (("subject_id", "arm", "weight"), _people(rng, number, "a", age)),
        "names": (("first_name", "last_name", "amount"), _people(rng, first, last, money)),
        "vorname": (("Vorname", "Nachname", "Geburtsdatum"), _people(rng, first, last, born)),
        "prenom": (("prénom", "nom", "date de naissance"), _people(rng, first, last, born)),
        "apellidos": (("nombre", "apellidos", "teléfono"), _people(rng, first, last, phone)),
        "phone": (("phone", "plan"), _people(rng, phone, "b")),
        "dob": (("dob", "result"), _people(rng, born, "neg")),
        "micro": (("age", "sex", "zip", "diagnosis"), _people(rng, age, sex, postal, "J45")),
        "mikro": (("Alter", "Geschlecht", "PLZ", "Beruf"), _people(rng, age, sex, postal, "Koch")),
        "micros": (("edad", "sexo", "código postal", "salario"), _people(rng, age, sex, postal, money)),
        "orders": (("order_id", "placed", "total"), _people(rng, number, born, money)),
        "pedidos": (("pedido_id", "importe"), _people(rng, number, money)),
        "trips": (("started", "ended", "from_station", "to_station"), _people(rng, moment, moment, "a", "b")),
        "events": (("timestamp", "event", "lat", "lon"), _people(rng, moment, "open", place, place)),
        "epoch": (("ts", "page"), _people(rng, epoch, "/home")),
        "clicks": (("time", "url", "referrer"), _people(rng, moment, "/a", "/b")),
        "ssn": (
            ("SSN", "wage"),
            _people(rng, lambda r, n: f"{r.randrange(100, 900)}-11-{r.randrange(1000, 9999)}", money),
        ),
        "accounts": (("account_number", "balance"), _people(rng, number, money)),
        "session": (("session_id", "pages", "seconds"), _people(rng, number, age, age)),
        "employee": (("employee_no", "salary"), _people(rng, number, money)),
        "login": (("username", "commits"), _people(rng, lambda r, n: f"{r.choice(FIRST)}{n}".lower(), age)),
        "matrikel": (("Matrikelnummer", "Note"), _people(rng, number, 2)),
        "iban": (("iban", "amount"), _people(rng, lambda r, n: f"DE{r.randrange(10**19, 10**20)}", money)),
        "visitor": (("visitor", "pages"), _people(rng, lambda r, n: f"{r.choice(FIRST)} {r.choice(LAST)} {n}", age)),
        "plate": (("license_plate", "speed"), _people(rng, lambda r, n: f"M-AB {1000 + n}", age)),
        "flights": (
            ("month", "day", "carrier", "number", "tail", "origin", "dest", "delay", "distance"),
            [
                (1 + n % 12, 1 + n % 28, rng.choice(("AA", "UA")), n % 900, f"N{n % 300}", "JFK", "LAX", n % 50, 2475)
                for n in range(1500)
            ],
        ),
        "utente": (("utente_id", "pagine"), _people(rng, number, age)),
    }
    for what, (names, rows) in tables.items():
        for ending, shape in rng.sample(SHAPES, 5):
            yield Case(f"rows {what} {ending}", f"output/t{ending}", shape(names, rows), Kind.ROW_LEVEL)


# -- small cells


def _small_cells(rng: random.Random) -> Iterator[Case]:
    headers = (
        "count", "n", "clients", "users", "n_patients", "num_users", "Anzahl", "Fälle", "casos", "effectif", "Total",
        "number of deaths", "client_count", "responses", "utenti", "visitors", "cnt", "freq", "personas",
    )  # fmt: skip
    for header in headers:
        for ending, shape in rng.sample(SHAPES, 5):
            rows: list[Row] = [(day, land, _many(rng)) for day in _days(3) for land in COUNTRIES]
            at = rng.randrange(len(rows))
            rows[at] = (*rows[at][:2], rng.randrange(1, 5))
            yield Case(
                f"small {header} {ending}",
                f"output/t{ending}",
                shape(("date", "country", header), rows),
                Kind.SMALL_CELL,
            )
    for what in ("clients", "patient_count", "users_by_country"):
        counts = {land: _many(rng) for land in COUNTRIES} | {"LI": 2}
        yield Case(
            f"small map {what}", "output/m.json", json.dumps({"made": "x", what: counts}).encode(), Kind.SMALL_CELL
        )
    for name in ("client_counts.csv", "users.csv", "visits.csv.gz"):
        rows = [(day, *(_many(rng) for _ in COUNTRIES[:-1]), 3) for day in _days(12)]
        text = separated(("date", *COUNTRIES), rows).encode()
        data = gzip.compress(text, mtime=0) if name.endswith(".gz") else text
        yield Case(f"small crosstab {name}", f"output/{name}", data, Kind.SMALL_CELL)


# -- what can't be read


def _unreadable(rng: random.Random) -> Iterator[Case]:
    def archive() -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as tar:
            tar.addfile(tarfile.TarInfo("a.csv"), io.BytesIO(b""))
        return out.getvalue()

    def zipped() -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            file.writestr("xl/sharedStrings.xml", "<sst/>")
        return out.getvalue()

    packed = gzip.compress(b"a,b\n1,2\n" * 5000, mtime=0)
    bomb = gzip.compress(gzip.compress(gzip.compress(b"0" * 1_000_000)))
    files = {
        "book.xlsx": zipped(), "a.zip": zipped(), "a.tar.gz": archive(), "cut.csv.gz": packed[: len(packed) // 2],
        "bent.csv.gz": packed[:20] + b"\0\0\0" + packed[23:], "report.pdf": b"%PDF-1.7\n" + rng.randbytes(3000),
        "model.pkl": pickle.dumps({"a": 1}), "noise.bin": rng.randbytes(5000), "plot.png": rng.randbytes(5000),
        "notes.txt": rng.randbytes(5000), "a.sqlite": b"SQLite format 3\0" + bytes(96), "bomb.gz": bomb,
        "a.npy": b"\x93NUMPY\x01\0" + rng.randbytes(200), "bad.parquet": b"PAR1" + rng.randbytes(200),
        "secret.txt": b"-----BEGIN PGP MESSAGE-----\n\n" + base64.b64encode(rng.randbytes(600)) + b"\n",
        "half.jsonl": b'{"a": 1}\n{"a": 2}\n{"a": \n', "a.zst": b"\x28\xb5\x2f\xfd" + rng.randbytes(300),
    }  # fmt: skip
    for name, data in files.items():
        yield Case(f"unreadable {name}", f"output/{name}", data, Kind.UNCHECKED)
