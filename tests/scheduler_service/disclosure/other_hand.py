# ruff: noqa: E501  (a format on each line)
"""Leaks by another hand: written from reports of what has leaked, without a look at the rules, in forty formats.

Four tables that have leaked again and again, each as people save and show them, and credentials in the files in which
they are found in public places.  Tokens are put together when a test runs; nobody in it exists.
"""

import base64
import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator, Sequence
from html import escape
from xml.sax.saxutils import quoteattr

Names = Sequence[str]
Rows = Sequence[Sequence[object]]
Writer = Callable[[Names, Rows], bytes]

_GIVEN = [
    "Aylin",
    "Boris",
    "Carmen",
    "Dmitri",
    "Elena",
    "Farid",
    "Greta",
    "Henrik",
    "Irina",
    "Joao",
    "Katarzyna",
    "Liam",
    "Mei",
    "Nadia",
    "Oskar",
    "Priya",
]
_FAMILY = [
    "Yildiz",
    "Petrov",
    "Ortega",
    "Sokolov",
    "Marin",
    "Rahimi",
    "Lindqvist",
    "Dahl",
    "Popova",
    "Silva",
    "Nowak",
    "Byrne",
    "Chen",
    "Haddad",
    "Berg",
    "Nair",
]


def people(rng: random.Random) -> Iterator[tuple[str, Names, Rows]]:
    """Tables in which each row is somebody."""
    who = [f"{given} {family}" for given, family in zip(_GIVEN, _FAMILY, strict=True)]
    mails = [f"{name.lower().replace(' ', '.')}@{rng.choice(('posteo.de', 'gmail.com', 'acme.org'))}" for name in who]
    phones = [f"+49 1{rng.randrange(50, 79)} {rng.randrange(10**6, 10**7)}" for _ in who]
    yield "customers", ("name", "email", "phone"), list(zip(who, mails, phones, strict=True))
    born = [f"{rng.randrange(1955, 2003)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}" for _ in who]
    pay = [rng.randrange(28, 140) * 1000 for _ in who]
    yield (
        "payroll",
        ("employee_id", "full_name", "birth_date", "salary"),
        [(70311 + 7 * n, each, born[n], pay[n]) for n, each in enumerate(who)],
    )
    yield "admissions", ("patient_id", "age", "sex", "zip", "diagnosis"), [
        (f"P{rng.randrange(10**6, 10**7)}", rng.randrange(18, 95), rng.choice("mf"), rng.randrange(10115, 99998),
         rng.choice(("I21.9", "E11.9", "C50.4", "F32.1", "J44.1")))
        for _ in range(24)
    ]  # fmt: skip
    yield "visits", ("time", "ip", "session_id", "page"), [
        (f"2026-10-0{rng.randrange(1, 9)} {rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}",
         f"{rng.choice((91, 84, 178, 203))}.{rng.randrange(1, 254)}.{rng.randrange(1, 254)}.{rng.randrange(1, 254)}",
         f"{rng.randrange(16**32):032x}", rng.choice(("/", "/cart", "/login")))
        for _ in range(30)
    ]  # fmt: skip


def _joined(sign: str, rows: Rows) -> str:
    return "".join(sign.join(map(str, row)) + "\n" for row in rows)


def _records(names: Names, rows: Rows) -> list[dict[str, object]]:
    return [dict(zip(names, row, strict=True)) for row in rows]


def _wide(names: Names, rows: Rows) -> str:
    every = [[str(value) for value in row] for row in (names, *rows)]
    widths = [max(map(len, column)) + 2 for column in zip(*every, strict=True)]
    return "".join(
        "".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip() + "\n" for row in every
    )


def _table(names: Names, rows: Rows) -> str:
    head = "".join(f"<th>{name}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in row) + "</tr>\n" for row in rows)
    return f'<table border="1" class="dataframe"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cells(*outputs: dict[str, object]) -> bytes:
    cell = {"cell_type": "code", "metadata": {}, "execution_count": 1, "source": ["df"], "outputs": list(outputs)}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}).encode()


def _shown(names: Names, rows: Rows) -> bytes:
    data = {"text/html": _table(names, rows), "text/plain": _wide(names, rows)}
    return _cells({"output_type": "execute_result", "metadata": {}, "execution_count": 1, "data": data})


