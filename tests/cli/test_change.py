import pytest

from jupyter_schedule.core.models import RunStatus
from jupyter_schedule.core.publication_keys import PublicationKeys
from jupyter_schedule.core.storage.factory import open_storage
from tests.cli.conftest import Terminal


def test_pause_and_resume_answer_with_what_is_so_now(terminal: Terminal) -> None:
    terminal.scheduled("daily")
    assert "jupyter schedule resume daily" in terminal("pause", "daily").stdout
    assert terminal.json("pause", "daily")["state"] == "paused"
    assert "next Wed 25 Nov 12:00 UTC" in terminal("resume", "daily").stdout
    assert terminal.json("resume", "daily")["state"] == "active"


def test_delete_without_a_terminal_wants_yes(terminal: Terminal) -> None:
    terminal.scheduled("daily")
    refusal = terminal.refusal("delete", "daily")
    assert (refusal["code"], refusal["message"].endswith(" Add --yes.")) == ("confirm_delete", True)
    assert [schedule.name for schedule in terminal.operations.schedules.list_page()] == ["daily"]


def test_delete_says_what_stays(terminal: Terminal) -> None:
    spec = terminal.operations.schedules.get(terminal.scheduled("daily")).spec
    open_storage(spec.publication_base).put(PublicationKeys("daily").data + "a.csv", b"1")
    said = terminal("delete", "daily", "--yes").stdout
    assert said.startswith("Deleted “daily”. Its published results stay at file://")
    assert "The logs and files of its runs go a day after their end" in said
    assert terminal.operations.schedules.list_page() == []
    assert terminal.refusal("delete", "daily", "--yes")["code"] == "no_such_schedule"


def test_nothing_is_said_to_stay_of_what_published_nothing(terminal: Terminal) -> None:
    terminal.scheduled("daily")
    assert terminal("delete", "daily", "--yes").stdout.startswith("Deleted “daily”. It published nothing. ")


@pytest.mark.parametrize(("answer", "left"), [(True, []), (False, ["daily"])])
def test_delete_on_a_terminal_asks(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, answer: bool, left: list[str]
) -> None:
    terminal.scheduled("daily")
    asked: list[str] = []

    def confirm(question: str, **_: object) -> bool:
        asked.append(question)
        return answer

    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)
    monkeypatch.setattr("click.confirm", confirm)
    result = terminal("delete", "daily")
    assert "stops its open runs" in result.stderr
    assert len(asked) == 1
    assert result.exit_code == (0 if answer else 2)
    assert [schedule.name for schedule in terminal.operations.schedules.list_page()] == left


def test_delete_with_yes_asks_nothing_on_a_terminal(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.scheduled("daily")
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)
    assert terminal.json("delete", "daily", "--yes")["name"] == "daily"


def test_cancel_takes_a_run_or_a_schedule_with_one_open_run(terminal: Terminal) -> None:
    run = terminal.operations.runs.run_now(terminal.scheduled("daily"))
    result = terminal("cancel", "daily")
    assert f"Run {run.id[:8]} of “daily” is being stopped" in result.stdout
    assert "python -m scheduler_service run" in result.stderr
    assert terminal.operations.runs.get(run.id).cancelled_by == "local"
    other = terminal.operations.runs.run_now("daily")
    assert terminal.json("cancel", other.id[:8])["run_id"] == other.id


def test_cancel_does_not_guess(terminal: Terminal) -> None:
    terminal.scheduled("daily")
    assert terminal.refusal("cancel", "daily")["code"] == "no_open_run"
    ids = [terminal.operations.runs.run_now("daily").id for _ in range(2)]
    error = terminal.refusal("cancel", "daily")
    assert error["code"] == "several_runs"
    assert all(run_id[:8] in error["message"] for run_id in ids)
    ended = terminal.end(terminal.launch(terminal.operations.runs.get(ids[0])))
    assert ended.status is RunStatus.SUCCEEDED
    assert terminal.refusal("cancel", ids[0])["code"] == "run_ended"
