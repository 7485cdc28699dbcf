"""What a client answers is the same over HTTP and straight on the ledger."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from jupyter_schedule.api.requests import Form, Frequency
from jupyter_schedule.client.client import Client
from jupyter_schedule.client.http import HttpTransport
from jupyter_schedule.client.in_process import InProcessTransport
from jupyter_schedule.client.schedule import schedule
from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import AdHocAllowance, LauncherCatalog, LauncherInfo, MachineSize
from jupyter_schedule.core.store.factory import open_store
from tests.engine import notebook_of

T = TypeVar("T")
FORM = Form(notebook="work/Café report.ipynb", name="cafe", frequency=Frequency(timezone="Europe/Paris"))


@pytest.fixture(params=["http", "direct"])
def client(request: pytest.FixtureRequest, jp_root_dir: Path, tmp_path: Path) -> Iterator[Client]:
    (jp_root_dir / "work").mkdir()
    cells = ["n = 1\nwhere = 'NO'", "print(n)"]
    text = json.dumps(notebook_of(cells[1], parameters=cells[0]))
    (jp_root_dir / "work" / "Café report.ipynb").write_text(text)
    if request.param == "direct":
        transport: HttpTransport | InProcessTransport = InProcessTransport(
            jp_root_dir, DataPaths(tmp_path / "schedule")
        )
    else:
        request.getfixturevalue("http_server")
        app, port = (request.getfixturevalue(name) for name in ("jp_serverapp", "jp_http_port"))
        url = f"http://127.0.0.1:{port}{app.base_url}"
        transport = HttpTransport(url, app.identity_provider.token, proxies=False)
    with Client(transport, root=jp_root_dir, reader="Europe/Paris") as made:
        yield made


async def ask(client: Client, question: Callable[[Client], T]) -> T:
    """The answer, asked in a thread: the server in this process must be free to give it."""
    return await asyncio.to_thread(question, client)


async def refusal(client: Client, question: Callable[[Client], Any]) -> Refused:
    with pytest.raises(Refused) as caught:
        await ask(client, question)
    return caught.value


async def test_a_schedule_lives_from_its_preview_to_its_end(client: Client) -> None:
    seen = await ask(client, lambda c: c.preview(FORM))
    assert (seen.problems, [parameter.name for parameter in seen.parameters]) == ((), ["n", "where"])
    made = await ask(client, lambda c: c.create(FORM, bundle=seen.bundle, run_now=True))
    assert (made.name, made.version, made.state, made.bundle) == ("cafe", 1, "active", seen.bundle)
    assert made.form.notebook == FORM.notebook
    changed = await ask(client, lambda c: c.edit("cafe", {"timeout_minutes": 5}, if_version=1))
    assert (changed.version, changed.form.timeout_minutes, changed.bundle) == (2, 5, seen.bundle)
    assert [each.version for each in await ask(client, lambda c: c.versions("cafe"))] == [2, 1]
    assert (await ask(client, lambda c: c.pause("cafe"))).state == "paused"
    assert (await ask(client, lambda c: c.resume("cafe"))).state == "active"
    assert [each.name for each in await ask(client, lambda c: c.schedules())] == ["cafe"]
    assert [each.name for each in await ask(client, lambda c: c.schedules("other.ipynb"))] == []
    assert (await ask(client, lambda c: c.delete("cafe"))).published == 0
    assert await ask(client, lambda c: c.schedules()) == []


async def test_a_run_is_asked_for_seen_and_stopped(client: Client) -> None:
    await ask(client, lambda c: c.create(FORM))
    run = await ask(client, lambda c: c.run_now("cafe"))
    assert (run.status, run.trigger, run.schedule) == ("due", "manual", "cafe")
    assert [each.run_id for each in await ask(client, lambda c: c.runs("cafe"))] == [run.run_id]
    details = await ask(client, lambda c: c.run(run.run_id))
    assert (details.run_id, details.outputs, details.attempts) == (run.run_id, (), ())
    log = await ask(client, lambda c: c.log(run.run_id))
    assert (log.text, log.next, log.ended) == ("", 0, False)
    assert (await ask(client, lambda c: c.cancel(run.run_id))).cancelled_by == "local"
    assert (await refusal(client, lambda c: c.retry(run.run_id))).code == "run_not_ended"
    problem = await refusal(client, lambda c: c.wait(run.run_id, pause=lambda seconds: None))
    assert problem.code == "nothing_ticks"


async def test_the_function_makes_what_the_form_makes(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.root is not None
    monkeypatch.chdir(client.root / "work")
    monkeypatch.delenv("RUN_ID", raising=False)
    given = {"n": 2, "where": "NO"}

    def make(client: Client, **options: Any) -> Any:
        return schedule("Café report.ipynb", every="Monday", parameters=given, client=client, **options)

    made = await ask(client, make)
    assert (made.name, made.shape.form.parameters, made.warnings) == ("cafe-report", given, ())
    assert made.shape.timing.cron == "0 12 * * 1"
    assert len(await ask(client, lambda c: made.runs())) == 1
    assert (await refusal(client, make)).code == "name_taken"
    again = await ask(client, lambda c: make(c, replace=True, run_now=False))
    assert (again.shape.version, len(await ask(client, lambda c: made.runs()))) == (2, 1)


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (lambda c: c.schedule("nobody"), "no_such_schedule"),
        (lambda c: c.run("ffffffff"), "no_such_run"),
        (lambda c: c.create(FORM.model_copy(update={"name": "Not A Name"})), "bad_name"),
        (lambda c: c.create(FORM.model_copy(update={"notebook": "../outside.ipynb"})), "outside_root"),
        (lambda c: c.create(FORM.model_copy(update={"parameters": {"m": 1}})), "unknown_parameter"),
        (lambda c: c.edit("nobody", {}, if_version=1), "no_such_schedule"),
        (lambda c: c.transport.ask("PATCH", "schedules/nobody", body={"form": {}}), "version_needed"),
        (lambda c: c.transport.ask("POST", "preview", body={"nonsense": 1}), "unknown_key"),
        (lambda c: c.transport.ask("POST", "preview"), "invalid"),
        (lambda c: c.transport.ask("GET", "nothing"), "no_such_route"),
        (lambda c: c.transport.ask("GET", "schedules/a/b"), "no_such_route"),
    ],
)
async def test_a_refusal_has_its_code_and_a_sentence(client: Client, question: Any, code: str) -> None:
    problem = await refusal(client, question)
    assert problem.code == code
    assert len(problem.message) > 10


async def test_an_edit_of_an_older_version_is_refused(client: Client) -> None:
    await ask(client, lambda c: c.create(FORM))
    await ask(client, lambda c: c.edit("cafe", {"timeout_minutes": 5}, if_version=1))
    assert (await refusal(client, lambda c: c.edit("cafe", {"overlap": "skip"}, if_version=1))).code == (
        "changed_elsewhere"
    )


async def test_a_machine_to_develop_on_is_asked_for_extended_and_stopped(client: Client, tmp_path: Path) -> None:
    assert (await refusal(client, lambda c: c.launch_ad_hoc())).code == "no_ad_hoc"
    store = open_store(DataPaths(tmp_path / "schedule").store)
    size = MachineSize(name="small", hardware="2 cores, 8 GB")
    launcher = LauncherInfo(name="ec2", paid=True, sizes=(size,), ad_hoc=AdHocAllowance())
    store.announce(LauncherCatalog(launchers=(launcher,)), actor="scheduler")
    store.close()
    made = await ask(client, lambda c: c.launch_ad_hoc(hours=2))
    assert (made.status, made.size, made.connect) == ("asked", "small", ())
    assert (await refusal(client, lambda c: c.launch_ad_hoc())).code == "too_many"
    assert (await ask(client, lambda c: c.extend_ad_hoc(made.worker_id))).ends_at > made.ends_at
    assert (await ask(client, lambda c: c.stop_ad_hoc(made.worker_id))).stopped_by == "local"
    assert [each.worker_id for each in await ask(client, lambda c: c.ad_hoc_workers())] == [made.worker_id]
    assert (await ask(client, lambda c: c.ad_hoc_worker(made.worker_id))).worker_id == made.worker_id
    assert (await refusal(client, lambda c: c.stop_ad_hoc("0000-unknown"))).code == "no_such_worker"
