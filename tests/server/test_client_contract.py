"""What a client answers is the same over HTTP and straight on the ledger."""

import asyncio
import io
import json
import tarfile
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


@pytest.mark.parametrize("name", ["a/b", "", "cafe/runs", "a%2Fb", "é ?#"])
async def test_a_name_that_no_schedule_can_have_is_of_none(client: Client, name: str) -> None:
    await ask(client, lambda c: c.create(FORM))
    for question in (
        lambda c: c.schedule(name),
        lambda c: c.runs(name),
        lambda c: c.delete(name),
        lambda c: c.find_run(name),
    ):
        problem = await refusal(client, question)
        assert (problem.code, problem.status) == ("no_such_schedule", 404)
        assert problem.message.startswith(f"There is no schedule “{name}”.")
    assert (await refusal(client, lambda c: c.run(name))).code == "no_such_run"


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
    store.publish_catalog(LauncherCatalog(launchers=(launcher,)), actor="scheduler")
    store.close()
    made = await ask(client, lambda c: c.launch_ad_hoc(hours=2))
    assert (made.status, made.size, made.connect) == ("asked", "small", ())
    assert (await refusal(client, lambda c: c.launch_ad_hoc())).code == "too_many"
    assert (await ask(client, lambda c: c.extend_ad_hoc(made.worker_id))).ends_at > made.ends_at
    assert (await ask(client, lambda c: c.stop_ad_hoc(made.worker_id))).stopped_by == "local"
    assert [each.worker_id for each in await ask(client, lambda c: c.ad_hoc_workers())] == [made.worker_id]
    assert (await ask(client, lambda c: c.ad_hoc_worker(made.worker_id))).worker_id == made.worker_id
    assert (await refusal(client, lambda c: c.stop_ad_hoc("0000-unknown"))).code == "no_such_worker"


def tarball(folder: Path, text: str) -> Path:
    """A tarball whose script writes the text."""
    path = folder / "code.tar.gz"
    with tarfile.open(path, "w:gz") as packed:
        content = f"echo {text}\n".encode()
        entry = tarfile.TarInfo("run.sh")
        entry.size, entry.mode = len(content), 0o755
        packed.addfile(entry, io.BytesIO(content))
    return path


async def test_a_tarball_is_scheduled_and_replaced_under_its_name(client: Client, tmp_path: Path) -> None:
    first = await ask(client, lambda c: c.upload_bundle(tarball(tmp_path, "first")))
    form = Form(tarball=first, name="words", env=("LANG",))
    seen = await ask(client, lambda c: c.preview(form))
    assert (seen.problems, seen.bundle, seen.findings) == ((), first, ())
    made = await ask(client, lambda c: c.create(form))
    assert (made.bundle, made.form.tarball, made.form.notebook, made.form.command) == (first, first, None, "./run.sh")
    second = await ask(client, lambda c: c.upload_bundle(tarball(tmp_path, "second")))
    changed = await ask(client, lambda c: c.edit("words", {"tarball": second}, if_version=1))
    assert (changed.version, changed.bundle, changed.form.env) == (2, second, ("LANG",))
    assert changed.publication_url == made.publication_url
    await ask(client, lambda c: c.download_bundle(first, tmp_path / "back.tar.gz"))
    with tarfile.open(tmp_path / "back.tar.gz") as packed:
        assert packed.extractfile("run.sh").read() == b"echo first\n"  # type: ignore[union-attr]


