"""The command line as a whole: how it starts, what it loads, how its console script ends."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from jupyter_schedule import __version__
from jupyter_schedule.cli.app import COMMANDS, cli
from tests.cli.conftest import Terminal

SCRIPT = Path(sys.executable).with_name("jupyter-schedule")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_with_help(terminal: Terminal, name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    assert terminal(name, "--help").exit_code == 0
    assert COMMANDS[name].help in terminal("--help").stdout


def test_an_unknown_command_is_a_usage_error(terminal: Terminal) -> None:
    assert terminal("nonsense").exit_code == 2
    assert __version__ in terminal("--version").stdout


@pytest.mark.parametrize("arguments", [["--help"], ["next", "--cron", "0 6 * * *"]])
def test_help_and_next_load_no_ledger(tmp_path: Path, arguments: list[str]) -> None:
    told = run_script(tmp_path, *arguments, interpreter=("-X", "importtime"))
    assert told.returncode == 0
    assert "jupyter_schedule.cli" in told.stderr
    for heavy in ("sqlalchemy", "alembic", "papermill", "nbconvert", "scheduler_service"):
        assert f"| {heavy}\n" not in told.stderr.replace("|   ", "| ")


def test_a_reader_that_has_seen_enough_ends_it_quietly(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "next", "--cron", "* * * * *", "--count", "10000", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(tmp_path)) as script:
        assert script.stdout is not None
        assert script.stderr is not None
        script.stdout.readline()
        script.stdout.close()
        assert script.stderr.read() == b""


def test_a_tarball_from_create_to_its_published_files_and_exit_codes(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text(
        'echo "started $1"\nmkdir output\necho "$SCHEDULED_FOR" > "output/it\'s due é.txt"\nexit "$1"\n'
    )
    subprocess.run(["tar", "czf", "x.tar.gz", "run.sh"], cwd=tmp_path, check=True)
    for code in (0, 3):
        command = ("--tarball", "x.tar.gz", "--command", f"bash run.sh {code}", "--name", f"ends-{code}")
        assert run_script(tmp_path, "create", *command).returncode == 0

    succeeded = run_script(tmp_path, "run", "ends-0", "--wait", "--json")
    assert succeeded.returncode == 0, succeeded.stderr
    answer: dict[str, Any] = json.loads(succeeded.stdout)
    assert (answer["status"], answer["reason"]) == ("succeeded", "ok")
    published = tmp_path / "data" / "schedule" / "published" / "ends-0" / "data" / "it's due é.txt"
    assert published.read_text() == answer["scheduled_for"] + "\n"
    assert [file["path"] for file in answer["publication"]["files"]] == ["it's due é.txt"]

    failed = run_script(tmp_path, "run", "ends-3", "--wait")
    assert failed.returncode == 1
    assert "started 3" in failed.stdout
    assert "exit code 3" in failed.stderr
    assert not (tmp_path / "data" / "schedule" / "published" / "ends-3").exists()


def run_script(folder: Path, *arguments: str, interpreter: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run the console script in `folder`, with the ledger there too."""
    command = [sys.executable, *interpreter, str(SCRIPT), *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=120, check=False
    )


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {"JUPYTER_DATA_DIR": str(folder / "data")}
