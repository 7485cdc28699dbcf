# ruff: noqa: E501, UP031  (a case on each line, and scripts with braces of their own)
"""Leaks as they have happened, told by kind, and aggregates as they are published; secrets are put together here."""

import base64
import bz2
import gzip
import io
import json
import random
import zlib
from collections.abc import Iterator

from tests.scheduler_service.disclosure.shapes import notebook, printed, separated

FIRST = ("Anna", "Jonas", "Marie", "Peter", "Sofia", "Ahmed", "Chloe", "Giulia", "Hiroshi", "Lars", "Natalia", "Omar")
LAST = (
    "Müller",
    "Schmidt",
    "Weber",
    "Brandt",
    "Rossi",
    "García",
    "Novak",
    "Tanaka",
    "Hansen",
    "Ito",
    "Haddad",
    "Kaya",
)
NAMES = [f"{first} {last}" for first, last in zip(FIRST, LAST, strict=True)]
SALARIES = [(name, 31_000 + 977 * n) for n, name in enumerate(NAMES)]
MAILS = [f"{name.split()[0].lower()}{n}@firma.de" for n, name in enumerate(NAMES)]
IDS = [f"3f2504e0-4f89-11d3-9a0c-0305e82c{n:04x}" for n in range(20)]
CARDS = ["4111" + "111111111111", "5500" + "005555555559", "3782" + "82246310005", "6011" + "000990139424"]


