"""What can't be read of the ledger, in a terminal."""

import pytest

from tests.cli.conftest import Terminal
from tests.poison import DAMAGED, HALF, poison


@pytest.mark.promise("P35")
@pytest.mark.parametrize("value", [HALF, DAMAGED], ids=["half", "damaged"])
def test_a_broken_schedule_is_listed_shown_and_deleted(terminal: Terminal, value: str) -> None:
    packed = str(terminal.tarball())
    for name in ("good", "bad"):
        assert terminal("create", "--tarball", packed, "--name", name).exit_code == 0
    bad = terminal.operations.schedules.get("bad").id
    poison(terminal.operations.store, "schedule_versions", "spec", value, schedule_id=bad)
    listed = terminal("list").stdout
    assert [line.split()[:3] for line in listed.splitlines()[1:3]] == [["bad", "✕", "Broken"], ["good", "●", "Active"]]
    shown = terminal("show", "bad")
    assert shown.exit_code == 0
    assert "The record of this schedule can't be read" in shown.stdout
    for command in (("run", "bad"), ("pause", "bad"), ("edit", "bad", "--at", "7:00"), ("next", "bad")):
        assert "can't be read" in terminal.refusal(*command)["message"], command
    assert terminal("delete", "bad", "--yes").exit_code == 0
    assert [each["name"] for each in terminal.json("list")] == ["good"]
