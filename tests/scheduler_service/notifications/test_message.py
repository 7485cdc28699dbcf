"""What a notification says, and what of a log it may tell: no key, no password, no terminal's commands."""

from typing import Any

import pytest

from jupyter_schedule.core.models import Notification, NotificationEvent, Run, RunStatus, Timing, Visibility
from scheduler_service.notifications.message import LINES, LONGEST, Message, build_message, select_last_lines
from tests.factories import NOON, make_run, make_schedule, make_spec


def shown(text: str) -> str:
    return text.replace("canary", "[left out]")


def told(
    occasion: NotificationEvent, run: dict[str, Any] | None = None, log: tuple[str, ...] = (), **spec: Any
) -> Message:
    ended = {"status": RunStatus.FAILED, "message": "KeyError in cell 7: 'region'", "ended_at": NOON}
    details = {
        NotificationEvent.SILENCE: {"by": "2026-11-24T08:00:00Z"},
        NotificationEvent.AUTO_PAUSE: {"note": "its last 3 runs failed"},
    }.get(occasion, {})
    word = Notification(message_id="6f1c", run_id="x", occasion=occasion, channel="ops", details=details)
    return build_message(
        word, a_run(**ended | (run or {})), make_spec(**{"publication_base": "file:///p"} | spec), log, shown
    )


def a_run(**changes: Any) -> Run:
    return make_run(make_schedule()).model_copy(update=changes)


@pytest.mark.parametrize(
    ("occasion", "title", "good"),
    [
        (NotificationEvent.FAILURE, "“daily” failed", False),
        (NotificationEvent.TIME_OUT, "“daily” was stopped: it took too long", False),
        (NotificationEvent.RECOVERY, "“daily” succeeded again", True),
        (NotificationEvent.FIRST_SUCCESS, "“daily” succeeded for the first time", True),
        (NotificationEvent.AUTO_PAUSE, "“daily” paused itself", False),
        (NotificationEvent.SILENCE, "Nothing of “daily” was published by 08:00 on Tue 24 Nov", False),
    ],
)
def test_the_title_says_what_happened(occasion: NotificationEvent, title: str, good: bool) -> None:
    said = told(occasion)
    assert (said.title, said.good, said.id) == (title, good, "6f1c")
    assert said.body.endswith("\n\nMessage 6f1c")


def test_the_text_says_why_how_the_log_ended_and_where_results_and_more_are() -> None:
    run = a_run()
    assert told(NotificationEvent.FAILURE, log=("one", "two")).body == (
        "KeyError in cell 7: 'region'\n\n"
        f"Run {run.id[:8]}, due 2026-11-24T12:00:00Z, ended 2026-11-24T12:00:00Z.\n\n"
        "The last lines of its log:\n  one\n  two\n\n"
        "Results: file:///p/daily/data/\n"
        f"More: jupyter schedule logs {run.id[:8]}\n\n"
        "Message 6f1c"
    )


@pytest.mark.parametrize("occasion", NotificationEvent)
def test_neither_the_title_nor_the_text_says_what_must_not_be_told(occasion: NotificationEvent) -> None:
    """Whatever is said of a run, by itself or where its schedule paused."""
    run = {"message": "ValueError at cell 2 of 3: canary"}
    if occasion != NotificationEvent.SILENCE:
        assert "ValueError at cell 2 of 3: [left out]" in told(occasion, run).body
    named = {"message": None, "schedule": "canary"}
    assert "canary" not in told(occasion, named).title + told(occasion, run).body


def test_good_news_need_no_log() -> None:
    assert "log" not in told(NotificationEvent.RECOVERY, log=("one",)).body


def test_a_pause_says_how_it_ends_and_a_silence_what_the_run_does() -> None:
    assert "its last 3 runs failed, it runs no more by itself" in told(NotificationEvent.AUTO_PAUSE).body
    assert "jupyter schedule resume daily" in told(NotificationEvent.AUTO_PAUSE).body
    going = {"status": RunStatus.RUNNING, "message": None, "ended_at": None}
    assert told(NotificationEvent.SILENCE, going).body.startswith("Its run is still going.")
    assert told(NotificationEvent.SILENCE, going | {"status": RunStatus.DUE}).body.startswith("Its run waits.")


def test_a_deadline_is_told_by_the_clocks_of_the_schedules_zone() -> None:
    berlin = Timing(cron="0 6 * * *", timezone="Europe/Berlin")
    assert told(NotificationEvent.SILENCE, timing=berlin).title.endswith("by 09:00 on Tue 24 Nov")
    assert told(NotificationEvent.SILENCE, timing=Timing(cron="0 6 * * *", timezone="Gone/Zone")).title.endswith(
        "08:00:00Z"
    )


def test_what_publishes_nothing_has_no_address() -> None:
    assert "Its results are kept with each run." in told(NotificationEvent.FAILURE, visibility=Visibility.NONE).body


KEY = "-----BEGIN RSA PRIVATE KEY-----"
END = "-----END RSA PRIVATE KEY-----"
LEFT = "[left out: a private key]"
BODY = [f"canary{number}MIIEowIBAAKCAQEA7bq98" for number in range(40)]


def test_the_last_lines_that_say_something_are_told() -> None:
    text = "\n".join(f"line {number}\n" for number in range(100))
    assert select_last_lines(text, {}) == [f"line {number}" for number in range(100 - LINES, 100)]
    assert select_last_lines("", {}) == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("\x1b[31mKeyError\x1b[0m: 'region'", "KeyError: 'region'"),
        ("10 %\r50 %\r100 %", "100 %"),
        ("100 %\r", "100 %"),
        ("bell\a and\x00more", "bell  and more"),
        ("x" * 1000, "x" * LONGEST + "…"),
        ("password=canary-99!x", "[left out: a line with a password or token]"),
        ("Authorization: Bearer canary.99x-abcdefghijklmnopq", "[left out: a line with a bearer token]"),
        ("postgresql://ann:canary99@host/base", "[left out: a line with a Basic Auth Credentials]"),
        ("it is canary-given, they say", "it is [left out: GIVEN], they say"),
    ],
)
def test_a_line_is_told_without_what_is_nobodys_business(line: str, told: str) -> None:
    lines = select_last_lines(line, {"GIVEN": "canary-given", "SHORT": "x"})
    assert "canary" not in "".join(lines)
    assert lines[0].startswith("[left out") if told.startswith("[left out") else lines == [told]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            ["before", KEY, *BODY, END, "after"],
            ["before", LEFT, LEFT, "after"],
        ),
        (["before", KEY, *BODY], ["before", LEFT]),
        ([KEY + " canary " + END, "after"], [LEFT, "after"]),
    ],
)
def test_a_private_key_is_left_out_also_where_its_end_is_missing(text: list[str], told: list[str]) -> None:
    assert select_last_lines("\n".join(text), {}) == told
