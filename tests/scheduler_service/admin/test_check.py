"""`python -m scheduler_service check`: what is right, what is missing, and nothing left behind."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from jupyter_schedule.core import clock
from jupyter_schedule.core.config import DeploymentConfig, StorageConfig
from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.models import Visibility
from jupyter_schedule.core.storage import s3_clients
from jupyter_schedule.core.storage.factory import S3Storage
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.leader_lock import Blocker
from scheduler_service.__main__ import main
from scheduler_service.admin import check as module
from scheduler_service.admin.check import check_owner, check_service, check_storage
from scheduler_service.launchers.plugins import CheckResult
from tests.databases import DatabaseClock, PostgresqlServer
from tests.factories import NOON, make_schedule, make_spec
from tests.receivers import TOKEN, webhook
from tests.s3_servers import CANARY, S3Server, variables
from tests.ticking import seeming_service


def storage_on(server: S3Server, **changes: str) -> StorageConfig:
    given = {
        "work": f"s3://{server.bucket('work')}",
        "private": f"s3://{server.bucket('private')}/results",
        "public": f"s3://{server.bucket('public')}",
        "public_base": f"{server.endpoint}/{server.bucket('public')}/",
        "endpoint": server.endpoint,
        "region": server.region,
    }
    return StorageConfig(**given | changes)  # type: ignore[arg-type]


def everybody_may(server: S3Server, *actions: str) -> None:
    bucket = server.bucket("public")
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    allowed = [{"Effect": "Allow", "Principal": "*", "Action": list(actions), "Resource": resources}]
    server.client().put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": allowed}))


def wrong(storage: StorageConfig) -> str:
    return "\n".join(finding.text for finding in check_storage(storage, clock.now()) if not finding.right)


@pytest.mark.s3
def test_areas_as_they_should_be_have_nothing_wrong(seaweedfs: S3Server) -> None:
    everybody_may(seaweedfs, "s3:GetObject")
    storage = storage_on(seaweedfs)
    findings = list(check_storage(storage, clock.now()))
    assert [finding.text for finding in findings if not finding.right] == []
    assert len(findings) == 20
    for name in ("work", "private", "public"):
        assert "Contents" not in seaweedfs.client().list_objects_v2(Bucket=seaweedfs.bucket(name), Prefix=".check")


@pytest.mark.s3
def test_each_thing_that_is_missing_is_named_with_its_mend(
    seaweedfs: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody_may(seaweedfs, "s3:PutBucketTagging")
    assert "everybody can read" in wrong(storage_on(seaweedfs))
    everybody_may(seaweedfs, "s3:GetObject", "s3:ListBucket")
    assert "Take s3:ListBucket for everybody out" in wrong(storage_on(seaweedfs))
    everybody_may(seaweedfs, "s3:GetObject")
    assert "There is no bucket absent-bucket" in wrong(storage_on(seaweedfs, private="s3://absent-bucket"))
    assert "differs from the server's by" in "".join(
        finding.text
        for finding in check_storage(storage_on(seaweedfs), clock.now() + timedelta(minutes=5))
        if not finding.right
    )
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(S3Storage, "region", lambda _: "af-south-1")
        assert "It is in af-south-1, and us-east-1 is asked: set region to af-south-1." in wrong(storage_on(seaweedfs))
    for name, value in variables("reader").items():
        monkeypatch.setenv(name, value)
    s3_clients.forget()
    said = wrong(storage_on(seaweedfs))
    assert "may not s3:PutObject in s3://work-bucket: allow it in its policy" in said
    assert CANARY not in said


@pytest.mark.s3
def test_the_command_ends_with_0_or_1(seaweedfs: S3Server, tmp_path: Path) -> None:
    def run(private: str) -> "subprocess.CompletedProcess[str]":
        settings = tmp_path / "service.toml"
        settings.write_text(f'[storage]\nprivate = "{private}"\nendpoint = "{seaweedfs.endpoint}"\n')
        command = [sys.executable, "-m", "scheduler_service", "check", "--config", str(settings)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    right, missing = run(f"s3://{seaweedfs.bucket()}"), run("s3://absent-bucket")
    assert (right.returncode, missing.returncode) == (0, 1), right.stdout
    assert "ok      private (s3://shared-bucket): an object can be written, once" in right.stdout
    assert "MISSING private (s3://absent-bucket)" in missing.stdout
    assert CANARY not in right.stdout + right.stderr + missing.stdout + missing.stderr


def test_a_message_is_sent_to_the_channel_that_was_named_and_to_no_other(tmp_path: Path) -> None:
    with webhook() as ops, webhook() as team:
        settings = tmp_path / "service.toml"
        settings.write_text('[notifications]\nops = { variable = "OPS" }\nteam = { variable = "TEAM" }\n')
        addresses = {"OPS": ops.address, "TEAM": team.address}

        def check_of(*options: str, **variables: str) -> Result:
            command = ["check", "--config", str(settings), *options]
            return CliRunner().invoke(main, command, env=addresses | variables)

        quiet = check_of()
        assert quiet.exit_code == 0
        assert "ok      channel ops: the variable OPS holds an address that Apprise knows" in quiet.output
        assert ops.asked == 0
        sent = check_of("--notify", "ops")
        assert "ok      channel ops: a message was taken" in sent.output
        assert "tried the channel “ops”" in ops.bodies[0]
        ops.status = 403
        refused = check_of("--notify", "ops")
        assert (refused.exit_code, "channel ops: a message was taken: NO." in refused.output) == (1, True)
        wrong = check_of(TEAM=f"nonsense://{TOKEN}")
        assert (wrong.exit_code, "MISSING The channel “team” can't be used" in wrong.output) == (1, True)
        unknown = check_of("--notify", "absent")
        sentence = "The settings name no channel “absent”. Name one of ops and team."
        assert (unknown.exit_code, sentence in unknown.output) == (2, True)
        assert team.asked == 0
        told = json.loads(check_of("--json").stdout)
        assert {"right": True, "message": "channel ops: the variable OPS holds an address that Apprise knows"} in told
        said = check_of("--notify", "absent", "--json")
        assert (said.exit_code, json.loads(said.stdout)["error"]["code"]) == (2, "no_such_channel")
        assert TOKEN not in quiet.output + sent.output + refused.output + wrong.output


def test_the_disk_and_whoever_ticks_are_looked_at_and_nothing_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    disk, service = check_service(DataPaths(folder), NOON)
    unmade = CheckResult(True, f"service: none ticks now, and {folder} has no ledger yet")
    assert (disk.right, service) == (True, unmade)
    assert not folder.parent.exists()

    with seeming_service(DataPaths(folder)) as seeming:
        assert list(check_service(DataPaths(folder), NOON))[1] == CheckResult(True, "service: one ticks")
        seeming.tick(Blocker.CLOCK)
        service = list(check_service(DataPaths(folder), NOON))[1]
        assert not service.right
        assert "clock is far from every other. Set it right" in service.text


def test_a_disk_with_too_little_room_is_missing_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_FREE", 10**18)
    disk, _ = check_service(DataPaths(tmp_path), NOON)
    assert not disk.right
    assert "NO. Nothing starts with less than" in disk.text


def test_who_asks_is_told_where_many_share_the_ledger(tmp_path: Path) -> None:
    shared = DataPaths(tmp_path, "postgresql://db.example.org/ledger")
    (named,) = check_owner(DeploymentConfig(owner="ann"), shared)
    assert named == CheckResult(True, "owner: requests here are those of ann")
    (nobody,) = check_owner(DeploymentConfig(), shared)
    assert nobody.text.startswith("owner: not set, so nobody can ask for anything here.")
    assert list(check_owner(DeploymentConfig(), DataPaths(tmp_path))) == []


def test_a_database_is_asked_for_its_time_and_for_who_ticks_and_keeps_its_shape(
    postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    address = postgresql.new_ledger()
    DatabaseClock(address)
    ahead, service = list(check_service(DataPaths(tmp_path, address), NOON + timedelta(minutes=5)))[1:]
    assert "differs from the database's by 300 s: NO" in ahead.text
    assert service.text == "service: none ticks now"

    postgresql.ask("CREATE DATABASE empty_one")
    *_, agrees, empty = check_service(DataPaths(tmp_path, postgresql.address_of("empty_one")), clock.now())
    assert agrees.right
    assert empty.text == "ledger: the database is empty; a service brings it to today's shape when it starts"
    assert postgresql.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", "empty_one") == [(0,)]

    *_, away = check_service(DataPaths(tmp_path, "postgresql://ann:hush@127.0.0.1:1/ledger"), NOON)
    assert not away.right
    assert "hush" not in away.text


def test_what_is_private_now_and_public_still_is_missing_with_its_number_and_why(tmp_path: Path) -> None:
    def check_of() -> Result:
        return CliRunner().invoke(main, ["check", "--folder", str(tmp_path)])

    places = DataPaths(tmp_path)
    store = open_store(places.store)
    public = make_spec(visibility=Visibility.PUBLIC, publication_base="s3://bucket/public")
    schedule = make_schedule("flights", spec=public)
    store.schedules.add(schedule)
    assert "ok      withdrawals: nothing that is private now is public still" in check_of().output
    turned = schedule.model_copy(update={"version": 2, "spec": make_spec()})
    assert store.schedules.replace(schedule, turned, actor="ann", kind=None)

    def tried(remaining: int, trouble: str | None) -> Result:
        owed = store.publications.claim(60)
        assert owed is not None
        assert store.publications.put_off(owed, 0, remaining=remaining, trouble=trouble)
        return check_of()

    away = tried(3, "S3 is away.")
    assert away.exit_code == 1
    assert "MISSING withdrawals: NO. “flights” is still public: 3 files, tried at " in away.output
    assert ", because S3 is away. A service tries again by itself." in away.output
    assert "ok      withdrawals: “flights” had nothing public any more at " in tried(0, None).output
    store.close()


def test_a_schedule_that_a_wrong_clock_put_far_ahead_is_named(tmp_path: Path) -> None:
    store = open_store(DataPaths(tmp_path).store)
    store.schedules.add(make_schedule("flights", cursor=NOON + timedelta(hours=20)))
    *_, found = check_service(DataPaths(tmp_path), NOON)
    assert found == CheckResult(True, "service: none ticks now")
    store.schedules.add(make_schedule("tides", cursor=NOON + timedelta(days=365)))
    *_, found = check_service(DataPaths(tmp_path), NOON)
    assert not found.right
    assert found.text.startswith("service: NO. “tides” starts nothing until 2027-11-24T12:00:00Z, since a clock was ")
    store.close()


@pytest.mark.parametrize("ledger", ["empty", "older", "away", "read-only"])
def test_a_ledger_that_cannot_be_read_is_one_sentence_each(
    postgresql: PostgresqlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger: str
) -> None:
    """Whatever the settings name, and however the ledger is: no traceback, and all else is looked at too."""
    address = "postgresql://ann:hush@127.0.0.1:1/ledger"
    if ledger == "empty":
        postgresql.ask("CREATE DATABASE empty_two")
        address = postgresql.address_of("empty_two")
    elif ledger == "older":
        address = postgresql.new_ledger()
        database = str(psycopg.conninfo.conninfo_to_dict(address)["dbname"])
        postgresql.ask("UPDATE alembic_version SET version_num = '0001'", database)
        postgresql.ask("DROP TABLE services", database)
    elif ledger == "read-only":
        address = ""
        open_store(DataPaths(tmp_path).store).close()
        monkeypatch.setattr("jupyter_schedule.core.store.sqlite.os.open", _refuse)
    settings = tmp_path / "settings.toml"
    settings.write_text(f'store = "{address}"\n' if address else "")
    ended = CliRunner().invoke(main, ["check", "--config", str(settings), "--folder", str(tmp_path)])
    assert isinstance(ended.exception, SystemExit | None)
    assert ended.exit_code == (1 if ledger in {"away", "read-only"} else 0), ended.output
    lines = [line for line in ended.output.splitlines() if "ledger: " in line and "clocks" not in line]
    assert len(lines) == 1, ended.output
    assert "public: not set" in ended.output


def _refuse(*_: object) -> int:
    raise PermissionError(13, "Permission denied")
