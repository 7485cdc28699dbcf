"""`jupyter schedule server …`: tokens, and the server as a process."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from jupyter_schedule.cli.app import cli
from tests.engine import PATIENCE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "schedule"
    made.mkdir()
    (made / "service.toml").write_text("[server]\n")
    return made


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["server", *arguments, "--folder", str(folder)])


def test_a_token_is_printed_once_and_listed_without_it(folder: Path) -> None:
    added = run(folder, "token", "add", "ann", "--role", "operator", "--days", "30")
    assert added.exit_code == 0
    token = added.stdout.strip()
    assert re.fullmatch(r"[\w-]{43}", token)
    listed = run(folder, "token", "list", "--json")
    (known,) = json.loads(listed.stdout)
    assert (known["name"], known["role"], set(known)) == (
        "ann",
        "operator",
        {"name", "role", "made_at", "expires_at"},
    )
    assert token not in listed.stdout
    assert "ann" in run(folder, "token", "list").stdout


def test_revoking_says_what_goes_on_and_who_has_no_token(folder: Path) -> None:
    run(folder, "token", "add", "ann")
    assert "Their schedules go on" in run(folder, "token", "revoke", "ann").stdout
    refused = run(folder, "token", "revoke", "ann")
    assert refused.exit_code != 0
    assert "“ann” has no token" in refused.stderr


def test_a_name_that_nobody_can_have_is_refused_in_one_sentence(folder: Path) -> None:
    refused = run(folder, "token", "add", "local")
    assert refused.exit_code != 0
    assert "stands for somebody else" in refused.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("", "has no table [server]"),
        ('[server]\nidentity = "jupyterhub"\n', "No Hub started this"),
        ('[server]\nidentity = "passwd"\n', "server.identity"),
    ],
)
def test_what_keeps_it_from_starting_is_told_in_one_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, settings: str, said: str
) -> None:
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN", raising=False)
    (folder / "service.toml").write_text(settings)
    refused = run(folder, "run")
    assert refused.exit_code != 0
    assert said in refused.stderr
    assert "Traceback" not in refused.output


def test_nobody_asks_the_ledger_of_a_server_but_by_way_of_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else all with an account on that machine would be one and the same."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(folder.parent))
    refused = CliRunner().invoke(cli, ["list"])
    assert refused.exit_code != 0
    assert "--server" in refused.stderr
    assert not (folder / "ledger.sqlite3").exists()


def test_the_process_serves_a_terminal_and_ends_when_it_is_asked_to(folder: Path) -> None:
    token = run(folder, "token", "add", "ann").stdout.strip()
    command = [sys.executable, "-P", "-m", "jupyter_schedule.cli", "server", "run", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--folder", str(folder), "--base-url", "/team/"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().decode().split()[-1]
        assert url.endswith("/team/")
        assert httpx.get(f"{url}healthz", trust_env=False, timeout=PATIENCE).json() == {"alive": True}
        assert httpx.get(f"{url}jupyter-schedule/status", trust_env=False, timeout=PATIENCE).status_code == 403
        asked = CliRunner(env={"JUPYTER_TOKEN": token}).invoke(cli, ["list", "--server", url, "--json"])
        assert (asked.exit_code, json.loads(asked.stdout)) == (0, [])
        stranger = CliRunner(env={"JUPYTER_TOKEN": "x" * 43}).invoke(cli, ["list", "--server", url])
        assert "wants a token" in stranger.stderr
    finally:
        os.kill(process.pid, signal.SIGTERM)
        _, complaints = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, complaints
    assert b"Traceback" not in complaints
    assert token.encode() not in complaints
