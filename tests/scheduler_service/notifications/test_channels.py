"""Channels on real receivers: good, down, slow and refusing ones; and no part of an address is ever told."""

import io
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_schedule.core.config import Channel
from jupyter_schedule.core.errors import Refused
from scheduler_service.notifications.channels import AppriseChannel, MessageSender, open_channels
from scheduler_service.notifications.message import Message
from tests.receivers import PASSWORD, TOKEN, Hook, Mailbox, mail_server, webhook

MESSAGE = Message("6f1c", "“daily” failed", "KeyError in cell 7: <b>'region'</b>\n\nMessage 6f1c", good=False)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as mailbox:
        yield mailbox


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook() as hook:
        yield hook


@pytest.fixture(autouse=True)
def _nothing_is_told() -> Iterator[None]:
    """Whatever happens, the log of a service that tells all it does has neither password nor token."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    root = logging.getLogger()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.INFO)
    yield
    root.setLevel(level)
    root.removeHandler(handler)
    said = written.getvalue()
    assert PASSWORD not in said
    assert TOKEN not in said


def opened(monkeypatch: pytest.MonkeyPatch, address: str) -> MessageSender:
    monkeypatch.setenv("WORD", address)
    return open_channels({"ops": Channel(variable="WORD")})["ops"]


def test_a_mail_has_title_text_and_number(monkeypatch: pytest.MonkeyPatch, mailbox: Mailbox) -> None:
    assert opened(monkeypatch, mailbox.address).send(MESSAGE) is None
    (mail,) = mailbox.mails
    assert (mail["Subject"], mail["X-Message-Id"], mail["To"]) == ("“daily” failed", "6f1c", "ann@here.test")
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().strip().startswith("KeyError in cell 7: <b>'region'</b>")


def test_a_webhook_gets_title_text_kind_and_number(monkeypatch: pytest.MonkeyPatch, hook: Hook) -> None:
    assert opened(monkeypatch, hook.address).send(MESSAGE) is None
    ((headers, body),) = hook.got
    assert (headers["X-Message-Id"], body["title"], body["message"]) == (MESSAGE.id, MESSAGE.title, MESSAGE.body)
    assert body["type"] == "failure"


def test_an_address_may_be_in_a_file(hook: Hook, tmp_path: Path) -> None:
    (tmp_path / "address").write_text(f"{hook.address}\n")
    assert open_channels({"team": Channel(file=tmp_path / "address")})["team"].send(MESSAGE) is None
    assert hook.numbers == ["6f1c"]


@pytest.mark.parametrize(
    "scheme",
    [
        f"json://127.0.0.1:{{port}}/{TOKEN}",
        f"mailto://ann:{PASSWORD}@127.0.0.1:{{port}}/?from=ann@b.test&to=a@b.test&mode=insecure",
    ],
)
def test_a_receiver_that_is_down_is_a_trouble(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        trouble = opened(monkeypatch, scheme.format(port=closed.getsockname()[1])).send(MESSAGE)
    assert trouble
    assert PASSWORD not in trouble
    assert TOKEN not in trouble


def test_a_receiver_that_does_not_answer_in_time_is_a_trouble(monkeypatch: pytest.MonkeyPatch, hook: Hook) -> None:
    hook.answers.clear()
    trouble = opened(monkeypatch, f"{hook.address}?rto=0.2").send(MESSAGE)
    assert trouble
    assert TOKEN not in trouble
    assert hook.asked == 1


@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_webhook_that_refuses_is_a_trouble_with_its_code(
    monkeypatch: pytest.MonkeyPatch, hook: Hook, status: int
) -> None:
    hook.status = status
    trouble = opened(monkeypatch, hook.address).send(MESSAGE)
    assert trouble
    assert str(status) in trouble


def test_a_mail_server_that_refuses_a_message_or_a_password_is_a_trouble(
    monkeypatch: pytest.MonkeyPatch, mailbox: Mailbox
) -> None:
    mailbox.answer = "550 no such person"
    assert opened(monkeypatch, mailbox.address).send(MESSAGE)
    wrong = opened(monkeypatch, mailbox.address.replace(PASSWORD, "canary-wrong")).send(MESSAGE)
    assert wrong
    assert "canary-wrong" not in wrong
    assert mailbox.mails == []


@pytest.mark.parametrize(
    ("channel", "value", "sentence"),
    [
        (Channel(variable="WORD"), None, "“ops” can't be used: the variable WORD isn't set"),
        (Channel(variable="WORD"), "  ", "the variable WORD isn't set"),
        (
            Channel(variable="WORD"),
            f"nonsense://{TOKEN}",
            "the variable WORD holds isn't an address that Apprise knows",
        ),
        (Channel(variable="WORD"), TOKEN, "isn't an address that Apprise knows"),
        (Channel(file=Path("/absent/file")), None, "the file /absent/file can't be read: No such file"),
    ],
)
def test_an_address_that_is_missing_or_wrong_is_refused_in_a_sentence_without_it(
    monkeypatch: pytest.MonkeyPatch, channel: Channel, value: str | None, sentence: str
) -> None:
    monkeypatch.delenv("WORD", raising=False)
    if value is not None:
        monkeypatch.setenv("WORD", value)
    with pytest.raises(Refused, match=sentence) as refused:
        open_channels({"ops": channel})
    assert TOKEN not in refused.value.message


def test_what_apprise_says_is_told_without_any_part_of_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = opened(monkeypatch, f"mailto://robot:a%40{PASSWORD}@mail.here.test/?to=ann@here.test")
    assert isinstance(channel, AppriseChannel)
    said = channel._told(
        [f"robot at mail.here.test with a%40{PASSWORD}, a@{PASSWORD}\n was refused: 535 wrong password"]
    )
    assert said == "… at … with …, … was refused: 535 wrong password"
