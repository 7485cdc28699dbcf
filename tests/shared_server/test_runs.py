"""The shared server beside a service: whose code runs where, and whose results are whose."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.shared_server.app import open_context
from tests.engine import Engine, eventually
from tests.shared_server.conftest import ANN, BOB, SETTINGS, Asker, SharedServer, message_of

People = dict[str | None, Asker]


@pytest.fixture(params=[None, pytest.param("postgresql", marks=pytest.mark.proof("faults"))])
def engine(tmp_path: Path, request: pytest.FixtureRequest) -> Engine:
    if request.param is None:
        return Engine(tmp_path)
    return Engine(tmp_path, ledger=request.getfixturevalue("postgresql").new_ledger())


@pytest.fixture
def folder(engine: Engine) -> Iterator[Path]:
    """The folder that the server and the service share."""
    (engine.places.folder / "service.toml").write_text(settings_of(engine) + SETTINGS)
    yield engine.places.folder
    engine.store.close()


def settings_of(engine: Engine) -> str:
    """The line that names the ledger, where that isn't a file in the folder."""
    ledger = engine.places.given_store
    return "" if ledger is None else f'store = "{ledger}"\n'


@pytest.mark.promise("P36")
@pytest.mark.proof("faults")
def test_two_people_run_what_has_one_name_and_each_reads_their_own(people: People, engine: Engine) -> None:
    commands = {who: f"echo {n} | tee $OUTPUT_DIR/x.txt" for n, who in enumerate((ANN, BOB))}
    made = {who: people[who].schedule("daily", command) for who, command in commands.items()}
    runs = {who: schedule["last_runs"][0]["run_id"] for who, schedule in made.items()}

    def ended(who: str) -> Any:
        found = people[who]("GET", f"runs/{runs[who]}").json()
        return found if found["ended_at"] else None

    with engine.service():
        found = {who: eventually(lambda who=who: ended(who)) for who in (ANN, BOB)}  # type: ignore[misc]
    assert {each["status"] for each in found.values()} == {"succeeded"}
    for other, (who, text) in zip((BOB, ANN), ((ANN, "0\n"), (BOB, "1\n")), strict=True):
        assert people[who]("GET", f"runs/{runs[who]}/log").json()["text"] == text
        (file,) = found[who]["publication"]["files"]
        for path in (
            file["url"],
            f"/a%40b/services/jupyter-schedule/jupyter-schedule/runs/{runs[who]}/files/output/x.txt",
        ):
            assert people[who].http.get(f"http://{people[who].http.base_url.netloc.decode()}{path}").text == text
        assert people[who]("GET", "publications/daily/data/x.txt").text == text
        for path in ("", "/log", "/files", "/files/output/x.txt", "/files/report/log.txt", "/archive", "/preview"):
            foreign = people[other]("GET", f"runs/{runs[who]}{path}", file="output/x.txt")
            assert foreign.status_code == 404, path
            assert text not in foreign.text
    folders = {path.name for path in (engine.places.folder / "published").iterdir() if path.is_dir()}
    assert folders >= {"%2E.%2Fann", "bob"}
    assert "daily" not in folders


def test_a_ledger_of_somebodys_own_machine_is_not_shared(engine: Engine, folder: Path) -> None:
    engine.script("bob", "true")
    with pytest.raises(Refused, match="give the server another folder"):
        open_context(folder, "/")
    engine.operations.schedules.delete("bob")
    open_context(folder, "/").close()


def test_nothing_runs_beside_the_service_unless_the_operator_says_that_all_trust_all(
    people: People, server: SharedServer, engine: Engine
) -> None:
    people[ANN].schedule("before")
    (server.folder / "service.toml").write_text(f"{settings_of(engine)}[server]\n")
    with engine.service():
        eventually(engine.store.read_catalog)
        eventually(lambda: people[ANN]("GET", "status").json()["ticking"])
        refused = people[ANN]("PATCH", "schedules/before", {"form": {"timeout_minutes": 3}})
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "no_such_launcher")
        assert "ask whoever runs it" in message_of(refused)
        assert people[None].http.get("readyz").status_code == 200
    catalog = engine.store.read_catalog()
    assert catalog is not None
    assert catalog.launchers == ()
    (run,) = people[ANN]("GET", "schedules/before/runs").json()
    assert run["started_at"] is None