def library(statements: int) -> str:
    """A program as chart libraries are, which says `token` and `key` all the time and knows its authors."""
    said = (
        'function a{0}(e,t){{return e.token=t.next1(e.key_{0}),[0,1,{0}].concat(["a","b"])}}',
        "var b{0}=function(e){{return{{secret:e.v1.api_key,auth:function(t){{return t*{0}}}}}}}",
        "c{0}=e=>e.replace(/[^']/g,'&#39;')",
    )
    body = ";".join(said[number % 3].format(number) for number in range(statements // 10))
    return "/*! Copyright 2026, Ana <ana" + "@lib.org>, MIT License */" + body


def tokens() -> dict[str, str]:
    """A token of each kind, whose parts are joined when a test runs."""
    rng = random.Random(11)

    def letters(number: int, alphabet: str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") -> str:
        return "".join(rng.choice(alphabet) for _ in range(number - 2)) + "b7"

    small = "abcdef0123456789"
    basic = base64.b64encode(b"ann:" + b"Tr0ub4dor3").decode()
    return {
        "databricks": "da" + "pi" + letters(32, small),
        "azure sas": "https://x.blob.core.windows.net/c?sv=2022-11-02&si" + "g=" + letters(40) + "%3D",
        "pinecone": "pc" + "sk_" + letters(60),
        "langsmith": "lsv2" + "_pt_" + letters(32, small) + "_" + letters(10, small),
        "tavily": "tv" + "ly-" + letters(32),
        "neon": "np" + "g_" + letters(20),
        "vercel": "vc" + "p_" + letters(40),
        "dbt": "db" + "tc_" + letters(40),
        "prefect": "pn" + "u_" + letters(36),
        "okta": "SS" + "WS 00" + letters(40),
        "cookie": "Cookie: theme=dark; sess" + "ionid=" + letters(32),
        "command": "curl -u ann:" + "Tr0ub4dor3 https://x",
        "htpasswd": "ann:$ap" + "r1$" + letters(8) + "$" + letters(22),
        "http basic": "Authorization: Ba" + "sic " + basic,
        "docker": '{"auths": {"https://x": {"au' + f'th": "{basic}"' + "}}}",
        "google oauth": "ya" + "29." + letters(60),
        "google secret": "GOC" + "SPX-" + letters(28),
        "vault": "hv" + "s." + letters(90),
        "mapbox": "sk.ey" + "J" + letters(60) + "." + letters(22),
        "kaggle": '{"username": "ann", "ke' + f'y": "{letters(32, small)}"' + "}",
        "digitalocean": "do" + "p_v1_" + letters(64, small),
        "docker hub": "dck" + "r_pat_" + letters(27),
        "shopify": "shp" + "at_" + letters(32, small),
        "atlassian": "ATA" + "TT3" + letters(120),
        "grafana": "gls" + "a_" + letters(32) + "_" + letters(8, small),
        "new relic": "NR" + "AK-" + letters(27, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789").upper(),
        "airtable": "pa" + "t" + letters(14) + "." + letters(64, small),
        "rubygems": "ruby" + "gems_" + letters(48, small),
        "linear": "lin" + "_api_" + letters(40),
        "replicate": "r8" + "_" + letters(37),
        "groq": "gs" + "k_" + letters(52),
        "terraform": letters(14) + ".atlas" + "v1." + letters(67),
        "mailgun": "ke" + "y-" + letters(32, small),
        "discord hook": "https://discord.com/api/web" + "hooks/123456789012345678/" + letters(68),
        "entra": "abc8" + "Q~" + letters(34),
        "aws signature": "https://b.s3.amazonaws.com/k?X-Amz-Sig" + "nature=" + letters(64, small),
        "aws secret alone": "wJalrXUtnFEMI/K7MDENG" + "/bPxRfiCYzKq9vLmNpQ",
        "pgpass": "db.example.org:5432:ledger:ann:" + "Tr0ub4dor&3",
        "netrc": "machine h lo" + "gin ann pass" + "word Tr0ub4dor&3",
        "bcrypt": "$2b$12$" + letters(53),
        "age": "AGE-SECRET" + "-KEY-1" + letters(58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L").upper(),
        "options": "jdbc:postgresql://h/db?user=ann&pass" + "word=Tr0ub4dor3x",
    }


def leaks() -> Iterator[tuple[str, str, bytes]]:
    """Title, name and content of files of which something has to be found."""
    for what, token in tokens().items():
        yield f"token {what}", "notes.txt", f"started\n{token}\n".encode()
        yield f"token {what} in a comment", "page.html", f"<html><p>ok</p><!-- {token} --></html>".encode()
        yield f"token {what} in json", "a.json", json.dumps({"made": "today", "use": [{"with": token}]}).encode()
    yield from _pages()
    yield from _tables()
    yield from _hidden()


def _pages() -> Iterator[tuple[str, str, bytes]]:
    people = separated(("name", "salary"), SALARIES)
    scripts = {
        "plotly mails": "Plotly.newPlot('x',[{customdata:%s,x:[1]}])" % json.dumps(MAILS),
        "plotly ids": "Plotly.newPlot('x',[{customdata:%s,x:[1]}])" % json.dumps(IDS),
        "plotly names": "Plotly.newPlot('x',[{customdata:%s,x:[1]}])" % json.dumps(SALARIES),
        "plotly telephones": "Plotly.newPlot('x',[{x:%s,y:[1,2]}])"
        % json.dumps([f"4915112345{n:03}" for n in range(50)]),
        "bokeh": "const docs_json = '%s';"
        % json.dumps(
            {"d": {"data": {"type": "map", "entries": [["n", NAMES], ["y", list(range(12))]]}}}, ensure_ascii=False
        ),
        "vega": "var spec = %s;" % json.dumps({"datasets": {"data-1": [{"name": n, "pay": p} for n, p in SALARIES]}}),
        "parsed": "var d = JSON.parse(%s);"
        % json.dumps(json.dumps([{"user_id": n, "x": n} for n in range(1000, 1040)])),
        "javascript": "var d = [%s];" % ",".join(f"{{name: '{n}', pay: {p}}}" for n, p in SALARIES),
        "packed": "var d = %s;" % json.dumps(base64.b64encode(people.replace(",", "@x.de,").encode()).decode()),
        "markers": "\n".join(f"L.marker([52.5{n:04}, 13.4{n * 7:04}], {{}}).addTo(map);" for n in range(30)),
    }
    for what, script in scripts.items():
        yield what, "chart.html", f"<html><body><div id=x></div><script>{script}</script></body></html>".encode()
    hovered = {"x": [1, 2, 3] * 5, "y": [4, 5, 6] * 5, "hovertemplate": "user_id=%{customdata[0]}<br>y=%{y}",
               "customdata": {"dtype": "i4", "shape": "15, 1",
                              "bdata": base64.b64encode(b"".join((1_000_000 + 7 * n).to_bytes(4, "little") for n in range(15))).decode()}}  # fmt: skip
    yield "plotly packed ids", "chart.json", json.dumps({"data": [hovered], "layout": {}}).encode()
    yield "comment", "page.html", f"<html><!-- {', '.join(MAILS)} --></html>".encode()
    yield "attributes", "page.html", "".join(f"<i data-m='{mail}'></i>" for mail in MAILS).encode()
    yield "attribute ids", "page.html", ("<html>" + "".join(f"<i data-user='{each}'></i>" for each in IDS)).encode()
    yield "entities", "page.html", b"<p>ana&#64;firma.de and bea&commat;firma.de</p>"
    yield "across tags", "page.html", b"<p>ana<b>@</b>firma.de</p>"
    yield "onclick", "page.html", f"<a onclick='show({json.dumps(SALARIES)})'>x</a>".encode()
    yield "svg text", "plot.svg", f"<svg><text>{MAILS[0]}</text></svg>".encode()
    yield "svg remark", "plot.svg", f"<svg><!-- {MAILS[0]} --><path d='M 1 1'/></svg>".encode()
    yield (
        "xml records",
        "a.xml",
        ("<all>" + "".join(f"<p><name>{n}</name><pay>{p}</pay></p>" for n, p in SALARIES)).encode(),
    )
    yield "notebook output picture", "n.ipynb", notebook(("x", [{"output_type": "display_data", "metadata": {}, "data": {
        "image/png": base64.b64encode(people.encode()).decode()}}]))  # fmt: skip
    yield "notebook printed", "n.ipynb", notebook(("x", [printed("\n".join(f"{n:20}  {p}" for n, p in SALARIES))]))
    yield (
        "notebook metadata",
        "n.ipynb",
        notebook(("x", [])).replace(b'"papermill"', b'"by": "ana@firma.de", "papermill"'),
    )


def _tables() -> Iterator[tuple[str, str, bytes]]:
    plain = [("k", "v"), *[(card, n) for n, card in enumerate(CARDS * 3)]]
    yield "cards", "a.csv", separated((), plain).encode()
    yield "cards with gaps", "a.txt", b"paid with 4111 1111 " + b"1111 1111 on Monday\n"
    yield "accounts", "a.csv", separated(("k", "v"), [("DE89370400440532013000", n) for n in range(20)]).encode()
    yield "account in a text", "a.txt", b"to DE89 3704 0044 " + b"0532 0130 00 by Monday\n"
    yield "telephones", "a.csv", separated(("x", "y"), [(f"+49 151 12345{n:03}", n) for n in range(30)]).encode()
    yield (
        "telephones of the usa",
        "a.csv",
        separated(("x", "y"), [(f"(555) 234-5{n:03}", n) for n in range(30)]).encode(),
    )
    yield "telephone in a text", "a.txt", b"Call me, phone: +49 151 1234567\n"
    yield (
        "social security",
        "a.csv",
        separated(("k", "v"), [(f"{100 + n}-45-{6000 + n}", n) for n in range(30)]).encode(),
    )
    yield "names", "a.csv", separated(("a", "b"), SALARIES).encode()
    turned = [(f"{n.split()[1]}, {n.split()[0]}", p) for n, p in SALARIES]
    yield "names turned", "a.csv", separated(("a", "b"), turned).encode()
    yield "places", "a.csv", separated(("lat", "lon"), [(f"52.5{n:05}", f"13.4{n:05}") for n in range(60)]).encode()
    table = "| name | pay |\n|---|---|\n" + "".join(f"| {n} | {p} |\n" for n, p in SALARIES)
    priced = [(name, f"{pay},50") for name, pay in SALARIES]
    yield "decimal commas", "a.csv", ("Name;Gehalt\n" + "".join(f"{n};{pay}\n" for n, pay in priced)).encode()
    yield "dump", "a.sql", "".join(f"INSERT INTO staff VALUES ('{n}', {pay});\n" for n, pay in SALARIES).encode()
    drawn = "".join(f"│ {n:16} ┆ {pay:6} │\n" for n, pay in SALARIES)
    yield (
        "drawn",
        "a.txt",
        f"┌──────┬──────┐\n│ name             ┆ pay    │\n╞══════╪══════╡\n{drawn}└──────┴──────┘\n".encode(),
    )
    yield "markdown", "README.md", f"# Report\n\nSome words.\n\n{table}\nMore words.\n".encode()
    fixed = "".join(f"{n:<24}{p:>9}\n" for n, p in SALARIES)
    yield "fixed width", "report.txt", f"Payroll\n\n{'name':<24}{'pay':>9}\n{fixed}".encode()
    yield (
        "sql",
        "dump.sql",
        "".join(f"INSERT INTO staff VALUES ({n}, '{name}', {p});\n" for n, (name, p) in enumerate(SALARIES)).encode(),
    )
    yield "yaml", "people.yaml", "".join(f"- name: {n}\n  pay: {p}\n" for n, p in SALARIES).encode()
    features = [{"type": "Feature", "properties": {"owner": n, "value": p}, "geometry": {"type": "Point", "coordinates": [13.4, 52.5]}}
                for n, p in SALARIES]  # fmt: skip
    yield "geojson", "map.geojson", json.dumps({"type": "FeatureCollection", "features": features}).encode()
    yield "vcard", "a.vcf", b"BEGIN:VCARD\nVERSION:3.0\nFN:Ana Abel\nEND:VCARD\n"
    yield "column store", "a.json", json.dumps({"name": NAMES, "pay": [p for _, p in SALARIES]}).encode()


def _hidden() -> Iterator[tuple[str, str, bytes]]:
    people = separated(("email", "n"), [(mail, n) for n, mail in enumerate(MAILS)]).encode()
    yield "escaped", "a.json", b'{"by": "ana\\u0040firma.de"}'
    yield "escaped lines", "a.jsonl", b'{"by": "ana\\u0040firma.de"}\n{"by": "x"}\n'
    yield "percent", "a.txt", b"to=ana%40firma.de\n"
    yield "base64", "a.txt", base64.b64encode(people)
    yield "base64 in lines", "a.txt", base64.encodebytes(people)
    for mark in (b"\xff\xfe", b"\xfe\xff"):
        yield f"mark of UTF-16 {mark!r}", "a.csv", mark + people + b"\n" * (len(people) % 2)
    yield "base64 of zlib", "a.txt", base64.b64encode(zlib.compress(people))
    cells = "".join(f"&lt;tr&gt;&lt;td&gt;{n}&lt;/td&gt;&lt;td&gt;{pay}&lt;/td&gt;&lt;/tr&gt;" for n, pay in SALARIES)
    yield "page in a frame", "a.html", f'<iframe srcdoc="&lt;table&gt;{cells}&lt;/table&gt;"></iframe>'.encode()
    yield "base64 of gzip", "a.txt", base64.b64encode(gzip.compress(people, mtime=0))
    yield "hexadecimal", "a.txt", people.hex().encode()
    yield "wide letters", "a.csv", people.replace(b"@", "＠".encode())  # noqa: RUF001
    yield "unseen letters", "a.csv", people.replace(b"@", "\u200b@".encode())
    yield "behind bzip2", "a.csv.bz2", bz2.compress(b"a,b\n1,200\n") + people
    yield "behind gzip", "a.csv.gz", gzip.compress(b"a,b\n1,200\n", mtime=0) + people
    packed = io.BytesIO()
    with gzip.GzipFile("ana@firma.de.csv", "wb", fileobj=packed, mtime=0) as file:
        file.write(b"a,b\n1,200\n")
    yield "name in gzip", "a.csv.gz", packed.getvalue()
    yield "name of a file", "for-" + tokens()["databricks"] + ".csv", b"n,total\n100,200\n"


def aggregates() -> Iterator[tuple[str, str, bytes]]:
    """Title, name and content of files of which nothing may be found."""
    rng = random.Random(4)
    lands = ("DE", "FR", "ES", "IT", "PL", "SE", "NO", "BR", "IN", "JP", "KE", "US")
    counts = [(land, rng.randrange(100, 9000), round(rng.random(), 4)) for land in lands]
    trace = {
        "type": "bar",
        "x": lands,
        "y": [n for _, n, _ in counts],
        "hovertemplate": "land=%{x}<br>clients=%{y}<extra></extra>",
    }
    ident = "6a1f0c1e-2b7d-4f6e-9d3c-0a1b2c3d4e5f"
    yield "plotly", "chart.html", (
        f'<html><div id="{ident}" class="plotly-graph-div"></div><script>/*! (c) Ana <ana@lib.org>, MIT License */'
        f'Plotly.newPlot("{ident}", [{json.dumps(trace)}], {{"template": {{"data": {{}}}}}}, {{"responsive": true}})</script></html>'
    ).encode()  # fmt: skip
    yield (
        "vega",
        "chart.json",
        json.dumps(
            {"datasets": {"data-" + "ab12" * 8: [{"land": a, "clients": b, "share": c} for a, b, c in counts]}}
        ).encode(),
    )
    yield (
        "folium",
        "map.html",
        (
            "<script>" + "".join(f"L.circleMarker([{50 + n}.5, {10 + n}.25], {{}});" for n in range(12)) + "</script>"
        ).encode(),
    )
    yield (
        "markdown",
        "README.md",
        ("# By land\n\n| land | clients |\n|---|---|\n" + "".join(f"| {a} | {b} |\n" for a, b, _ in counts)).encode(),
    )
    yield "described", "a.txt", "".join(f"{a:10}{b:>10}{c:>10}\n" for a, b, c in counts).encode()
    yield (
        "first names counted",
        "names.csv",
        separated(("name", "year", "births"), [(n, 2010, rng.randrange(100, 900)) for n in FIRST]).encode(),
    )
    yield (
        "directors",
        "films.csv",
        separated(("director", "mean_rating", "films"), [(n, 7.1, 12) for n in NAMES]).encode(),
    )
    yield (
        "stations",
        "s.csv",
        separated(
            ("station", "lat", "lon", "rides"), [(f"stop {n}", 52.51234 + n, 13.41234, 500 + n) for n in range(20)]
        ).encode(),
    )
    yield (
        "money",
        "gdp.csv",
        separated(("land", "gdp"), [(a, 10 ** (10 + n % 4) * (1 + n)) for n, a in enumerate(lands)]).encode(),
    )
    yield (
        "stamps",
        "runs.csv",
        separated(("run", "total"), [(f"202611{n + 10:02}120000", 500 + n) for n in range(15)]).encode(),
    )
    yield "settings", "a.yaml", b"title: report\ncolumns: [land, clients]\ntoken: ${TOKEN}\nkey: value\n"
    yield (
        "log",
        "a.log",
        b"".join(
            b"12:00:%02d INFO reading key partitions of token_counts, total=%d\n" % (n, 400 + n) for n in range(40)
        ),
    )
    traces = [
        {"type": "scatter", "name": land, "x": ["2026-01", "2026-02", "2026-03"],
         "y": {"dtype": "f8", "bdata": base64.b64encode(rng.randbytes(6) * 4).decode()}} for land in lands
    ]  # fmt: skip
    chart = f"<script>{library(120_000)}</script><script>Plotly.newPlot('x', {json.dumps(traces)})</script>"
    yield "chart beside its library", "chart.html", chart.encode()
    yield "script", "a.js", b"const config = {a: 1, colors: ['#1f77b4', '#ff7f0e'], months: ['Jan', 'Feb', 'Mar']};\n"
    yield "digest", "a.txt", b"sha384-" + base64.b64encode(rng.randbytes(48)) + b"\n"
    yield (
        "equations",
        "a.md",
        b"# Text\n\n$$E = mc^2$$ and $\\frac{a}{b}$, 100 %, `x = y % 20`, https://example.org/a%20b\n",
    )
