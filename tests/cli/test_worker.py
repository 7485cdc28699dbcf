"""`worker …`: what a person at a terminal is told of a machine to develop on."""

import json
import threading
from decimal import Decimal
from typing import Any

import pytest

from jupyter_schedule.cli import worker as worker_module
from jupyter_schedule.core.ad_hoc_workers import ended
from jupyter_schedule.core.models import AdHocAllowance, AdHocStatus, LauncherCatalog, LauncherInfo, MachineSize
from tests.cli.conftest import Terminal
from tests.core.operations.test_ad_hoc import KEY
from tests.factories import NOON

SIZES = (MachineSize(name="small", hardware="2 cores, 8 GB", hourly=Decimal("0.1")),)
HOW = "Nothing is ticking now, so nothing is done about it: start the service with `python -m scheduler_service run`.\n"


@pytest.fixture
def offered(terminal: Terminal) -> Terminal:
    launcher = LauncherInfo(name="ec2", paid=True, sizes=SIZES, ad_hoc=AdHocAllowance())
    terminal.operations.store.publish_catalog(LauncherCatalog(launchers=(launcher,)), actor="scheduler")
    return terminal


@pytest.fixture
def ticked(offered: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setattr(worker_module, "say_unless_ticking", lambda *_: True)
    return offered


def becomes(terminal: Terminal, **changes: Any) -> None:
    """Move the only worker as the service does."""
    store = terminal.operations.store
    (live,) = store.ad_hoc.list_live()
    parameters = {"region": "eu-west-1", "login_user": "ubuntu"}
    moved = live.model_copy(update={"parameters": parameters, "launched_at": NOON} | changes)
    assert store.ad_hoc.replace(live, moved, actor="scheduler")


def soon(terminal: Terminal, **changes: Any) -> threading.Thread:
    """The same, as soon as there is one."""

    def service() -> None:
        while not terminal.operations.store.ad_hoc.list_live():
            terminal.operations.store.wait_for_change(0, 5)
        becomes(terminal, **changes)

    made = threading.Thread(target=service)
    made.start()
    return made


READY = {"status": AdHocStatus.READY, "instance": "i-1", "address": "192.0.2.1"}


def test_who_asks_is_told_what_it_is_what_it_costs_when_it_ends_and_how_to_get_in(ticked: Terminal) -> None:
    (ticked.folder / "id.pub").write_text(f"{KEY} ann@laptop\n")
    service = soon(ticked, **READY)
    said = ticked("worker", "launch", "--ssh-key", "id.pub", "--hours", "4")
    service.join()
    assert said.exit_code == 0
    worker = ticked.operations.ad_hoc.worker()
    assert worker.ssh_key == KEY
    assert said.stdout == (
        f"Ad-hoc worker {worker.id[:8]}: small (2 cores, 8 GB), ends in 4 h; $0.10 an hour at most, $0.40 until then. "
        "Nothing on it is kept.\n"
        f"{worker.id[:8]} is ready. If it doesn't answer yet, it is still booting:\n"
        "  ssh ubuntu@192.0.2.1\n"
        "  aws ssm start-session --region eu-west-1 --target i-1\n"
    )


def test_when_there_is_none_to_be_had_the_reason_is_said_with_exit_code_1(ticked: Terminal) -> None:
    service = soon(ticked, status=AdHocStatus.FAILED, message="EC2 has no capacity.")
    said = ticked("worker", "launch")
    service.join()
    assert (said.exit_code, said.stderr) == (1, "✕ Failed: EC2 has no capacity.\n")


def test_programs_get_the_same_in_json_when_it_is_ready(ticked: Terminal) -> None:
    service = soon(ticked, **READY)
    told = ticked.json("worker", "launch")
    service.join()
    assert (told["status"], told["hourly"], told["ends_at"]) == ("ready", "0.1", "2026-11-25T12:00:00Z")
    assert told["connect"] == ["aws ssm start-session --region eu-west-1 --target i-1"]
    assert "parameters" not in told


def test_where_nothing_ticks_nobody_waits_and_that_is_said(offered: Terminal) -> None:
    said = offered("worker", "launch")
    assert (said.exit_code, said.stderr) == (0, HOW)
    assert said.stdout.endswith("See how it gets on:  jupyter schedule worker list\n")


def test_where_no_operator_allows_it_the_sentence_says_what_to_set(terminal: Terminal) -> None:
    said = terminal("worker", "launch")
    assert said.exit_code == 2
    assert "[ec2.ad_hoc]" in said.stderr


@pytest.mark.parametrize("content", [b"-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n", b"\xff\xfe", b"hello"])
def test_a_file_that_is_no_public_key_is_refused_and_not_repeated(offered: Terminal, content: bytes) -> None:
    (offered.folder / "id").write_bytes(content)
    said = offered("worker", "launch", "--ssh-key", "id")
    assert (said.exit_code, said.stdout) == (2, "")
    assert ".pub" in said.stderr
    assert "secret" not in said.stderr
    assert offered.operations.ad_hoc.workers() == []


def test_a_list_shows_state_end_and_cost_and_how_to_get_in(ticked: Terminal) -> None:
    assert "jupyter schedule worker launch" in ticked("worker", "list").stdout
    ticked("worker", "launch", "--no-wait")
    becomes(ticked, **READY)
    lines = ticked("worker", "list").stdout.splitlines()
    assert lines[0].split() == ["Worker", "Size", "State", "Ends", "Cost"]
    assert "● Ready" in lines[1]
    assert "$0.10 an hour" in lines[1]
    assert lines[-1] == "  aws ssm start-session --region eu-west-1 --target i-1"
    store = ticked.operations.store
    (live,) = store.ad_hoc.list_live()
    over = ended(live, AdHocStatus.ENDED, "Its time was over.", live.deadline)
    store.ad_hoc.replace(live, over, actor="scheduler")
    (line,) = ticked("worker", "list").stdout.splitlines()[1:]
    assert "■ Ended" in line
    assert "$2.40" in line
    assert line.endswith("24 h. Its time was over.")
    (told,) = ticked.json("worker", "list")
    assert (told["machine_seconds"], told["cost"]) == (86400, "2.4")


def test_it_is_extended_and_stopped_without_naming_it(ticked: Terminal) -> None:
    ticked("worker", "launch", "--no-wait", "--hours", "2")
    worker = ticked.operations.ad_hoc.worker()
    assert ticked("worker", "extend", "--hours", "5").stdout == f"Ad-hoc worker {worker.id[:8]} ends in 5 h now.\n"
    assert ticked.json("worker", "stop", worker.id[:8])["stopped_by"] == "local"
    assert ticked.refusal("worker", "extend")["code"] == "worker_over"


def test_over_the_cap_the_refusal_is_json_for_programs(ticked: Terminal) -> None:
    ticked("worker", "launch", "--no-wait")
    refused = ticked.refusal("worker", "launch", "--no-wait")
    assert refused["code"] == "too_many"
    assert json.dumps(refused).isascii()
