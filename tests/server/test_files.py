"""Files that runs left, over HTTP: whole, named, and without rights on Jupyter's origin."""

import urllib.request
from typing import Any

import pytest

from jupyter_schedule.api import files
from jupyter_schedule.core.models import Run
from tests.s3_servers import CANARY, S3Server
from tests.server.conftest import Api

PAYLOAD = b"<script>fetch('/api/contents').then(alert)</script>"
AWKWARD = "übung/a b'\"%#?\n.html"


async def run_with(api: Api, files: dict[str, bytes]) -> Run:
    await api.create()
    made = await api.run_now()
    with api.worker() as worker:
        run = worker.start(made["run_id"])
        for path, content in files.items():
            worker.leave(run, path, content)
    return run


def publish(api: Api, files: dict[str, bytes], name: str = "daily") -> None:
    for path, content in files.items():
        place = api.root / "published" / name / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


@pytest.mark.parametrize("path", ["report/report.html", f"output/{AWKWARD}", "live/notebook"])
async def test_whatever_a_run_wrote_gets_no_rights_and_no_guessed_type(api: Api, path: str) -> None:
    run = await run_with(api, {path: PAYLOAD})
    reply = await api("GET", f"runs/{run.id}/files/{path}")
    headers = reply.response.headers
    assert (reply.status, reply.body) == (200, PAYLOAD)
    assert headers["Content-Security-Policy"].startswith("sandbox;")
    assert "allow" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "query", "kind", "disposition"),
    [
        ("a.html", {}, "text/html; charset=utf-8", "inline; filename*=UTF-8''a.html"),
        ("a.html", {"download": "1"}, "text/html; charset=utf-8", "attachment; filename*=UTF-8''a.html"),
        ("a.PNG", {}, "image/png", "inline; filename*=UTF-8''a.PNG"),
        ("a.csv", {}, "text/csv", "attachment; filename*=UTF-8''a.csv"),
        ("a.csv.gz", {}, "application/gzip", "attachment; filename*=UTF-8''a.csv.gz"),
        ("a.xhtml", {}, "application/octet-stream", "attachment; filename*=UTF-8''a.xhtml"),
        ("a b;ü\n.txt", {}, "text/plain; charset=utf-8", "inline; filename*=UTF-8''a%20b%3B%C3%BC%0A.txt"),
        ("noext", {}, "application/octet-stream", "attachment; filename*=UTF-8''noext"),
    ],
)
async def test_what_a_browser_shows_is_a_short_list_and_the_rest_is_saved_under_its_name(
    api: Api, path: str, query: dict[str, Any], kind: str, disposition: str
) -> None:
    run = await run_with(api, {f"output/{path}": b"x"})
    headers = (await api("GET", f"runs/{run.id}/files/output/{path}", **query)).response.headers
    assert (headers["Content-Type"], headers["Content-Disposition"]) == (kind, disposition)


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
async def test_a_file_comes_whole_whatever_its_size(api: Api, size: int) -> None:
    content = b"0123456789" * (size // 10) + b"x" * (size % 10)
    run = await run_with(api, {"output/data.bin": content})
    reply = await api("GET", f"runs/{run.id}/files/output/data.bin")
    assert (reply.body, reply.response.headers["Content-Length"]) == (content, str(size))
    assert reply.response.headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    "path",
    [
        "result",
        "heartbeat",
        "output/../result",
        "output/./x.csv",
        "output//x.csv",
        "output/x.csv/",
        "output",
        "report/" + "n" * 300,
        "output/\0",
        "../../../../ledger.sqlite3",
        "live/log.0",
    ],
)
async def test_nothing_but_a_runs_own_files_is_had(api: Api, path: str) -> None:
    run = await run_with(api, {"output/x.csv": b"x", "result": b"{}", "heartbeat": b"{}", "live/log.0": b"x"})
    reply = await api("GET", f"runs/{run.id}/files/{path}")
    # what no ledger can keep is refused before anything is looked for
    assert reply.status == (422 if "\0" in path else 404)


class TestPublications:
    async def test_the_page_and_the_files_are_at_the_addresses_people_get(self, api: Api) -> None:
        await api.create()
        publish(api, {"index.html": b"<p>page", "data/a b.csv": b"1", "latest.json": b"{}"})
        assert (await api("GET", "publications/daily/")).body == b"<p>page"
        assert (await api("GET", "publications/daily/data/a b.csv")).body == b"1"
        assert (await api("GET", "publications/daily/latest.json")).body == {}
        page = await api("GET", "publications/daily/index.html")
        assert page.response.headers["Content-Security-Policy"].startswith("sandbox")

    @pytest.mark.parametrize(
        ("path", "leads_to"),
        [
            ("publications/daily", "/a%40b/jupyter-schedule/publications/daily/"),
            ("publications/daily/data/", "../"),
            ("publications/daily/runs/1/files/", "../../../"),
        ],
    )
    async def test_a_folder_leads_to_the_page(self, api: Api, path: str, leads_to: str) -> None:
        reply = await api("GET", path)
        assert (reply.status, reply.response.headers["Location"]) == (302, leads_to)

    async def test_results_of_a_deleted_schedule_stay_at_their_address(self, api: Api) -> None:
        await api.create()
        publish(api, {"data/a.csv": b"1"})
        await api("DELETE", "schedules/daily")
        assert (await api("GET", "publications/daily/data/a.csv")).body == b"1"

    @pytest.mark.parametrize(
        ("name", "path"),
        [
            ("daily", "data/none.csv"),
            ("daily", "data/../../../report.ipynb"),
            ("daily", "../other/data/a.csv"),
            ("..", "report.ipynb"),
            ("Not-a-name", "data/a.csv"),
            ("never", "index.html"),
        ],
    )
    async def test_what_is_not_published_is_not_had(self, api: Api, name: str, path: str) -> None:
        await api.create()
        publish(api, {"data/a.csv": b"1"}, "other")
        reply = await api("GET", f"publications/{name}/{path}")
        assert (reply.status, reply.code) == (404, "no_such_file")


@pytest.mark.s3
async def test_private_results_on_s3_come_through_the_server_or_by_a_link(
    api: Api, seaweedfs: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small ones in pieces; a large one by an address that lives for minutes and shows no secret."""
    area = seaweedfs.objects()
    area.put("daily/data/a b.csv", b"1,2\n")
    api.places.folder.mkdir(parents=True, exist_ok=True)
    (api.places.folder / "service.toml").write_text(f'storage.private = "{area.address}"\n')

    small = await api("GET", "publications/daily/data/a b.csv")
    missing = await api("GET", "publications/daily/data/b.csv")
    assert (small.status, small.body, missing.status) == (200, b"1,2\n", 404)

    monkeypatch.setattr(files, "LARGEST_SENT", 3)
    large = await api("GET", "publications/daily/data/a b.csv")
    link = large.response.headers["Location"]
    assert large.status == 302
    assert CANARY not in link
    with urllib.request.urlopen(link) as found:
        assert found.read() == b"1,2\n"
