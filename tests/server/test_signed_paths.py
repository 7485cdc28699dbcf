"""A run's pages below a signed path: their parts are found, their scripts run, and nothing of Jupyter's is theirs."""

import gzip
import io
import re
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pyarrow
import pyarrow.parquet
import pytest
from tornado.httputil import HTTPHeaders

from jupyter_schedule.core.models import FileEntry, RunStatus
from jupyter_schedule.server.handlers import NOT_OPEN
from jupyter_schedule.server.signed_paths import OPEN_FOR, SignedPaths
from tests.factories import NOON
from tests.server.conftest import Api, Reply
from tests.server.test_files import publish, run_with

ROOT = Path(__file__).parents[2]


class Browser:
    """Requests with a cookie and without a token, as a browser makes them; `bare` ones have no cookie either."""

    def __init__(self, jp_serverapp: Any, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}{jp_serverapp.base_url}"
        self.address = f"{self._base}jupyter-schedule/"
        self._cookies = httpx.Cookies()
        self._token = jp_serverapp.identity_provider.token

    async def get(self, path: str) -> httpx.Response:
        """With the cookie, which comes with the first request that has the token."""
        async with httpx.AsyncClient(cookies=self._cookies) as client:
            if not self._cookies:
                await client.get(f"{self._base}api/me?token={self._token}")
                self._cookies = client.cookies
                assert self._cookies
            return await client.get(urljoin(self.address, path))

    async def bare(self, path: str) -> httpx.Response:
        """Without a cookie, as a page with an origin of its own asks."""
        async with httpx.AsyncClient() as client:
            return await client.get(urljoin(self.address, path))


@pytest.fixture
def visitor(http_server: Any, jp_serverapp: Any, jp_http_port: int) -> Browser:
    return Browser(jp_serverapp, jp_http_port)


async def _opened(visitor: Browser, path: str) -> str:
    """The signed path that a lasting address leads to."""
    answer = await visitor.get(path)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


