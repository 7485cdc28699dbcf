"""A Jupyter server that relays to a shared one: files are looked at here, everything else is asked there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from jupyter_schedule.core import clock
from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.object_keys import bundle_key
from jupyter_schedule.server.embedded import Supervisor
from jupyter_schedule.server.handlers import RELAY, SIGNED_PATHS
from jupyter_schedule.server.relay import TOKEN
from jupyter_schedule.shared_server.identity import Role
from jupyter_schedule.shared_server.tokens import TokenFile
from tests.server.conftest import BASE, Api
from tests.shared_server.conftest import SharedServer, folder_in, tarball

DAILY = {"kind": "daily", "at": "03:00"}
FORM = {"name": "daily", "notebook": "report.ipynb", "environment": "kernel", "frequency": DAILY}


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[SharedServer]:
    place = tmp_path / "shared"
    place.mkdir()
    made = SharedServer(folder_in(place))
    yield made
    made.stop()


@pytest.fixture
def bob(shared: SharedServer) -> Any:
    """Somebody else who asks the shared server."""
    return shared.asker(TokenFile(shared.folder).add("bob", Role.OWNER, clock.now()))


@pytest.fixture(name="jp_server_config")
def server_config(shared: SharedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Ann's server, with a service of its own if it weren't a relay."""
    monkeypatch.setenv(TOKEN, TokenFile(shared.folder).add("ann", Role.OWNER, clock.now()))
    monkeypatch.setattr(Supervisor, "start", lambda *_: pytest.fail("a service was started"))
    return {
        "ServerApp": {"jpserver_extensions": {"jupyter_schedule": True}},
        "JupyterSchedule": {"folder": str(tmp_path / "schedule"), "server_url": shared.url},
    }


async def test_a_notebook_is_bundled_here_and_scheduled_there(api: Api, shared: SharedServer, bob: Any) -> None:
    api.notebook("report.ipynb", "open('data.csv').read()", parameters="year = 2026")
    (api.root / "data.csv").write_text("1")
    seen = (await api("POST", "preview", FORM)).body
    assert seen["problems"] == []
    assert {file["path"] for file in seen["files"]} == {"report.ipynb", "data.csv"}
    assert [each["name"] for each in seen["parameters"]] == ["year"]
    assert "every day at 03:00" in seen["summary"]
    assert shared.context.operations.objects.size(bundle_key(seen["bundle"])) == seen["size"]

    made = await api("POST", "schedules", {"form": FORM, "bundle": seen["bundle"]})
    assert (made.status, made.body["owner"], made.body["form"]["notebook"]) == (201, "ann", "report.ipynb")
    assert (await api("POST", "schedules", {"form": FORM | {"name": "other"}})).status == 201
    assert bob("GET", "schedules").json() == []
    page = await api("GET", "schedules")
    assert [each["name"] for each in page.body] == ["daily", "other"]
    assert page.response.headers["Total-Count"] == "2"
    assert (await api("GET", "scheduled", notebook="report.ipynb")).body["name"] == "daily"
    assert not DataPaths(api.places.folder).ledger.exists()


async def test_an_edit_takes_the_files_as_they_are_here_now(api: Api, shared: SharedServer) -> None:
    api.notebook()
    await api("POST", "schedules", {"form": FORM})
    versions = shared.context.of("ann", "ann").operations.schedules
    before = versions.get("daily").spec.bundle
    api.notebook("report.ipynb", "print(2)")
    match = {"If-Match": "1"}
    plain = await api("PATCH", "schedules/daily", {"form": {"timeout_minutes": 5}}, headers=match)
    assert (plain.status, versions.get("daily").spec.bundle) == (200, before)
    edited = await api("PATCH", "schedules/daily", {"form": {}, "rebundle": True}, headers={"If-Match": "2"})
    assert (edited.status, edited.body["version"]) == (200, 3)
    assert versions.get("daily").spec.bundle != before
    copied = await api("POST", "schedules/daily/clone", {"name": "copy", "form": {}, "rebundle": True})
    assert copied.status == 201
    assert versions.get("copy").spec.bundle == versions.get("daily").spec.bundle
    stale = await api("PATCH", "schedules/daily", {"form": {}, "rebundle": True}, headers=match)
    assert (stale.status, stale.code) == (412, "changed_elsewhere")


async def test_what_is_wrong_here_and_what_is_wrong_there_are_told_together(api: Api) -> None:
    api.notebook()
    await api("POST", "schedules", {"form": FORM})
    seen = (await api("POST", "preview", FORM | {"kernel": "no-such-kernel"})).body
    assert {problem["code"] for problem in seen["problems"]} == {"name_taken", "kernel_missing"}
    assert seen["bundle"] is None
    gone = await api("POST", "schedules", {"form": FORM | {"name": "gone", "notebook": "gone.ipynb"}})
    assert (gone.status, gone.code) == (422, "notebook_missing")
    taken = await api("POST", "schedules", {"form": FORM})
    assert (taken.status, taken.code) == (409, "name_taken")


