"""One specification is answered alike over HTTP, by Python, and by the terminal, here and with `--server`."""

import asyncio
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from jupyter_schedule.api.requests import Form
from jupyter_schedule.cli.app import cli
from jupyter_schedule.client.client import Client
from jupyter_schedule.client.http import HttpTransport
from jupyter_schedule.client.in_process import InProcessTransport
from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.widget import RunView
from tests.engine import notebook_of

#: options of the terminal, and the form that they mean
VALID: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    ((), {}),
    (("--weekly", "mon,thu", "--at", "7:30", "--timezone", "Europe/Paris"),
     {"frequency": {"kind": "weekly", "days": ["mon", "thu"], "at": "7:30", "timezone": "Europe/Paris"}}),
    (("--monthly", "last"), {"frequency": {"kind": "monthly", "day_of_month": "last"}}),
    (("--hourly", "--at", ":15"), {"frequency": {"kind": "hourly", "at": ":15"}}),
    (("--cron", "0 5 * * 1-5"), {"frequency": {"kind": "cron", "cron": "0 5 * * 1-5"}}),
    (("--once", "2999-12-24T06:00"), {"frequency": {"kind": "once", "date": "2999-12-24", "at": "06:00"}}),
    (("--param", "n=3", "--param-json", '{"where": "SE"}'), {"parameters": {"n": "3", "where": "SE"}}),
    (("--retries", "2", "--keep-days", "7", "--max-runs", "5"),
     {"policies": {"retries": 2, "keep_days": 7, "max_runs": 5}}),
    (("--timeout", "5", "--no-publish", "--overlap", "skip", "--catch-up", "none"),
     {"timeout_minutes": 5, "visibility": "none", "overlap": "skip", "catch_up": "none"}),
    (("--expect", "*.csv rows>=1", "--env", "HOME", "--previous", "*.csv", "--publish-report"),
     {"expect": ["*.csv rows>=1"], "env": ["HOME"], "previous": ["*.csv"], "publish_report": True}),
]  # fmt: skip
INVALID: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    (("--timezone", "Europe/Pariss"), {"frequency": {"timezone": "Europe/Pariss"}}),
    (("--cron", "0 0 31 4 *"), {"frequency": {"kind": "cron", "cron": "0 0 31 4 *"}}),
    (("--weekly", "someday"), {"frequency": {"kind": "weekly", "days": ["someday"]}}),
    (("--monthly", "32"), {"frequency": {"kind": "monthly", "day_of_month": "32"}}),
    (("--at", "25:00"), {"frequency": {"at": "25:00"}}),
    (("--once", "2020-01-01T00:00"), {"frequency": {"kind": "once", "date": "2020-01-01", "at": "00:00"}}),
    (("--param", "m=1"), {"parameters": {"m": "1"}}),
    (("--param", "n=many"), {"parameters": {"n": "many"}}),
    (("--kernel", "gone"), {"kernel": "gone"}),
    (("--launcher", "moon"), {"launcher": "moon"}),
    (("--expect", "*.csv rows>=many"), {"expect": ["*.csv rows>=many"]}),
    (("--notify", "ops"), {"notify": {"channels": ["ops"]}}),
]
#: what differs between two ledgers, or between a file's address and a server's
_OWN = {
    *(
        "id",
        "publication_url",
        "destination",
        "summary",
        "message",
        "created_at",
        "changed_at",
        "next_due",
        "on_delete",
    ),
}


class Faces:
    """The four, each with its way to ask."""

    def __init__(self, root: Path, here: Client, there: Client, url: str) -> None:
        self.root = root
        self.here = here
        self.there = there
        self.url = url

    def create(self, name: str, options: tuple[str, ...], form: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """What each says of the specification: a schedule, or an error."""
        whole = Form.model_validate({"notebook": "n.ipynb"} | form)
        command = ["create", "n.ipynb", *options, "--json", "--name"]
        return {
            "python": self._asked(self.here, whole.model_copy(update={"name": f"{name}-python"})),
            "http": self._asked(self.there, whole.model_copy(update={"name": f"{name}-http"})),
            "terminal": self._typed(*command, f"{name}-terminal"),
            "server": self._typed("--server", self.url, *command, f"{name}-server"),
        }

    def _asked(self, client: Client, form: Form) -> dict[str, Any]:
        try:
            seen = client.preview(form)
            for problem in seen.problems:
                raise Refused(problem.code, problem.message, problem.field)
            return client.create(form, bundle=seen.bundle).model_dump(mode="json")
        except Refused as refused:
            return {"error": {"code": refused.code, "message": refused.message, "field": refused.field}}

    def _typed(self, *arguments: str) -> dict[str, Any]:
        ended = CliRunner().invoke(cli, list(arguments))
        assert ended.exit_code in {0, 2}, ended.output
        told: dict[str, Any] = json.loads(ended.stdout)
        assert ("error" in told) == (ended.exit_code == 2)
        return told


@pytest.fixture
def faces(
    request: pytest.FixtureRequest, jp_root_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Faces]:
    request.getfixturevalue("http_server")
    jp_serverapp, jp_http_port = (request.getfixturevalue(name) for name in ("jp_serverapp", "jp_http_port"))
    (jp_root_dir / "n.ipynb").write_text(json.dumps(notebook_of("print(n)", parameters="n = 1\nwhere = 'NO'")))
    monkeypatch.chdir(jp_root_dir)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "mine"))
    monkeypatch.setenv("JUPYTER_TOKEN", jp_serverapp.identity_provider.token)
    url = f"http://127.0.0.1:{jp_http_port}{jp_serverapp.base_url}"
    paths = DataPaths(tmp_path / "python")
    with (
        Client(InProcessTransport(jp_root_dir, paths), root=jp_root_dir) as here,
        Client(HttpTransport(url, jp_serverapp.identity_provider.token, proxies=False)) as there,
    ):
        yield Faces(jp_root_dir, here, there, url)


