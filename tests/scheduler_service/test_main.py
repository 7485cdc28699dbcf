"""The service as a command: what it refuses to start with."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.server.embedded import service_command
from scheduler_service.__main__ import main
from tests.databases import PostgresqlServer
from tests.disks import Mount, leave_free
from tests.engine import PATIENCE
from tests.scheduler_service.admin.test_reap import SETTINGS


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('folder = "{folder}"\nmax_runing = 8', "max_runing: there is no such setting"),
        ('folder = "{folder}', "isn't TOML"),
    ],
)
def test_wrong_settings_end_it_with_one_sentence_and_code_2_before_anything_is_touched(
    tmp_path: Path, text: str, sentence: str
) -> None:
    folder, file = tmp_path / "data", tmp_path / "service.toml"
    file.write_text(text.format(folder=folder))
    ended = CliRunner().invoke(main, ["run", "--config", str(file)])
    assert ended.exit_code == 2
    assert sentence in ended.output
    assert ended.output.startswith("Error: ")
    assert ended.output.count("\n") == 1
    assert not folder.exists()


def garbage(ledger: Path) -> None:
    ledger.write_text("no database, however long it is. " * 200)


def too_new(ledger: Path) -> None:
    change(ledger, "UPDATE alembic_version SET version_num = '9999'", "UPDATE deployment SET value = '9999'")


def change(ledger: Path, *statements: str) -> None:
    open_store(f"sqlite:///{ledger}").close()
    with closing(sqlite3.connect(ledger)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (garbage, "it is no database. Put its last backup there."),
        (too_new, "written by a newer jupyter-schedule"),
    ],
)
def test_a_ledger_that_cannot_be_used_ends_it_with_one_sentence_and_code_2_and_is_left_as_it_is(
    tmp_path: Path, spoil: Callable[[Path], None], sentence: str
) -> None:
    ledger = tmp_path / "ledger.sqlite3"
    spoil(ledger)
    before = ledger.read_bytes()
    assert sentence in refusal("--folder", str(tmp_path))
    assert ledger.read_bytes() == before


def test_a_disk_that_is_read_only_ends_it_with_one_sentence_and_code_2(small_disk: Mount) -> None:
    folder = small_disk("20m") / "data"
    open_store(f"sqlite:///{folder}/ledger.sqlite3").close()
    subprocess.run(["mount", "-o", "remount,ro", str(folder.parent)], check=True)
    assert f"{folder} can't be used: Read-only file system." in refusal("--folder", str(folder))


def test_a_disk_that_is_full_ends_it_with_one_sentence_and_code_2(small_disk: Mount) -> None:
    folder = small_disk("2m") / "data"
    leave_free(folder.parent, 0)
    assert "The disk is full: free some space" in refusal("--folder", str(folder))


def test_a_database_that_is_not_there_ends_it_with_one_sentence_that_has_no_password(tmp_path: Path) -> None:
    file = tmp_path / "service.toml"
    file.write_text(f'folder = "{tmp_path}"\nstore = "postgresql://ann:hush@127.0.0.1:1/ledger"\n')
    said = refusal("--config", str(file))
    assert "PostgreSQL can't be used" in said
    assert "hush" not in said


@pytest.mark.promise("P36")
def test_a_service_of_a_jupyter_server_never_ticks_a_ledger_that_many_share(
    tmp_path: Path, postgresql: PostgresqlServer
) -> None:
    """It doesn't even look at it, and its server knows that it needn't be started again."""
    (tmp_path / "service.toml").write_text(f'store = "{postgresql.new_ledger()}"\nowner = "ann"\n')
    ended = subprocess.run(
        service_command(tmp_path), stdin=subprocess.PIPE, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert ended.returncode == os.EX_CONFIG
    assert "start `python -m scheduler_service run` beside it" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["service.toml"]


def test_no_jupyter_server_has_a_service_for_people_who_share_a_ledger_by_a_server(tmp_path: Path) -> None:
    (tmp_path / "service.toml").write_text("[server]\n")
    said = CliRunner().invoke(main, ["run", "--embedded", "--folder", str(tmp_path)])
    assert said.exit_code == os.EX_CONFIG
    assert "start `python -m scheduler_service run` beside it" in said.output
    assert [path.name for path in tmp_path.iterdir()] == ["service.toml"]


@pytest.mark.parametrize("command", [["prune", "--dry-run"], ["prune"], ["unpublish", "daily"]])
def test_a_folder_without_a_ledger_is_taken_for_a_misspelt_one_and_not_made(tmp_path: Path, command: list[str]) -> None:
    said = CliRunner().invoke(main, [*command, "--folder", str(tmp_path / "tpyo")])
    sentence = f"There is no ledger in {tmp_path}/tpyo: name the service's own with --folder."
    assert (said.exit_code, said.output) == (2, f"Error: {sentence}\n")
    assert not (tmp_path / "tpyo").exists()


def refusal(*options: str) -> str:
    """What a service that can't start says, as a process of its own."""
    command = [sys.executable, "-m", "scheduler_service", "run", *options]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    return ended.stderr


def test_the_prices_of_sizes_are_the_same_for_people_and_for_programs(tmp_path: Path) -> None:
    settings = SETTINGS.replace("elsewhere", "#").format(folder=tmp_path, endpoint="http://127.0.0.1:1")
    (tmp_path / "service.toml").write_text(settings)
    lines = CliRunner().invoke(main, ["prices", "--folder", str(tmp_path)]).stdout
    told = json.loads(CliRunner().invoke(main, ["prices", "--folder", str(tmp_path), "--json"]).stdout)
    assert f"Prices of {told['prices_of']}." in lines
    [size] = told["sizes"]
    assert (size["size"], Decimal(size["hourly"])) == ("small", Decimal("0.0498877"))
    assert f"small: {size['hardware']}, $0.0498877 an hour at most" in lines