async def test_files_and_tarballs_pass_through(api: Api, shared: SharedServer, bob: Any) -> None:
    digest, packed = tarball("echo 1\n")
    sent = await api("PUT", f"bundles/{digest}", packed, headers={"Content-Type": "application/gzip"})
    assert (sent.status, sent.body["bundle"]) == (201, digest)
    assert (await api("GET", f"bundles/{digest}")).response.body == packed
    bob.schedule("daily")
    place = shared.folder / "published" / "ann" / "daily" / "data"
    place.mkdir(parents=True)
    (place / "a b.csv").write_text("x,y\n" * 100_000)
    (place / "page.html").write_text("<p>hers")
    found = await api("GET", "publications/daily/data/a b.csv")
    assert found.response.body == b"x,y\n" * 100_000
    assert found.response.headers["Content-Disposition"].endswith("a%20b.csv")
    page = await api("GET", "publications/daily/data/page.html")
    assert page.response.body == b"<p>hers"
    assert "sandbox" in page.response.headers["Content-Security-Policy"]
    missing = await api("GET", "publications/daily/data/none.csv")
    assert (missing.status, missing.code) == (404, "no_such_file")
    for path in ("runs/../../healthz", "publications/daily/%2E%2E/%2E%2E/x", "publications/daily/data/..%2F..%2Fx"):
        assert (await api("GET", path)).status in {404, 422}, path


async def test_addresses_of_files_are_on_this_server_and_open_in_its_browser(
    api: Api, shared: SharedServer, jp_serverapp: Any
) -> None:
    api.notebook()
    made = await api("POST", "schedules", {"form": FORM})
    text = json.dumps(made.body)
    assert f"{BASE}publications/daily/data/" in text
    assert "/services/" not in text
    place = shared.folder / "published" / "ann" / "daily" / "data"
    place.mkdir(parents=True)
    (place / "page.html").write_text("<p>hers")
    signed = jp_serverapp.web_app.settings[SIGNED_PATHS].sign("publications", "daily", "data/page.html")
    opened = await api("GET", signed)
    assert (opened.status, opened.response.body) == (200, b"<p>hers")
    gone = await api("GET", signed.replace("page.html", "none.html"))
    assert (gone.status, b"There is no such file" in gone.response.body) == (404, True)


@pytest.mark.parametrize("bundle", ["../../service", "0" * 63, "x", "0" * 64])
def test_only_a_digest_names_a_bundle(bob: Any, bundle: str) -> None:
    answer = bob("POST", "preview", FORM, bundle=bundle)
    told = answer.json()["error"]["code"] if answer.is_error else answer.json()["problems"][0]["code"]
    assert told == ("no_such_bundle" if bundle == "0" * 64 else "invalid")


@pytest.mark.parametrize("base", ["//evil.org/jupyter-schedule/", "https://evil.org/jupyter-schedule/", "/x", "/ /"])
def test_no_address_leads_to_another_server(shared: SharedServer, bob: Any, base: str) -> None:
    bob.http.headers["Jupyter-Schedule-Base"] = base
    assert base not in json.dumps(bob.schedule("daily"))


async def test_a_server_that_is_away_is_named_and_so_is_what_answers_in_its_place(
    api: Api, shared: SharedServer, jp_serverapp: Any
) -> None:
    def proxy(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("status"):
            return httpx.Response(502, text="<h1>Bad gateway</h1>")
        raise httpx.ReadTimeout("no answer")

    relay = jp_serverapp.web_app.settings[RELAY]
    between = httpx.Client(base_url=shared.url, transport=httpx.MockTransport(proxy))
    there, relay._http = relay._http, between
    api.notebook()
    for method, path, body in (
        ("POST", "schedules", {"form": FORM}),
        ("GET", "status", None),
        ("GET", "publications/daily/data/x.csv", None),
    ):
        refused = await api(method, path, body)
        assert (refused.status, refused.code) == (503, "shared_server_away"), path
        assert shared.url in refused.body["error"]["message"]
    between.close()
    relay._http = there
    assert (await api("POST", "schedules", {"form": FORM})).status == 201


async def test_another_person_on_this_server_gets_nothing_in_its_owners_name(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "ann")
    refused = await api("GET", "schedules")
    assert (refused.status, refused.code) == (403, "forbidden")
    assert "ann's server" in refused.body["error"]["message"]


async def test_without_a_token_the_sentence_names_the_variable(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN)
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN", raising=False)
    refused = await api("GET", "schedules")
    assert (refused.status, json.dumps(refused.body).count(TOKEN)) == (403, 1)
