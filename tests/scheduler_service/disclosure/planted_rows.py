"""Rows of people and events: their addresses, their ids, what is said of one of them or of very few."""

import base64
import gzip
import json
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from jupyter_schedule.core.models import FindingKind
from tests.scheduler_service.disclosure.invented import COUNTRIES, FIRST, LAST, Case, by_country, days, many, sha, uuid
from tests.scheduler_service.disclosure.shapes import SHAPES, Row, notebook, printed, separated


def _email(rng: random.Random) -> str:
    name = f"{rng.choice(FIRST)}.{rng.choice(LAST)}".lower()
    plain = name.encode("ascii", "ignore").decode()
    return rng.choice((f"{plain}@firma.de", f"{plain}+lists@mail.uni-a.edu", f"{plain[:5]}@x.io", f"{plain}@abc.co.jp"))


def emails(rng: random.Random) -> Iterator[Case]:
    for header in ("email", "E-Mail", "contact", "Ansprechpartner", "correo", "メール", "x"):
        for ending, shape in rng.sample(SHAPES, 6):
            visitors: list[Row] = [(_email(rng), many(rng), 0.5) for _ in range(12)]
            table = shape((header, "visits", "share"), visitors)
            yield Case(f"emails {header}", f"output/t{ending}", table, FindingKind.EMAIL)
    for ending, shape in SHAPES:
        names, rows = by_country(rng)
        noted = [(*row, f"asked by {_email(rng)}" if n == 41 else "") for n, row in enumerate(rows)]
        yield Case(f"one email {ending}", f"output/c{ending}", shape((*names, "note"), noted), FindingKind.EMAIL)
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
            yield Case(f"email {what} {path}", f"output/{path}", f"Report\n\n{line}\n".encode(), FindingKind.EMAIL)
    yield Case(
        "email in output", "report/r.ipynb", notebook(("df", [printed(f"0 {_email(rng)}\n")])), FindingKind.EMAIL
    )
    yield Case("email in a name", "output/for-ana@firma.de.csv", b"a,b\n1,2\n", FindingKind.EMAIL)
    yield Case(
        "headerless", "output/h.csv", separated((), [(_email(rng), n) for n in range(9)]).encode(), FindingKind.EMAIL
    )


def _ip(rng: random.Random) -> str:
    return (
        f"{rng.choice((81, 93, 145, 188, 203))}.{rng.randrange(1, 255)}.{rng.randrange(1, 255)}.{rng.randrange(1, 255)}"
    )


def addresses(rng: random.Random) -> Iterator[Case]:
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
                rows: list[Row] = [("2026-11-24", make(rng), many(rng)) for _ in range(15)]
                names = ("day", header, "hits")
                yield Case(f"ip {what} {header}", f"output/t{ending}", shape(names, rows), FindingKind.IP_ADDRESS)
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
        yield Case(f"ip in {line[:12]}", "output/access.log", text.encode(), FindingKind.IP_ADDRESS)
        yield Case(
            f"ip in log {line[:12]}", "report/log.txt.gz", gzip.compress(text.encode(), mtime=0), FindingKind.IP_ADDRESS
        )
        yield Case(
            f"ip in output {line[:12]}", "report/n.ipynb", notebook(("x", [printed(text)])), FindingKind.IP_ADDRESS
        )


def client_ids(rng: random.Random) -> Iterator[Case]:
    makers: dict[str, Callable[[random.Random], str]] = {
        "uuid": uuid,
        "UUID": lambda r: uuid(r).upper(),
        "hex32": lambda r: sha(r, 32),
        "hex64": lambda r: sha(r, 64),
        "token": lambda r: base64.urlsafe_b64encode(r.randbytes(18)).decode(),
    }
    for what, make in makers.items():
        for header in ("client_id", "id", "clientId", "x", "kennung", "profil"):
            for ending, shape in rng.sample(SHAPES, 3):
                rows: list[Row] = [(make(rng), rng.choice(COUNTRIES), many(rng)) for _ in range(15)]
                yield Case(
                    f"ids {what} {header}",
                    f"output/t{ending}",
                    shape((header, "country", "pings"), rows),
                    FindingKind.CLIENT_ID,
                )
        rows = [(make(rng), rng.choice(COUNTRIES)) for _ in range(15)]
        yield Case(f"ids {what} headerless", "output/h.csv", separated((), rows).encode(), FindingKind.CLIENT_ID)
        if what != "token":
            listed = "".join(f"{make(rng)}\n" for _ in range(20))
            yield Case(f"ids {what} listed", "output/list.txt", listed.encode(), FindingKind.CLIENT_ID)
            spoken = "".join(f"12:00:{n:02} sent to {make(rng)} ok\n" for n in range(20))
            yield Case(f"ids {what} log", "report/log.txt", spoken.encode(), FindingKind.CLIENT_ID)
        keyed = {make(rng): {"pings": n, "country": "DE"} for n in range(20)}
        yield Case(f"ids {what} keyed", "output/k.json", json.dumps(keyed).encode(), FindingKind.CLIENT_ID)
        inside = {"result": {"top": [make(rng) for _ in range(12)]}}
        yield Case(f"ids {what} list", "output/l.json", json.dumps(inside).encode(), FindingKind.CLIENT_ID)


def _people(rng: random.Random, *makers: object) -> list[Row]:
    return [tuple(make(rng, n) if callable(make) else make for make in makers) for n in range(30)]


def row_level(rng: random.Random) -> Iterator[Case]:  # noqa: C901  (one maker for each kind of cell)
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
            yield Case(f"rows {what} {ending}", f"output/t{ending}", shape(names, rows), FindingKind.ROW_LEVEL)


def small_cells(rng: random.Random) -> Iterator[Case]:
    headers = (
        "count", "n", "clients", "users", "n_patients", "num_users", "Anzahl", "Fälle", "casos", "effectif", "Total",
        "number of deaths", "client_count", "responses", "utenti", "visitors", "cnt", "freq", "personas",
    )  # fmt: skip
    for header in headers:
        for ending, shape in rng.sample(SHAPES, 5):
            rows: list[Row] = [(day, land, many(rng)) for day in days(3) for land in COUNTRIES]
            at = rng.randrange(len(rows))
            rows[at] = (*rows[at][:2], rng.randrange(1, 5))
            yield Case(
                f"small {header} {ending}",
                f"output/t{ending}",
                shape(("date", "country", header), rows),
                FindingKind.SMALL_CELL,
            )
    for what in ("clients", "patient_count", "users_by_country"):
        counts = {land: many(rng) for land in COUNTRIES} | {"LI": 2}
        yield Case(
            f"small map {what}",
            "output/m.json",
            json.dumps({"made": "x", what: counts}).encode(),
            FindingKind.SMALL_CELL,
        )
    for name in ("client_counts.csv", "users.csv", "visits.csv.gz"):
        rows = [(day, *(many(rng) for _ in COUNTRIES[:-1]), 3) for day in days(12)]
        text = separated(("date", *COUNTRIES), rows).encode()
        data = gzip.compress(text, mtime=0) if name.endswith(".gz") else text
        yield Case(f"small crosstab {name}", f"output/{name}", data, FindingKind.SMALL_CELL)
