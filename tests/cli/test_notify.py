"""Who is told of what, chosen, changed and shown in a terminal."""

from jupyter_schedule.core.data_paths import default_data_paths
from jupyter_schedule.core.models import Notification, NotificationEvent, RunStatus
from tests.cli.conftest import Terminal


def name_channels() -> None:
    """Set up two channels, as an operator does."""
    (default_data_paths().folder / "service.toml").write_text(
        '[notifications]\nops = { variable = "OPS" }\nteam = { file = "/etc/team" }\n'
    )


def test_a_schedule_is_made_to_tell_and_shows_whom(terminal: Terminal) -> None:
    name_channels()
    terminal.scheduled("daily", "--notify", "ops", "--notify", "team", "--notify-on", "failure", "--silence-by", "9:00")
    assert terminal.json("show", "daily")["form"]["notify"] == {
        "channels": ["ops", "team"],
        "on": ["failure"],
        "silence_by": "09:00",
    }
    terminal.scheduled("other", "--notify", "ops", "--silence-by", "09:00")
    said = terminal("show", "other").stdout
    assert "Tells:    ops, of failure, time out, recovery, auto pause and silence after 09:00\n" in said


def test_who_is_told_is_changed_a_bit_at_a_time_and_taken_back(terminal: Terminal) -> None:
    name_channels()
    terminal.scheduled("daily")
    assert "Tells:" not in terminal("show", "daily").stdout
    terminal("edit", "daily", "--notify", "team")
    assert terminal.json("edit", "daily", "--silence-by", "18:30")["form"]["notify"]["channels"] == ["team"]
    alone = terminal.json("edit", "daily", "--notify", "none")["form"]["notify"]
    assert (alone["channels"], alone["silence_by"]) == ([], "18:30")
    assert "Tells:    JupyterLab alone, of silence after 18:30\n" in terminal("show", "daily").stdout
    assert terminal.json("edit", "daily", "--silence-by", "none")["form"]["notify"]["silence_by"] is None


def test_a_channel_that_is_not_there_an_address_and_a_wrong_time_are_refused(terminal: Terminal) -> None:
    terminal.scheduled("daily")
    none = terminal.refusal("edit", "daily", "--notify", "ops")
    assert (none["code"], none["message"]) == (
        "no_such_channel",
        "There is no channel “ops”. Nobody has set up any here: ask whoever runs the service.",
    )
    name_channels()
    other = terminal.refusal("edit", "daily", "--notify", "json://host/secret")
    assert other["message"].endswith("Pick of ops and team.")
    time = terminal.refusal("edit", "daily", "--silence-by", "nine")
    assert (time["field"], "a time of day such as 09:00" in time["message"]) == ("silence_by", True)
    assert terminal.json("show", "daily")["version"] == 1


def test_a_word_that_was_given_up_is_shown(terminal: Terminal) -> None:
    terminal.scheduled("daily")
    run = terminal.operations.runs.run_now("daily")
    store = terminal.operations.store
    word = Notification(message_id="6f1c", run_id=run.id, occasion=NotificationEvent.FAILURE, channel="ops")
    store.runs.replace(run, run.model_copy(update={"status": RunStatus.FAILED}), actor="service", notifications=[word])
    claimed = store.outbox.claim("ops", 60)
    assert claimed is not None
    store.outbox.mark_failed(claimed, "535 wrong password", 60)
    assert "Untold" not in terminal("show", "daily").stdout
    store.outbox.mark_failed(claimed, "535 wrong password", None)
    assert "Untold:   failure: ops didn't take it. 535 wrong password\n" in terminal("show", "daily").stdout