WRONG_TARBALLS: list[tuple[Callable[[Client, str], Any], str, str | None]] = [
    (lambda c, d: c.create(Form(tarball="0" * 64, name="x")), "no_such_bundle", "files"),
    (lambda c, d: c.create(Form(tarball=d, name="x", parameters={"n": 1})), "no_parameters", "parameters"),
    (lambda c, d: c.create(Form(tarball=d, notebook=FORM.notebook, name="x")), "two_sources", "tarball"),
    (lambda c, d: c.create(Form(tarball=d, name="x"), bundle="0" * 64), "two_sources", "tarball"),
    (lambda c, d: c.edit("words", {}, if_version=1, rebundle=True), "no_notebook", "tarball"),
    (lambda c, d: c.edit("words", {"tarball": None}, if_version=1), "nothing_to_schedule", "tarball"),
    (lambda c, d: c.clone("words", "x", {"tarball": None}), "nothing_to_schedule", "tarball"),
    (lambda c, d: c.edit("words", {"tarball": "x"}, if_version=1), "invalid", "tarball"),
    (lambda c, d: c.upload_bundle(Path("/nowhere/x.tar.gz")), "tarball_unreadable", "tarball"),
    (lambda c, d: c.download_bundle("0" * 64, Path("unused")), "no_such_file", "files"),
]


async def test_what_a_tarball_cannot_be_is_said(client: Client, tmp_path: Path) -> None:
    digest = await ask(client, lambda c: c.upload_bundle(tarball(tmp_path, "first")))
    await ask(client, lambda c: c.create(Form(tarball=digest, name="words")))
    for question, code, field in WRONG_TARBALLS:
        problem = await refusal(client, lambda c, q=question: q(c, digest))  # type: ignore[misc]
        assert (problem.code, problem.field) == (code, field)


async def test_a_command_that_the_tarball_does_not_hold_is_told_before_a_run(client: Client, tmp_path: Path) -> None:
    digest = await ask(client, lambda c: c.upload_bundle(tarball(tmp_path, "first")))
    seen = await ask(client, lambda c: c.preview(Form(tarball=digest, name="words", command="./go.sh")))
    assert [finding.message for finding in seen.findings] == ["./go.sh is not in the tarball."]


#: a change of each option that needs no new code, and what the form says then
CHANGES: dict[str, Any] = {
    "command": "bash run.sh",
    "visibility": "none",
    "publish_report": True,
    "hide_code": True,
    "previous": ["*.csv"],
    "expect": ["*.csv rows>=1"],
    "env": ["LANG"],
    "environment": "fresh",
    "overlap": "skip",
    "catch_up": "all",
    "policies": {"retries": 2},
    "notify": {"silence_by": "09:00"},
    "frequency": {"kind": "cron", "cron": "5 4 1-3 * *", "timezone": "Europe/Oslo"},
    "parameters": {"n": 2},
    "output_dir": "results",
    "timeout_minutes": 7,
}
#: what changes the code, and so needs the notebook and its files anew
CODE = {"notebook": "work/other.ipynb", "files": ["work/other.ipynb"], "left_out": ["work/a.csv"], "kernel": "python3"}
#: what needs a launcher that isn't there
ELSEWHERE = {"launcher": "ec2", "size": "small", "data_role": "weather"}
#: what is said once: which name it has, whose results it goes on with, and where its code came from
AT_CREATION = {"name", "continue_results", "tarball"}


def test_every_option_of_a_schedule_has_its_change() -> None:
    assert {*CHANGES, *CODE, *ELSEWHERE, *AT_CREATION} == set(Form.model_fields)


async def test_what_is_said_when_creating_can_be_changed_afterwards(client: Client) -> None:
    version = (await ask(client, lambda c: c.create(FORM))).version
    for option, wanted in CHANGES.items():
        change = {option: wanted}
        changed = await ask(client, lambda c, change=change, v=version: c.edit("cafe", change, if_version=v))  # type: ignore[misc]
        now, version = changed.form.model_dump(mode="json")[option], changed.version
        assert (now if not isinstance(wanted, dict) else {key: now[key] for key in wanted}) == wanted, option
        assert changed.message.startswith(f"“cafe” is at version {version} now. ")
    for option, value in ELSEWHERE.items():
        change = {option: value}
        problem = await refusal(client, lambda c, change=change, v=version: c.edit("cafe", change, if_version=v))  # type: ignore[misc]
        assert problem.field == option


