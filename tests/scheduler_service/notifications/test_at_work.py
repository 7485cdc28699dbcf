"""Word of real runs, by a real service, to a mail server and a webhook."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_schedule.core import clock
from jupyter_schedule.core.models import NotificationEvent, Notify, Policies, Run
from scheduler_service.notifications.deliver import LEASE
from tests.engine import Engine, eventually
from tests.receivers import PASSWORD, TOKEN, Hook, Mailbox, mail_server, webhook

CANARY = "canary-in-the-log-3"
ALL = Notify(channels=("mail", "hook"), on=tuple(NotificationEvent))


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as mailbox:
        yield mailbox


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook() as hook:
        yield hook


@pytest.fixture
def engine(tmp_path: Path, mailbox: Mailbox, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """A deployment with two channels."""
    monkeypatch.setenv("TO_MAIL", mailbox.address)
    monkeypatch.setenv("TO_HOOK", hook.address)
    monkeypatch.setenv("GIVEN", CANARY)
    engine = Engine(tmp_path)
    settings = '[notifications]\nmail = { variable = "TO_MAIL" }\nhook = { variable = "TO_HOOK" }\n'
    (engine.places.folder / "service.toml").write_text(settings)
    engine.operations.context.channels = ("mail", "hook")
    return engine


def has_told(hook: Hook, *titles: str) -> bool:
    return [body["title"] for _, body in hook.got] == list(titles)


def test_a_failure_and_the_recovery_are_told_by_mail_and_webhook(
    engine: Engine, mailbox: Mailbox, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    flag = engine.root / "mended"
    script = f'test -e {flag} && exit 0; echo "reading"; echo "with $GIVEN"; echo "password=canary-77!"; exit 3'
    engine.script("flaky", script, notify=ALL, env=("GIVEN",))
    with engine.service():
        failed = engine.ended(engine.run("flaky"))
        eventually(lambda: len(mailbox.mails) == len(hook.got) == 1, what="word of the failure")
        flag.touch()
        engine.ended(engine.run("flaky"))
        eventually(lambda: len(mailbox.mails) == len(hook.got) == 2, what="word of the success")
    assert has_told(hook, "“flaky” failed", "“flaky” succeeded for the first time")
    text = hook.bodies[0]
    assert failed.message is not None
    assert text.startswith(failed.message)
    assert "  reading\n  with [left out: GIVEN]\n  [left out: a line with a password or token]" in text
    assert f"Results: file://{engine.root}/published/flaky/data/" in text
    assert [mail["X-Message-Id"] for mail in mailbox.mails] == hook.numbers
    assert text.endswith(f"Message {hook.numbers[0]}")
    said = caplog.text + text + "".join(mail.as_string() for mail in mailbox.mails)
    assert not any(secret in said for secret in (PASSWORD, TOKEN, CANARY, "canary-77"))


def test_what_a_run_was_given_is_in_no_message_not_even_where_it_is_the_reason(
    engine: Engine, mailbox: Mailbox, hook: Hook
) -> None:
    engine.script("leaky", '"$GIVEN"', notify=ALL, env=("GIVEN",))
    with engine.service():
        failed = engine.ended(engine.run("leaky"))
        eventually(lambda: len(mailbox.mails) == len(hook.got) == 1, what="word of the failure")
    assert failed.message is not None
    assert failed.message.startswith("[left out: GIVEN] was not found (exit code 127)")
    assert hook.bodies[0].startswith(failed.message)
    assert CANARY not in hook.bodies[0] + mailbox.mails[0].as_string()


def test_a_failure_and_the_pause_after_it_are_told(engine: Engine, hook: Hook) -> None:
    notify = Notify(channels=("hook",))
    schedule = engine.script(
        "broken", "exit 3", notify=notify, policies=Policies(pause_after=1), timing={"cron": "* * * * *"}
    )
    with engine.service(lambda: clock.now() + timedelta(minutes=1)):
        eventually(lambda: has_told(hook, "“broken” failed", "“broken” paused itself"), what="both")
    assert "jupyter schedule resume broken" in hook.bodies[1]
    paused = engine.store.schedules.get(schedule.id)
    assert paused is not None
    assert paused.state == "paused"


def test_a_channel_that_never_answers_keeps_no_run_and_no_other_channel_waiting(
    engine: Engine, mailbox: Mailbox, hook: Hook
) -> None:
    hook.answers.clear()
    engine.script("broken", "exit 3", notify=ALL)
    engine.script("fine", "true")
    with engine.service():
        engine.ended(engine.run("broken"))
        eventually(lambda: hook.asked, what="a request that isn't answered")
        engine.ended(engine.run("fine"))
        eventually(lambda: mailbox.mails, what="the mail")
        assert hook.got == []
        hook.answers.set()


def test_a_service_that_is_killed_while_it_sends_sends_once_more_with_the_same_number(
    engine: Engine, hook: Hook
) -> None:
    (engine.places.folder / "service.toml").rename(engine.root / "channels.toml")
    settings = (engine.root / "channels.toml").read_text()
    hook.answers.clear()
    engine.script("broken", "exit 3", notify=Notify(channels=("hook",)))
    with engine.service_process(more=settings):
        run = engine.ended(engine.run("broken"))
        eventually(lambda: hook.asked, what="a request")
    hook.answers.set()
    eventually(lambda: hook.got, what="the first message")
    (engine.places.folder / "service.toml").unlink()
    (engine.root / "channels.toml").rename(engine.places.folder / "service.toml")
    with engine.service(lambda: clock.now() + timedelta(seconds=LEASE + 1)):
        eventually(lambda: len(hook.got) == 2, what="the second message")
    assert len(set(hook.numbers)) == 1
    assert hook.bodies[0] == hook.bodies[1]
    assert run.id[:8] in hook.bodies[0]


def test_what_is_given_up_is_told_to_the_owner(engine: Engine, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduler_service.notifications.deliver.MOST", 1)
    hook.status = 403
    engine.script("broken", "exit 3", notify=Notify(channels=("hook",)))
    with engine.service():
        run: Run = engine.ended(engine.run("broken"))
        lost = eventually(lambda: engine.store.outbox.list_failed(run.created_at), what="what was given up")
    assert [(each.channel, each.given_up, "403" in each.trouble) for each in lost] == [("hook", True, True)]