def _same(told: dict[str, Any]) -> dict[str, Any]:
    """What must be the same: all but what a ledger and a name make their own."""
    kept = {key: value for key, value in told.items() if key not in _OWN | {"name", "form"}}
    form = {key: value for key, value in told["form"].items() if key != "name"}
    return kept | {"form": form, "keys": list(told)}


async def test_what_can_be_scheduled_is_the_same_schedule_on_every_face(faces: Faces) -> None:
    for number, (options, form) in enumerate(VALID):
        told = await asyncio.to_thread(faces.create, f"a{number}", options, form)
        assert not [face for face, answer in told.items() if "error" in answer], (options, told)
        assert [_same(answer) for answer in told.values()] == [_same(told["python"])] * 4, options


async def test_what_cannot_be_scheduled_is_refused_in_the_same_words_on_every_face(faces: Faces) -> None:
    for options, form in INVALID:
        told = await asyncio.to_thread(faces.create, "wrong", options, form)
        errors = [{"field": None} | answer.get("error", {}) for answer in told.values()]
        assert errors == [errors[0]] * 4, (options, told)
        assert errors[0].get("message"), options


@pytest.mark.promise("P35")
async def test_a_text_that_no_ledger_keeps_is_refused_in_the_same_words_on_every_face(faces: Faces) -> None:
    """Half a character as a pause's note: nothing is paused, and everything can be read and deleted afterwards."""

    def paused(client: Client, note: str) -> dict[str, Any]:
        try:
            return client.pause("daily", note).model_dump(mode="json")
        except Refused as refused:
            return {"error": {"code": refused.code, "message": refused.message, "field": refused.field}}

    def through_the_kernel(client: Client, note: str) -> dict[str, Any]:
        view, sent = RunView("r1", client=client), list[dict[str, Any]]()
        view.send = sent.append
        view._relay(
            view, {"kind": "ask", "method": "POST", "path": "schedules/daily/pause", "body": {"note": note}}, []
        )
        return sent[0]

    def by_hand(note: str) -> dict[str, Any]:
        headers = {"Authorization": f"token {os.environ['JUPYTER_TOKEN']}", "Content-Type": "application/json"}
        address = f"{faces.url}jupyter-schedule/schedules/daily/pause"
        said: dict[str, Any] = httpx.post(address, content=json.dumps({"note": note}), headers=headers).json()
        return said

    def live() -> None:
        form = Form(notebook="n.ipynb", name="daily")
        for client in (faces.here, faces.there):
            client.create(form)
        faces._typed("create", "n.ipynb", "--name", "daily", "--json")
        for note in ("a\ud800", "a\0", "x" * 501):
            told = [
                *(by_hand(note), paused(faces.here, note), paused(faces.there, note)),
                *(through_the_kernel(faces.here, note), through_the_kernel(faces.there, note)),
                faces._typed("pause", "daily", "--note", note, "--json"),
                faces._typed("--server", faces.url, "pause", "daily", "--note", note, "--json"),
            ]
            errors = [answer["error"] for answer in told]
            assert errors == [errors[0]] * 7
            assert (errors[0]["code"], errors[0]["field"]) == ("invalid", "note")
        for client in (faces.here, faces.there):
            assert [(each.name, each.state) for each in client.schedules()] == [("daily", "active")]
            with pytest.raises(Refused, match="half a character"):
                client.schedule("a\udfff")
            client.delete("daily")

    await asyncio.to_thread(live)


async def test_a_tarball_is_sent_to_a_server_and_replaced_under_its_name(faces: Faces, tmp_path: Path) -> None:
    def live() -> tuple[dict[str, Any], dict[str, Any]]:
        for number in (1, 2):
            (faces.root / "run.sh").write_text(f"#!/bin/sh\necho {number}\n")
            (faces.root / "run.sh").chmod(0o755)
            shutil.make_archive(str(tmp_path / f"code-{number}"), "gztar", faces.root, "run.sh")
        asked = ("--server", faces.url, "--json")
        made = faces._typed("create", "--tarball", str(tmp_path / "code-1.tar.gz"), "--name", "any", *asked)
        return made, faces._typed("edit", "any", "--tarball", str(tmp_path / "code-2.tar.gz"), "--at", "7:00", *asked)

    made, changed = await asyncio.to_thread(live)
    assert (changed["version"], changed["publication_url"]) == (2, made["publication_url"])
    assert changed["bundle"] != made["bundle"]
    assert changed["timing"]["cron"] == "0 7 * * *"
    said = await asyncio.to_thread(CliRunner().invoke, cli, ["show", "any", "--server", faces.url])
    assert f"Results:  {faces.url}jupyter-schedule/publications/any/data/" in said.output


async def test_a_server_that_wants_a_token_or_is_away_is_one_sentence(
    faces: Faces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a server that this machine knows nothing of
    monkeypatch.delenv("JUPYTER_TOKEN")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "elsewhere"))
    refused = await asyncio.to_thread(faces._typed, "list", "--server", faces.url, "--json")
    assert refused["error"]["code"] == "not_signed_in"
    assert "JUPYTER_TOKEN" in refused["error"]["message"]
    away = await asyncio.to_thread(faces._typed, "list", "--server", "http://127.0.0.1:1/", "--json")
    assert away["error"]["code"] == "server_unreachable"