async def test_new_code_is_only_taken_when_that_is_said(client: Client) -> None:
    assert client.root is not None
    (client.root / "work" / "other.ipynb").write_text(json.dumps(notebook_of("2")))
    await ask(client, lambda c: c.create(FORM))
    for option in ("notebook", "files", "left_out"):
        problem = await refusal(client, lambda c, o=option: c.edit("cafe", {o: CODE[o]}, if_version=1))  # type: ignore[misc]
        assert problem.code == "needs_rebundle"
    changed = await ask(client, lambda c: c.edit("cafe", {"notebook": CODE["notebook"]}, if_version=1, rebundle=True))
    assert changed.form.notebook == CODE["notebook"]


async def test_a_clone_does_the_same_but_for_what_is_said(client: Client) -> None:
    made = await ask(client, lambda c: c.create(FORM.model_copy(update={"parameters": {"n": 3}})))
    clone = await ask(client, lambda c: c.clone("cafe", "tea", {"timeout_minutes": 9}))
    assert (clone.name, clone.version, clone.bundle) == ("tea", 1, made.bundle)
    assert (clone.form.parameters["n"], clone.form.timeout_minutes) == (3, 9)
    assert clone.message.startswith("Scheduled “tea”, which does what “cafe” does. ")
    assert (await ask(client, lambda c: c.schedule("cafe"))).form.timeout_minutes == 120
    assert (await refusal(client, lambda c: c.clone("cafe", "tea"))).code == "name_taken"
    assert (await refusal(client, lambda c: c.clone("nobody", "x"))).code == "no_such_schedule"


async def test_lists_come_in_pages_and_say_how_much_there_is(client: Client) -> None:
    await ask(client, lambda c: c.create(FORM))
    made = [(await ask(client, lambda c: c.run_now("cafe"))).run_id for _ in range(5)]
    assert len(await ask(client, lambda c: c.runs("cafe", limit=2))) == 2
    found = await ask(client, lambda c: [run.run_id for run in c.all_runs("cafe", page=2)])
    assert sorted(found) == sorted(made)
    assert [await ask(client, lambda c: c.count_runs("cafe")), await ask(client, lambda c: c.count_runs())] == [5, 5]
    assert (await refusal(client, lambda c: c.count_runs("nobody"))).code == "no_such_schedule"
    for name in ("tea", "water"):
        await ask(client, lambda c, name=name: c.clone("cafe", name))  # type: ignore[misc]
    assert [each.name for each in await ask(client, lambda c: c.schedules(limit=2))] == ["cafe", "tea"]
    assert [each.name for each in await ask(client, lambda c: c.schedules(before="tea"))] == ["water"]
    _, total = await ask(client, lambda c: c.transport.ask_page("schedules", query={"limit": "1"}))
    assert total == 3


async def test_a_run_is_found_by_its_schedule_its_id_or_its_beginning(client: Client) -> None:
    await ask(client, lambda c: c.create(FORM))
    assert (await refusal(client, lambda c: c.find_run("cafe"))).code == "not_run_yet"
    run = await ask(client, lambda c: c.run_now("cafe"))
    assert (await ask(client, lambda c: c.find_run("cafe", waiting=True))).run_id == run.run_id
    assert (await ask(client, lambda c: c.find_run(run.run_id[:8]))).run_id == run.run_id
    assert (await refusal(client, lambda c: c.find_run("ffffffff"))).code == "no_such_run"
    assert (await refusal(client, lambda c: c.find_run("cafeteria"))).code == "no_such_schedule"


async def test_a_schedule_says_what_it_costs_and_who_changed_it(client: Client) -> None:
    await ask(client, lambda c: c.create(FORM))
    details = await ask(client, lambda c: c.schedule("cafe"))
    assert details.bundle_size
    assert (details.bundled_notebook, [each.author for each in details.versions]) == ("Café report.ipynb", ["local"])
    assert details.compute is not None
    assert details.compute.title == "this computer"
    assert details.cost_this_month == 0
    assert details.undelivered == ()
