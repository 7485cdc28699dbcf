import json
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from jupyter_schedule.api.responses import RunDetails, RunResponse
from jupyter_schedule.cli import runs as module
from jupyter_schedule.cli import service
from jupyter_schedule.client.client import Client
from jupyter_schedule.client.in_process import InProcessTransport
from jupyter_schedule.core.data_paths import default_data_paths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Reason, RunStatus
from jupyter_schedule.core.object_keys import LIVE_LOG
from tests.cli.conftest import PUBLICATION, Terminal
from tests.factories import NOON, make_run
from tests.ticking import seeming_service

FAILED: dict[str, Any] = {"status": RunStatus.FAILED, "reason": Reason.EXIT_CODE, "message": "It ended with code 3."}
UNTIL_STDIN_CLOSES = (sys.executable, "-c", "import sys; sys.stdin.read()")


@pytest.fixture
def service_does(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make the service of `run --wait` end the run as told, when the command waits for the first time."""

    def end(**changes: Any) -> None:
        def ensure(_: service.TemporaryService) -> None:
            (run,) = [run for run in terminal.operations.runs.list_newest() if not run.status.terminal]
            terminal.end(terminal.launch(run, b"one\n"), b"one\ntwo\n", **changes)

        monkeypatch.setattr(service.TemporaryService, "ensure", ensure)

    return end


def client(terminal: Terminal) -> Client:
    return Client(InProcessTransport(terminal.folder))


def asked(terminal: Terminal, run_id: str) -> RunResponse:
    return client(terminal).run(run_id)


def test_run_without_wait_puts_a_run_into_the_ledger_and_says_how_it_starts(terminal: Terminal) -> None:
    terminal.scheduled("daily")
    result = terminal("run", "daily")
    (run,) = terminal.operations.runs.list_newest("daily")
    assert (result.exit_code, run.status, run.trigger) == (0, "due", "manual")
    assert f"jupyter schedule logs -f {run.id[:8]}" in result.stdout
    assert "python -m scheduler_service run" in result.stderr
    with seeming_service(default_data_paths()):
        assert terminal("run", "daily").stderr == ""
    assert terminal.json("run", "daily")["status"] == "due"


def test_wait_shows_the_log_and_where_results_are(terminal: Terminal, service_does: Callable[..., None]) -> None:
    terminal.scheduled("daily")
    service_does(publication=PUBLICATION)
    result = terminal("run", "daily", "--wait")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "one",
        "two",
        "✓ Succeeded in 4 s.",
        "Published:",
        "  a.csv    2 B    file:///p/daily/runs/1/files/a.csv",
        "All results of “daily”:  file:///p/daily/data/",
    ]


def test_wait_ends_with_1_and_the_cause_on_standard_error_unless_it_succeeded(
    terminal: Terminal, service_does: Callable[..., None]
) -> None:
    terminal.scheduled("daily")
    service_does(**FAILED)
    result = terminal("run", "daily", "--wait")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "one\ntwo\n", "✕ It ended with code 3.\n")


def test_wait_with_json_prints_this_and_nothing_else(terminal: Terminal, service_does: Callable[..., None]) -> None:
    terminal.scheduled("daily")
    service_does(publication=PUBLICATION)
    answer = terminal.json("run", "daily", "--wait")
    (run,) = terminal.operations.runs.list_newest("daily")
    assert answer == json.loads(RunDetails.model_validate(answer).model_dump_json())
    assert (answer["run_id"], answer["status"], answer["reason"]) == (run.id, "succeeded", "ok")
    assert answer["publication"] == PUBLICATION.model_dump(mode="json")
    service_does(**FAILED)
    result = terminal("run", "daily", "--wait", "--json")
    assert (result.exit_code, result.stderr) == (1, "✕ It ended with code 3.\n")
    failed = json.loads(result.stdout)
    assert (failed["status"], failed["reason"], failed["publication"]) == ("failed", "exit_code", None)


@pytest.mark.parametrize(("started", "said"), [(False, "the run waits"), (True, "its results wait")])
def test_ctrl_c_leaves_the_run_and_says_how_to_stop_it(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, started: bool, said: str
) -> None:
    def interrupted(_: service.TemporaryService) -> None:
        if started:
            terminal.launch(terminal.operations.runs.list_newest("daily")[0])
        raise KeyboardInterrupt

    monkeypatch.setattr(service.TemporaryService, "ensure", interrupted)
    result = terminal("run", terminal.scheduled("daily"), "--wait")
    (run,) = terminal.operations.runs.list_newest("daily")
    assert (result.exit_code, run.status) == (130, "launching" if started else "due")
    assert f"jupyter schedule cancel {run.id[:8]}" in result.stderr
    assert f"Nothing is ticking now, so {said}: " in result.stderr


def test_a_log_is_shown_as_it_grows_and_once(terminal: Terminal) -> None:
    operations = terminal.operations
    run = operations.runs.run_now(terminal.scheduled("daily"))
    shown: list[tuple[str, bool]] = []
    steps: Iterator[Callable[[], object]] = iter(
        [
            lambda: terminal.launch(run, b"first\n"),
            lambda: terminal.leave(operations.runs.get(run.id), LIVE_LOG + "1", b"more\n"),
            lambda: terminal.end(operations.runs.get(run.id), b"first\nmore\nand the rest\n"),
        ]
    )

    def step() -> None:
        next(steps)()

    ended = module.watch(
        client(terminal),
        asked(terminal, run.id),
        show_log=lambda piece, final: shown.append((piece, final)),
        keep_ticking=step,
        pause=lambda _: None,
    )
    assert ended.status is RunStatus.SUCCEEDED
    assert shown == [("first\n", False), ("more\n", False), ("and the rest\n", True)]


def test_a_log_whose_pieces_end_within_a_character_is_shown_as_it_is(terminal: Terminal) -> None:
    operations = terminal.operations
    run = operations.runs.run_now(terminal.scheduled("daily"))
    raw = "aaa€bbb€ccc\nlast line\n".encode()
    shown: list[str] = []
    steps: Iterator[Callable[[], object]] = iter(
        [
            lambda: terminal.launch(run, raw[:4]),
            lambda: terminal.leave(operations.runs.get(run.id), LIVE_LOG + "1", raw[4:11]),
            lambda: terminal.end(operations.runs.get(run.id), raw),
        ]
    )

    def step() -> None:
        next(steps)()

    module.watch(
        client(terminal),
        asked(terminal, run.id),
        show_log=lambda piece, _: shown.append(piece),
        keep_ticking=step,
        pause=lambda _: None,
    )
    assert "".join(shown).encode() == raw


def test_another_attempt_s_log_follows_the_first_one_s(terminal: Terminal) -> None:
    operations = terminal.operations
    run = operations.runs.run_now(terminal.scheduled("daily"))
    shown: list[str] = []
    steps: Iterator[Callable[[], object]] = iter(
        [
            lambda: terminal.launch(run, b"first try\n"),
            lambda: terminal.launch(operations.runs.get(run.id), b"second\n"),
            lambda: terminal.end(operations.runs.get(run.id), b"second\ntry\n"),
        ]
    )

    def step() -> None:
        next(steps)()

    module.watch(
        client(terminal),
        asked(terminal, run.id),
        show_log=lambda piece, _: shown.append(piece),
        keep_ticking=step,
        pause=lambda _: None,
    )
    assert "".join(shown) == "first try\nsecond\ntry\n"


def test_states_are_told_when_they_change(terminal: Terminal) -> None:
    run = terminal.operations.runs.run_now(terminal.scheduled("daily"))
    told: list[RunResponse] = []
    steps: Iterator[Callable[[], object]] = iter(
        [lambda: None, lambda: terminal.launch(run), lambda: terminal.end(terminal.operations.runs.get(run.id))]
    )

    def step() -> None:
        next(steps)()

    module.watch(
        client(terminal),
        asked(terminal, run.id),
        show_log=None,
        show_state=told.append,
        keep_ticking=step,
        pause=lambda _: None,
    )
    assert [change.status for change in told] == ["due", "launching", "succeeded"]


def test_logs_are_of_the_run_or_of_the_schedule_s_newest_that_started(terminal: Terminal) -> None:
    run = terminal.end(
        terminal.launch(terminal.operations.runs.run_now(terminal.scheduled("daily"))), b"\xff\x1b[1mraw\n"
    )
    waiting = terminal.operations.runs.run_now("daily")
    for name in ("daily", run.id, run.id[:8]):
        assert terminal("logs", name).stdout == "\ufffd\x1b[1mraw\n"
    result = terminal("logs", waiting.id)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "○ Waiting.\n")


def test_a_run_is_done_once_more(terminal: Terminal) -> None:
    run = terminal.end(terminal.launch(terminal.operations.runs.run_now(terminal.scheduled("daily"))), **FAILED)
    again = terminal.json("retry", "daily")
    assert (again["trigger"], again["scheduled_for"]) == ("retry", "2026-11-24T12:00:00Z")
    assert again["run_id"] != run.id
    assert f"Run {again['run_id'][:8]}" not in terminal("retry", run.id[:8]).stdout
    assert terminal.refusal("retry", again["run_id"])["code"] == "run_not_ended"


@pytest.mark.parametrize("follow", [(), ("-f",)])
def test_logs_for_programs_are_one_object(terminal: Terminal, follow: tuple[str, ...]) -> None:
    terminal.scheduled("daily")
    run = terminal.end(terminal.launch(terminal.operations.runs.run_now("daily")), b"a\n\xff")
    told = terminal.json("logs", *follow, "daily")
    assert told == {"run_id": run.id, "schedule": "daily", "status": "succeeded", "log": "a\n\ufffd"}


def test_logs_of_a_schedule_are_its_newest_run_s(terminal: Terminal) -> None:
    schedule = terminal.operations.schedules.get(terminal.scheduled("daily"))
    for number in (2, 3, 1):
        later = NOON + timedelta(minutes=number)
        run = make_run(schedule, key=f"manual:{number}", created_at=later, scheduled_for=later)
        terminal.operations.store.runs.add(run, actor="local")
        terminal.end(terminal.launch(run), b"%d\n" % number)
    assert terminal("logs", "daily").stdout == "3\n"


def test_ctrl_c_ends_logs_f_alone(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    run = terminal.launch(terminal.operations.runs.run_now(terminal.scheduled("daily")), b"so far\n")
    monkeypatch.setattr("time.sleep", interrupted)
    result = terminal("logs", "-f", "daily")
    assert (result.exit_code, result.stdout) == (130, "so far\n")
    assert "its results wait" in result.stderr
    assert terminal.operations.runs.get(run.id).status is RunStatus.LAUNCHING


def test_logs_f_of_an_ended_run_shows_all_of_it_and_ends(terminal: Terminal) -> None:
    terminal.end(terminal.launch(terminal.operations.runs.run_now(terminal.scheduled("daily")), b"a\n"), b"a\nb\n")
    assert terminal("logs", "-f", "daily").stdout == "a\nb\n"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("daily", "“daily” has not run yet. Run it now:  jupyter schedule run daily --wait"),
        ("dialy", "There is no schedule “dialy”. Did you mean “daily”?"),
        ("0123abcd", "There is no run “0123abcd”. `jupyter schedule runs` lists them."),
    ],
)
def test_a_run_that_is_not_there_is_refused_with_what_to_do(terminal: Terminal, name: str, said: str) -> None:
    terminal.scheduled("daily")
    assert terminal("logs", name).stderr == f"Error: {said}\n"
    assert terminal.refusal("outputs", name)["message"] == said


def test_what_a_person_typed_commands_no_terminal(terminal: Terminal) -> None:
    said = terminal("logs", "a\nb\x1b[31m").stderr
    assert said.startswith("Error: There is no schedule “a\\nb\\x1b[31m”.")
    assert said.count("\n") == 1


def test_a_service_runs_while_one_waits_when_nobody_ticks() -> None:
    said: list[str] = []
    with service.TemporaryService(lambda: False, said.append, UNTIL_STDIN_CLOSES) as waiting:
        waiting.ensure()
        waiting.ensure()
        child = waiting._child
        assert child is not None
        assert child.poll() is None
    assert child.returncode == 0
    assert said == ["No scheduler service is running; one runs until this run is over."]


def test_no_service_is_started_beside_one_that_ticks() -> None:
    ticking, said = [True], list[str]()
    with service.TemporaryService(lambda: ticking[0], said.append, UNTIL_STDIN_CLOSES) as waiting:
        waiting.ensure()
        beside = waiting._child
        assert beside is None
        ticking[0] = False
        waiting.ensure()
        assert waiting._child is not None
    assert len(said) == 1


def test_a_service_that_ends_says_why() -> None:
    broken = (sys.executable, "-c", "import sys; sys.exit('the disk is full')")
    with service.TemporaryService(lambda: False, lambda _: None, broken) as waiting:
        waiting.ensure()
        assert waiting._child is not None
        waiting._child.wait()
        with pytest.raises(Refused, match=r"^The scheduler service ended: the disk is full$") as refused:
            waiting.ensure()
    assert refused.value.code == "service_ended"