async def test_a_browser_finds_a_page_and_what_is_beside_it_without_a_cookie(api: Api, visitor: Browser) -> None:
    parts = {"output/a.html": b"<p>", "output/js/b.js": b"1", "output/c d.png": b"x", "output/e.csv": b"1,2"}
    run = await run_with(api, parts)
    page = await _opened(visitor, f"runs/{run.id}/files/output/a.html")
    shown = await visitor.bare(page)
    assert (shown.status_code, shown.content) == (200, b"<p>")
    assert shown.headers["Content-Type"] == "text/html; charset=utf-8"
    script, picture, table = [await visitor.bare(urljoin(page, name)) for name in ("js/b.js", "c%20d.png", "e.csv")]
    assert (script.headers["Content-Type"], script.content) == ("text/javascript; charset=utf-8", b"1")
    assert (picture.headers["Content-Type"], picture.content) == ("image/png", b"x")
    assert table.headers["Content-Disposition"].startswith("attachment")
    for answer in (shown, script, picture, table):
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_pages_run_scripts_in_an_origin_of_their_own_and_ask_no_server(api: Api, visitor: Browser) -> None:
    run = await run_with(api, {"report/a.html": b"<p>"})
    answer = await visitor.bare(await _opened(visitor, f"runs/{run.id}/files/report/a.html"))
    policy = dict(each.strip().partition(" ")[::2] for each in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["sandbox"].split() == ["allow-scripts", "allow-downloads", "allow-popups"]
    assert policy["connect-src"] == "'none'"


async def test_a_publications_page_is_found_with_its_files(api: Api, visitor: Browser) -> None:
    await api.create()
    publish(api, {"index.html": b"<p>page", "data/a.csv": b"1", "data/p.png": b"x"})
    page = await _opened(visitor, "publications/daily/")
    assert (await visitor.bare(urljoin(page, "data/a.csv"))).content == b"1"
    assert (await visitor.bare(urljoin(page, "data/p.png"))).content == b"x"
    folder = await visitor.bare(urljoin(page, "data/"))
    assert (folder.status_code, urljoin(page, folder.headers["Location"])) == (302, urljoin(page, "../"))
    assert (await visitor.bare(urljoin(page, "./"))).content == b"<p>page"


async def test_a_changed_path_and_one_of_another_server_say_one_sentence(api: Api, visitor: Browser) -> None:
    run = await run_with(api, {"output/a.html": b"secret", "output/b.html": b"secret"})
    other = await api.run_now()
    page = urlsplit(await _opened(visitor, f"runs/{run.id}/files/output/a.html")).path
    before, ticket, rest = re.fullmatch(r"(.*/opened/)([^/]+)(/.*)", page).groups()  # type: ignore[union-attr]
    expires, _, signature = ticket.partition("-")
    letter = "A" if signature[5] != "A" else "B"
    changed = [
        f"{before}{expires}-{signature[:5]}{letter}{signature[6:]}{rest}",
        f"{before}{int(expires) + 600}-{signature}{rest}",
        f"{before}{rest.lstrip('/')}",
        f"{before}x{rest}",
        page.replace(run.id, other["run_id"]),
        page.replace("/runs/", "/publications/"),
        before + SignedPaths().sign("runs", run.id, "output/a.html").partition("/")[2],
    ]
    for path in changed:
        answer = await visitor.bare(path)
        assert answer.status_code in {403, 404}, path
        assert b"secret" not in answer.content
    said = await visitor.bare(changed[0])
    assert (said.status_code, said.headers["Content-Type"]) == (403, "text/html; charset=utf-8")
    assert f"<p>{NOT_OPEN}</p>" in said.text


def test_a_path_opens_for_ten_minutes() -> None:
    now = NOON
    paths = SignedPaths(lambda: now)
    _, ticket, kind, name, *_ = paths.sign("runs", "1", "output/a.html").split("/")
    now = NOON + timedelta(seconds=OPEN_FOR - 1)
    assert paths.opens(ticket, kind, name)
    now = NOON + timedelta(seconds=OPEN_FOR)
    assert not paths.opens(ticket, kind, name)


async def test_what_was_removed_is_a_sentence_on_a_page(api: Api, visitor: Browser) -> None:
    run = await run_with(api, {"output/a.html": b"<p>"})
    page = await _opened(visitor, f"runs/{run.id}/files/output/a.html")
    gone = await visitor.bare(urljoin(page, "none<b>.html"))
    assert (gone.status_code, gone.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "There is no such file" in gone.text
    assert "<b>" not in gone.text


async def test_nothing_but_files_is_had_below_a_signed_path(api: Api, visitor: Browser) -> None:
    run = await run_with(api, {"output/a.html": b"<p>", "result": b"{}"})
    page = await _opened(visitor, f"runs/{run.id}/files/output/a.html")
    for path in (
        "../result",
        "../output/../result",
        "..%2F..%2Fresult",
        "../live/log.0",
        "../../../../../api/contents",
    ):
        answer = await visitor.bare(urljoin(page, path))
        assert answer.status_code in {403, 404}, path


async def test_no_address_lets_scripts_have_jupyters_origin(api: Api, visitor: Browser) -> None:
    """Over every address with a file at it, and every frame of the front end."""
    run = await run_with(api, {"output/a.html": b"<p>", "output/a.svg": b"<svg/>", "output/a.js": b"1"})
    publish(api, {"index.html": b"<p>"})
    links = [f"runs/{run.id}/files/output/{name}" for name in ("a.html", "a.svg", "a.js")] + ["publications/daily/"]
    headers: list[HTTPHeaders | httpx.Headers] = []
    for link in links:
        headers.append((await api("GET", link)).response.headers)
        answer = await visitor.get(link)
        headers.append(answer.headers)
        if answer.status_code == 302:
            headers.append((await visitor.bare(answer.headers["Location"])).headers)
    assert len(headers) == 11
    for each in headers:
        policy = each["Content-Security-Policy"]
        assert policy.startswith("sandbox")
        assert "allow-same-origin" not in policy
    sources = [*ROOT.glob("labextension/src/**/*.ts*"), *ROOT.glob("jupyter_schedule/**/*.py")]
    code = {path: re.sub(r"//.*|/?\*.*|#.*|`allow-same-origin`", "", path.read_text()) for path in sources}
    assert [path.name for path, text in code.items() if "allow-same-origin" in text] == []


async def _preview(api: Api, run_id: str, path: str) -> Reply:
    return await api("GET", f"runs/{run_id}/preview", file=path)


class TestPreviews:
    async def test_csv_is_a_table_of_its_first_rows(self, api: Api) -> None:
        rows = "\ufeffstation;rides\n" + "".join(f'"Berri; {number}";{number}\n' for number in range(60))
        run = await run_with(api, {"output/a.csv": rows.encode()})
        shown = (await _preview(api, run.id, "output/a.csv")).body
        assert (shown["kind"], shown["columns"], shown["rows"][1]) == ("table", ["station", "rides"], ["Berri; 1", "1"])
        assert (len(shown["rows"]), shown["all_rows"], shown["whole"]) == (50, 60, False)

    async def test_a_large_csv_doesnt_end_in_half_a_row(self, api: Api) -> None:
        run = await run_with(api, {"output/a.tsv": b"a\tb\n" + b"1234567\t2\n" * 50_000})
        shown = (await _preview(api, run.id, "output/a.tsv")).body
        assert {tuple(row) for row in shown["rows"]} == {("1234567", "2")}
        assert shown["all_rows"] is None

    async def test_parquet_is_a_table(self, api: Api) -> None:
        packed = io.BytesIO()
        pyarrow.parquet.write_table(pyarrow.table({"n": range(99), "when": [None] * 98 + ["x" * 900]}), packed)
        run = await run_with(api, {"output/a.parquet": packed.getvalue(), "output/b.parquet": b"PAR1"})
        shown = (await _preview(api, run.id, "output/a.parquet")).body
        assert (shown["columns"], shown["rows"][49], shown["all_rows"]) == (["n", "when"], ["49", ""], 99)
        broken = await api("GET", f"runs/{run.id}/preview", file="output/b.parquet")
        assert (broken.status, broken.code) == (422, "no_preview")

    @pytest.mark.parametrize(
        ("name", "content", "kind", "text"),
        [
            ("a.json", b'{"a": [1]}', "json", '{"a": [1]}'),
            ("a.json", b'"' + b"x" * 1_000_000 + b'"', "text", None),
            ("a.txt", b"caf\xe9", "text", "caf\ufffd"),
            ("empty.csv", b"", "table", ""),
            ("quoted.csv", b'a,"b\n' * 3, "table", ""),
        ],
    )
    async def test_the_rest_is_json_or_text(
        self, api: Api, name: str, content: bytes, kind: str, text: str | None
    ) -> None:
        run = await run_with(api, {f"output/{name}": content})
        shown = (await _preview(api, run.id, f"output/{name}")).body
        assert shown["kind"] == kind
        assert text is None or shown["text"] == text

    async def test_what_is_packed_is_unpacked_as_far_as_it_is_shown(self, api: Api) -> None:
        packed = gzip.compress(b"a,b\n" + b"1,2\n" * 1_000_000)
        run = await run_with(api, {"output/a.csv.gz": packed, "output/b.csv.gz": b"plain"})
        shown = (await _preview(api, run.id, "output/a.csv.gz")).body
        assert (shown["columns"], shown["rows"][0], shown["all_rows"]) == (["a", "b"], ["1", "2"], None)
        assert (await _preview(api, run.id, "output/b.csv.gz")).code == "no_preview"

    @pytest.mark.parametrize("path", ["result", "output/../result", "output/none.csv", "", "output/\0"])
    async def test_nothing_else_of_a_run_is_shown(self, api: Api, path: str) -> None:
        run = await run_with(api, {"output/a.csv": b"1", "result": b"{}"})
        assert (await _preview(api, run.id, path)).status in {400, 404, 422}


async def test_a_run_comes_as_one_archive(api: Api, visitor: Browser) -> None:
    files = {"output/sub/a.csv": b"1,2\n" * 200_000, "report/n.html": b"<p>"}
    run = await run_with(api, files)
    with api.worker() as worker:
        worker.end(
            run,
            status=RunStatus.FAILED,
            files=tuple(FileEntry(path=path[7:], size=len(data), sha256="0" * 64) for path, data in files.items()
                        if path.startswith("output/")),
            report=(FileEntry(path="n.html", size=3, sha256="0" * 64),),
        )  # fmt: skip
    answer = await visitor.get((await api("GET", f"runs/{run.id}")).body["archive"])
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''daily-")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files


async def test_a_run_that_left_nothing_has_no_archive(api: Api) -> None:
    await api.create()
    made = await api.run_now()
    assert (await api("GET", f"runs/{made['run_id']}")).body["archive"] is None
    assert (await api("GET", f"runs/{made['run_id']}/archive")).status == 404
