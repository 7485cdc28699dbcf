"""`versions` and `rollback`."""

import pytest

from jupyter_schedule.core.config import DeploymentConfig
from jupyter_schedule.core.models import Visibility
from tests.cli.conftest import Terminal
from tests.factories import PublicFolders


def test_a_schedule_goes_back_to_an_older_version_as_a_new_one(terminal: Terminal) -> None:
    terminal.scheduled()
    schedule = terminal.operations.schedules.get("daily")
    changed = schedule.spec.model_copy(update={"timeout": 5})
    terminal.operations.schedules.edit("daily", changed, if_version=1)
    back = terminal("rollback", "daily", "1")
    assert back.stdout.startswith("“daily” does what version 1 did; that is version 3 now.\n")
    assert terminal.operations.schedules.get("daily").spec == schedule.spec
    listed = terminal.json("versions", "daily")
    assert [(each["version"], each["author"]) for each in listed] == [(3, "local"), (2, "local"), (1, "local")]
    table = terminal("versions", "daily").stdout
    assert "every day at 12:00 UTC" in table


def test_going_back_to_what_was_public_is_confirmed(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_schedule.api.context.read_config", lambda _: DeploymentConfig(storage=PublicFolders()))
    terminal.scheduled("daily", "--public", "--confirm-public")
    private = terminal.operations.schedules.get("daily").spec.model_copy(update={"visibility": Visibility.PRIVATE})
    terminal.operations.schedules.edit("daily", private, if_version=1)
    refusal = terminal.refusal("rollback", "daily", "1")
    assert refusal["code"] == "public_unconfirmed"
    assert refusal["message"].endswith("then confirm it. Then add --confirm-public.")
    assert terminal.json("rollback", "daily", "1", "--confirm-public")["form"]["visibility"] == "public"

    terminal.operations.schedules.edit("daily", private, if_version=3)
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)
    monkeypatch.setattr("click.confirm", lambda *_, **__: True)
    assert terminal.json("rollback", "daily", "1")["version"] == 5


def test_a_version_that_never_was_and_the_one_it_has_are_refused(terminal: Terminal) -> None:
    terminal.scheduled()
    assert terminal.refusal("rollback", "daily", "7")["code"] == "no_such_version"
    assert terminal.refusal("rollback", "daily", "1")["code"] == "current_version"
