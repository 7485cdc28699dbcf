"""Two people with one ledger that many share: neither sees, changes, reads nor runs what is the other's."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.api.context import ApiContext
from jupyter_schedule.api.routes import answer
from jupyter_schedule.core.account import KEY_FILE
from jupyter_schedule.core.bundles import archive
from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import RunStatus
from jupyter_schedule.core.object_keys import bundle_key
from tests.databases import PostgresqlServer

FORM = {"name": "hers", "command": "bash x.sh", "frequency": {"kind": "daily", "at": "03:00"}}


class Person:
    """Somebody's own folder and root, and the ledger of all."""

    def __init__(self, folder: Path, ledger: str, owner: str | None) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True)
        who = f'owner = "{owner}"\n' if owner is not None else ""
        work = folder.parent / "work"
        settings = f'store = "{ledger}"\n{who}[storage]\nwork = "file://{work}"\n'
        (folder / "service.toml").write_text(settings)
        self.context = ApiContext.open(DataPaths(folder), folder, embedded=True)

    def __call__(self, method: str, path: str, body: Any = None, version: int | None = None) -> Any:
        """The answer, as values."""
        return json.loads(answer(self.context, method, path, body=body, query={}, if_version=version).content)

    def refused(self, method: str, path: str, body: Any = None, version: int | None = None) -> int:
        """The status of what is refused."""
        with pytest.raises(Refused) as refusal:
            answer(self.context, method, path, body=body, query={}, if_version=version)
        return refusal.value.status

    def bundle(self, script: str) -> str:
        """The digest of a tarball with that script, in the work area."""
        packed = self.folder / "bundle.tar.gz"
        with tarfile.open(packed, "w:gz") as tar:
            member = tarfile.TarInfo("x.sh")
            member.size, member.mode = len(script), 0o755
            tar.addfile(member, io.BytesIO(script.encode()))
        digest, _ = archive.inspect(packed)
        self.context.operations.objects.put_file(bundle_key(digest), packed)
        return digest


@pytest.fixture
def ledger(postgresql: PostgresqlServer) -> str:
    return postgresql.new_ledger()


@pytest.fixture
def ann(tmp_path: Path, ledger: str) -> Iterator[Person]:
    made = Person(tmp_path / "ann", ledger, "ann")
    yield made
    made.context.close()


@pytest.fixture
def bob(tmp_path: Path, ledger: str) -> Iterator[Person]:
    made = Person(tmp_path / "bob", ledger, "bob")
    yield made
    made.context.close()


@pytest.mark.promise("P36")
def test_what_is_anothers_is_not_there(ann: Person, bob: Person) -> None:
    form = FORM | {"tarball": ann.bundle("id")}
    made = ann("POST", "schedules", {"form": form, "run_now": True})
    (run,) = made["last_runs"]
    assert (made["owner"], made["changed_by"]) == ("ann", "ann")

    assert bob("GET", "schedules") == bob("GET", "runs") == []
    assert bob("GET", "status")["failing"] == 0
    for method, path, body in [
        ("GET", "schedules/hers", None),
        ("GET", "schedules/hers/runs", None),
        ("GET", "schedules/hers/versions", None),
        ("PATCH", "schedules/hers", {"form": {"command": "echo replaced; id"}}),
        ("POST", "schedules/hers/pause", {"note": "by bob"}),
        ("POST", "schedules/hers/resume", None),
        ("POST", "schedules/hers/run", None),
        ("DELETE", "schedules/hers", None),
        ("GET", f"runs/{run['run_id']}", None),
        ("GET", f"runs/{run['run_id']}/log", None),
        ("GET", f"runs/{run['run_id']}/files/output/stolen.txt", None),
        ("POST", f"runs/{run['run_id']}/cancel", None),
        ("POST", f"runs/{run['run_id']}/retry", None),
    ]:
        assert bob.refused(method, path, body, version=made["version"]) == 404, path
    assert ann("GET", "schedules/hers")["version"] == made["version"]
    assert ann("GET", f"runs/{run['run_id']}")["status"] == RunStatus.DUE


def test_every_version_is_sealed_by_the_account_that_recorded_it(ann: Person, bob: Person) -> None:
    ann("POST", "schedules", {"form": FORM | {"tarball": ann.bundle("id")}})
    ann("PATCH", "schedules/hers", {"form": {"command": "bash x.sh again"}}, version=1)
    ann("POST", "schedules/hers/rollback", {"version": 1}, version=2)

    schedules = ann.context.operations.schedules
    versions = schedules.list_versions("hers")
    assert [version.version for version in versions] == [3, 2, 1]
    for person, sealed in ((ann, True), (bob, False)):
        key = person.context.operations.context.account
        assert key is not None
        seals = [key.has_sealed(version.schedule_id, version.spec) for version in versions]
        assert seals == [sealed] * 3


@pytest.mark.parametrize("owner", [None, "local", "scheduler", "", " ann", "an\\nn", "a" * 256])
def test_a_shared_ledger_that_does_not_know_who_asks_is_refused(tmp_path: Path, ledger: str, owner: str | None) -> None:
    """In a sentence that names the setting and the file."""
    with pytest.raises(Refused) as refusal:
        Person(tmp_path / "somebody", ledger, owner)
    assert "owner" in refusal.value.message
    assert str(tmp_path / "somebody" / "service.toml") in refusal.value.message


def test_one_persons_ledger_in_a_file_needs_no_setting(tmp_path: Path) -> None:
    context = ApiContext.open(DataPaths(tmp_path / "data"), tmp_path, embedded=True)
    assert (context.operations.owner, context.embedded) == ("local", True)
    assert context.operations.context.account is None
    assert not (tmp_path / "data" / KEY_FILE).exists()
    context.close()


@pytest.mark.promise("P36")
def test_no_service_of_a_jupyter_server_runs_for_a_shared_ledger(ann: Person) -> None:
    assert ann("GET", "status")["embedded"] is False