def _xml(names: Names, rows: Rows) -> bytes:
    inner = "".join(
        "<row>" + "".join(f"<{n}>{escape(str(v))}</{n}>" for n, v in zip(names, row, strict=True)) + "</row>\n"
        for row in rows
    )
    return f"<?xml version='1.0'?>\n<rows>\n{inner}</rows>".encode()


def _attributes(names: Names, rows: Rows) -> bytes:
    inner = "".join(f"<li data-row={quoteattr(json.dumps(each))}>one</li>" for each in _records(names, rows))
    return f"<html><body><ul>{inner}</ul></body></html>".encode()


def _zipped(names: Names, rows: Rows) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        archive.writestr("export.csv", _joined(",", [names, *rows]))
    return kept.getvalue()


def _plotly(names: Names, rows: Rows) -> bytes:
    trace = {"type": "scatter", "x": [1] * len(rows), "y": [2] * len(rows), "customdata": [list(row) for row in rows],
             "hovertemplate": "<br>".join(f"{name}=%{{customdata[{n}]}}" for n, name in enumerate(names))}  # fmt: skip
    return f"<html><div id='a'></div><script>Plotly.newPlot('a', {json.dumps([trace])}, {{}})</script></html>".encode()


def _vega(names: Names, rows: Rows) -> bytes:
    spec = {"$schema": "vega-lite", "mark": "point", "datasets": {"data-1": _records(names, rows)}}
    return f"<script>var spec = {json.dumps(spec)}; vegaEmbed('#v', spec);</script>".encode()


def _bokeh(names: Names, rows: Rows) -> bytes:
    data = {"type": "map", "entries": [[name, [row[n] for row in rows]] for n, name in enumerate(names)]}
    source = {"type": "object", "name": "ColumnDataSource", "attributes": {"data": data}}
    return f'<script type="application/json">{json.dumps({"doc": {"roots": [source]}})}</script>'.encode()


TABLES: dict[str, Writer] = {
    "export.csv": lambda names, rows: _joined(",", [names, *rows]).encode(),
    "export-de.csv": lambda names, rows: _joined(";", [names, *rows]).encode("latin-1", "replace"),
    "excel.csv": lambda names, rows: _joined("\t", [names, *rows]).encode("utf-16"),
    "bom.csv": lambda names, rows: _joined(",", [names, *rows]).encode("utf-8-sig"),
    "quoted.csv": lambda names, rows: "".join(",".join(f'"{v}"' for v in row) + "\r\n" for row in (names, *rows)).encode(),
    "indexed.csv": lambda names, rows: _joined(",", [["", *names], *([n, *row] for n, row in enumerate(rows))]).encode(),
    "export.tsv": lambda names, rows: _joined("\t", [names, *rows]).encode(),
    "pipes.psv": lambda names, rows: _joined("|", [names, *rows]).encode(),
    "part-0000.csv.gz": lambda names, rows: gzip.compress(_joined(",", [names, *rows]).encode()),
    "records.json": lambda names, rows: json.dumps(_records(names, rows)).encode(),
    "split.json": lambda names, rows: json.dumps({"columns": list(names), "data": [list(row) for row in rows]}).encode(),
    "columns.json": lambda names, rows: json.dumps({name: {str(k): row[n] for k, row in enumerate(rows)} for n, name in enumerate(names)}).encode(),
    "answer.json": lambda names, rows: json.dumps({"status": "ok", "result": {"items": _records(names, rows)}}, indent=2).encode(),
    "lines.jsonl": lambda names, rows: "".join(json.dumps(each) + "\n" for each in _records(names, rows)).encode(),
    "events.log": lambda names, rows: "".join(f"INFO app {json.dumps(each)}\n" for each in _records(names, rows)).encode(),
    "printed.txt": lambda names, rows: _wide(names, rows).encode(),
    "table.md": lambda names, rows: f"# Data\n\n|{'|'.join(names)}|\n|{'---|' * len(names)}\n{''.join('|' + '|'.join(map(str, row)) + '|' + chr(10) for row in rows)}".encode(),
    "table.tex": lambda names, rows: ("\\begin{tabular}{lll}\n" + "".join(" & ".join(map(str, row)) + " \\\\\n" for row in (names, *rows)) + "\\end{tabular}\n").encode(),
    "dump.sql": lambda names, rows: "".join(f"INSERT INTO t ({', '.join(names)}) VALUES ({', '.join(repr(str(v)) for v in row)});\n" for row in rows).encode(),
    "page.html": lambda names, rows: f"<html><body>{_table(names, rows)}</body></html>".encode(),
    "hidden.html": lambda names, rows: f"<html><!-- {_joined(',', [names, *rows])} --><body>fine</body></html>".encode(),
    "attributes.html": _attributes,
    "plotly.html": _plotly,
    "vega.html": _vega,
    "bokeh.html": _bokeh,
    "head.ipynb": _shown,
    "printed.ipynb": lambda names, rows: _cells({"output_type": "stream", "name": "stdout", "text": _wide(names, rows)}),
    "rows.xml": _xml,
    "rows.yaml": lambda names, rows: "".join("- " + "\n  ".join(f"{n}: {json.dumps(v)}" for n, v in each.items()) + "\n" for each in _records(names, rows)).encode(),
    "export.zip": _zipped,
}  # fmt: skip


