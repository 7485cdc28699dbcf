"""Where a schedule runs, chosen and changed from a terminal."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from jupyter_schedule.cli import command
from jupyter_schedule.client.client import Client
from jupyter_schedule.client.in_process import InProcessTransport
from jupyter_schedule.core.config import DeploymentConfig
from jupyter_schedule.core.costs import LEFT_OUT
from jupyter_schedule.core.models import LauncherCatalog, LauncherInfo, MachineSize
from tests.cli.conftest import Terminal
from tests.cli.test_create import write_notebook
from tests.factories import PublicFolders

MACHINES = LauncherInfo(
    name="ec2",
    paid=True,
    sizes=(
        MachineSize(name="small", hardware="2 cores, 4 GB", hourly=Decimal("0.36")),
        MachineSize(name="large", hardware="8 cores, 32 GB"),
    ),
    data_roles=("weather",),
)
TEAM = LauncherCatalog(launchers=(LauncherInfo(name="local"), MACHINES))


def test_a_schedule_is_made_for_a_machine_of_a_size_and_shows_what_that_is(terminal: Terminal) -> None:
    terminal.operations.store.publish_catalog(TEAM, actor="scheduler")
    terminal.scheduled("daily", "--launcher", "ec2", "--size", "large")
    made = terminal.json("show", "daily")
    assert (made["form"]["launcher"], made["form"]["size"]) == ("ec2", "large")
    assert "Where:    ec2, large: 8 cores, 32 GB" in terminal("show", "daily").stdout


def test_a_size_is_changed_without_the_code(terminal: Terminal) -> None:
    terminal.operations.store.publish_catalog(TEAM, actor="scheduler")
    before = terminal.json("show", terminal.scheduled("daily"))
    said = terminal("edit", "daily", "--launcher", "ec2", "--size", "small", "--timeout", "30").stdout
    assert said.startswith("“daily” is at version 2 now. Waiting for a first successful run, would next run ")
    after = terminal.json("show", "daily")
    form = after["form"]
    assert (form["launcher"], form["size"], form["timeout_minutes"]) == ("ec2", "small", 30)
    assert after["bundle"] == before["bundle"]


def test_who_moves_away_from_machines_leaves_their_size_behind(terminal: Terminal) -> None:
    terminal.operations.store.publish_catalog(TEAM, actor="scheduler")
    terminal.scheduled("daily", "--launcher", "ec2", "--size", "large")
    assert terminal.json("edit", "daily", "--launcher", "local")["form"]["size"] is None
    assert "Where:    this computer" in terminal("show", "daily").stdout


def test_a_role_for_data_is_shown_and_taken_back_alone_or_by_moving_away(terminal: Terminal) -> None:
    terminal.operations.store.publish_catalog(TEAM, actor="scheduler")
    terminal.scheduled("daily", "--launcher", "ec2", "--data-role", "weather")
    assert "Where:    ec2: 2 cores, 4 GB; with the data role weather" in terminal("show", "daily").stdout
    assert terminal.json("edit", "daily", "--data-role", "none")["form"]["data_role"] is None
    assert terminal.json("edit", "daily", "--data-role", "weather")["form"]["data_role"] == "weather"
    assert terminal.json("edit", "daily", "--launcher", "local")["form"]["data_role"] is None
    assert terminal.refusal("edit", "daily", "--launcher", "ec2", "--data-role", "admin")["code"] == "no_such_data_role"


def test_who_can_read_the_results_is_changed(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_schedule.api.context.read_config", lambda _: DeploymentConfig(storage=PublicFolders()))
    terminal.scheduled("daily", "--public", "--confirm-public")
    assert terminal.json("edit", "daily", "--private")["form"]["visibility"] == "private"
    assert terminal.json("edit", "daily", "--no-publish")["form"]["visibility"] == "none"
    assert terminal.refusal("edit", "daily", "--public")["code"] == "public_unconfirmed"
    assert terminal.json("edit", "daily", "--public", "--confirm-public")["form"]["visibility"] == "public"


def test_what_can_only_be_said_in_the_negative_is_a_change_of_its_own(terminal: Terminal) -> None:
    terminal.scheduled("daily", "--publish-report")
    assert terminal.json("edit", "daily", "--no-publish-report")["form"]["publish_report"] is False
    assert terminal.json("edit", "daily", "--no-rehearse")["version"] == 3
    for nothing in ((), ("--confirm-public",)):
        assert terminal.refusal("edit", "daily", *nothing)["code"] == "nothing_to_change"


def test_what_is_kept_is_shown_changed_and_taken_back(terminal: Terminal) -> None:
    terminal.scheduled("daily")
    assert "Keeps:    files of runs for as long as the service says\n" in terminal("show", "daily").stdout
    kept = terminal.json("edit", "daily", "--keep-runs", "5", "--keep-days", "1")["form"]["policies"]
    assert (kept["keep_runs"], kept["keep_days"]) == (5, 1)
    assert "Keeps:    files of the last 5 runs, and of every run for 1 day\n" in terminal("show", "daily").stdout
    freed = terminal.json("edit", "daily", "--keep-runs", "none", "--keep-days", "0")["form"]["policies"]
    assert (freed["keep_runs"], freed["keep_days"]) == (None, 0)
    assert "--keep-days" in terminal("edit", "daily", "--keep-days", "-1").stderr


def test_a_cap_where_runs_cost_nothing_is_kept_and_said_to_count_nothing(terminal: Terminal) -> None:
    terminal.operations.store.publish_catalog(TEAM, actor="scheduler")
    said = "The monthly cap counts nothing here: runs on this computer cost nothing."
    terminal.scheduled("daily")
    assert terminal("edit", "daily", "--monthly-cap", "20").stderr == f"{said}\n"
    assert said in terminal("show", "daily").stdout
    assert said not in terminal("edit", "daily", "--launcher", "ec2").stderr
    assert "Paused at $20" in terminal("show", "daily").stdout
    assert terminal.json("edit", "daily", "--monthly-cap", "none")["form"]["policies"]["monthly_cap"] is None
    terminal.tarball()
    assert said in terminal("create", "--tarball", "x.tar.gz", "--name", "new", "--monthly-cap", "5").stdout


def test_a_server_is_signed_in_to_once(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    typed: list[str] = []

    def connect(server: str, root: Path, *, ask: Callable[[str], str]) -> Client:
        ask(server)
        return Client(InProcessTransport(root), root=root)

    def ask_for_token(url: str) -> str:
        typed.append(url)
        return ""

    monkeypatch.setattr(command, "ask_for_token", ask_for_token)
    monkeypatch.setattr(command, "connect_terminal", connect)
    terminal.scheduled("daily")
    typed.clear()
    assert terminal("edit", "daily", "--at", "7:00", "--server", "http://team.example/").exit_code == 0
    assert typed == ["http://team.example/"]


def test_code_is_taken_as_it_is_now(terminal: Terminal) -> None:
    write_notebook(terminal.folder / "report.ipynb", "n = 1")
    made = terminal.json("create", "report.ipynb", "--timeout", "30", "--param", "n=2")
    write_notebook(terminal.folder / "report.ipynb", "n = 1", "print(n)")
    kept = terminal.json("edit", "report", "--timeout", "31")
    assert kept["bundle"] == made["bundle"]
    renewed = terminal.json("edit", "report", "--rebundle")
    assert renewed["bundle"] != made["bundle"]
    form = renewed["form"]
    assert (form["timeout_minutes"], form["parameters"]) == (31, {"n": 2})
    assert terminal.refusal("edit", terminal.scheduled("any"), "--rebundle")["code"] == "no_notebook"


def test_what_is_not_offered_is_refused_and_nothing_changes(terminal: Terminal) -> None:
    terminal.scheduled("daily")
    assert terminal.refusal("edit", "daily", "--size", "large")["code"] == "no_such_size"
    assert terminal.refusal("edit", "daily")["code"] == "nothing_to_change"
    assert terminal.json("show", "daily")["version"] == 1


def test_a_size_that_the_operator_dropped_is_shown_as_gone(terminal: Terminal) -> None:
    terminal.operations.store.publish_catalog(TEAM, actor="scheduler")
    terminal.scheduled("daily", "--launcher", "ec2", "--size", "large")
    terminal.operations.store.publish_catalog(LauncherCatalog(), actor="scheduler")
    assert "Where:    ec2, large, which isn't offered any more" in terminal("show", "daily").stdout
    assert terminal.refusal("edit", "daily", "--timeout", "30")["message"].startswith(
        "The scheduler has no launcher “ec2”."
    )


def test_a_schedule_on_machines_waits_for_its_rehearsal_unless_told_otherwise(terminal: Terminal) -> None:
    terminal.operations.store.publish_catalog(TEAM, actor="scheduler")
    terminal.tarball()
    create = ("create", "--tarball", "x.tar.gz", "--launcher", "ec2", "--name")
    assert "It starts when its rehearsal has succeeded" in terminal(*create, "careful").stdout
    shown = terminal.json("show", "careful")
    assert (shown["state"], [run["trigger"] for run in shown["last_runs"]]) == ("rehearsing", ["rehearsal"])
    assert shown["summary"].startswith("Waiting for a first successful run, would next run Wed 25 Nov")
    assert "Waiting for a first successful run" in terminal("list").stdout
    assert terminal.json(*create, "hasty", "--no-rehearse")["state"] == "active"


def test_a_rehearsal_can_be_asked_for(terminal: Terminal) -> None:
    name = terminal.scheduled("daily")
    assert terminal.json("run", name, "--rehearse")["trigger"] == "rehearsal"


def test_what_it_costs_is_said_before_and_capped(terminal: Terminal) -> None:
    terminal.operations.store.publish_catalog(TEAM, actor="scheduler")
    terminal.tarball()
    options = ("--launcher", "ec2", "--size", "small", "--timeout", "100", "--monthly-cap", "20")
    said = terminal("create", "--tarball", "x.tar.gz", "--name", "daily", *options).stdout
    estimate = (
        "At most $0.72 a run, $22.32 a month for 31 runs, should each take its whole time-out of 1 h 40 min. "
        f"{LEFT_OUT}"
    )
    assert estimate in said
    shown = terminal("show", "daily").stdout
    assert f"Machines: {estimate} So far this month $0.00. Paused at $20.00." in shown
    assert terminal.json("edit", "daily", "--monthly-cap", "30.5")["form"]["policies"]["monthly_cap"] == "30.5"


def test_a_cap_is_an_amount_of_money(terminal: Terminal) -> None:
    terminal.scheduled("daily")
    for wrong in ("0", "-1", "1.005", "much"):
        assert "write dollars such as 20 or 12.50" in terminal("edit", "daily", "--monthly-cap", wrong).output