def _letters(
    rng: random.Random, number: int, alphabet: str = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
) -> str:
    return "".join(rng.choice(alphabet) for _ in range(number - 2)) + "q7"


def credentials(rng: random.Random) -> Iterator[tuple[str, str]]:
    """What was left in public repositories and buckets."""
    yield "aws", "AK" + "IA" + _letters(rng, 16, "ABCDEFGHJKLMNPQRSTUVWXYZ234567").upper()
    yield "github", "gh" + "p_" + _letters(rng, 36)
    yield "slack", "xo" + "xb-" + f"{rng.randrange(10**11, 10**12)}-" + _letters(rng, 24)
    yield "database", "postgres" + "ql://report:" + _letters(rng, 14) + "@db.acme.org:5432/prod"
    claims = (
        base64.urlsafe_b64encode(json.dumps({"sub": _letters(rng, 12), "scope": "admin"}).encode()).decode().rstrip("=")
    )
    yield "jwt", "eyJhbGciOiJIUzI1" + "NiJ9." + claims + "." + _letters(rng, 43)
    yield "stripe", "sk" + "_live_" + _letters(rng, 24)
    yield "google", "AI" + "za" + _letters(rng, 35)
    yield "key", "-----BEGIN RSA PRI" + "VATE KEY-----\n" + _letters(rng, 64) + "\n-----END RSA PRIVATE KEY-----"


#: files in which they are left; `{}` is the credential
HOLDERS: dict[str, str] = {
    "notes.txt": "how to run it\n\nexport TOKEN={}\n",
    "settings.ini": "[service]\nurl = https://acme.org\ntoken = {}\n",
    "config.yaml": "service:\n  credential: {}\n  retries: 3\n",
    "run.log": "2026-10-01 12:00:01 DEBUG connecting with {}\n2026-10-01 12:00:02 INFO done\n",
    "README.md": "# Report\n\n```\ncurl -H 'Authorization: {}' https://acme.org/api\n```\n",
    "analysis.py": "import requests\nclient = connect('{}')\n",
    "report.html": "<html><script>const key = '{}';</script><body>fine</body></html>",
    "comment.html": "<html><body><!-- TODO remove {} --><p>fine</p></body></html>",
    "session.har": '{{"log": {{"entries": [{{"request": {{"headers": [{{"name": "Authorization", "value": "{}"}}]}}}}]}}}}',
    "state.tfstate": '{{"version": 4, "resources": [{{"instances": [{{"attributes": {{"value": "{}"}}}}]}}]}}',
}  # fmt: skip


def other_hand() -> list[tuple[str, str, bytes]]:
    """Title, name and content of each."""
    rng = random.Random(20261001)
    cases = [
        (f"{kind} in {name}", name, write(names, rows))
        for kind, names, rows in people(rng)
        for name, write in TABLES.items()
    ]
    for kind, secret in credentials(rng):
        for name, text in HOLDERS.items():
            inner = secret.replace("\n", "\\n") if name.endswith((".har", ".tfstate", ".html", ".py")) else secret
            cases.append((f"{kind} in {name}", name, text.format(inner).encode()))
    packed = base64.b64encode(b"DB_PASS" + b"WORD=" + _letters(rng, 16).encode()).decode()
    cases.append(("base64 in manifest.yaml", "manifest.yaml", f"data:\n  env: {packed}\n".encode()))
    return cases
