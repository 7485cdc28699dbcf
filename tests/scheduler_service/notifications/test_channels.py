"""Channels on real receivers: good, down, slow and refusing ones; and no part of an address is ever told."""

import io
import json
import logging
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from jupyter_schedule.core.config import Channel
from jupyter_schedule.core.errors import Refused
from scheduler_service.notifications.channels import (
    AppriseChannel,
    MessageSender,
    PermanentRefusal,
    open_channel,
    open_channels,
)
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
        open_channel("ops", channel)
    assert TOKEN not in refused.value.message


def test_what_apprise_says_is_told_without_any_part_of_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = opened(monkeypatch, f"mailtos://robot:a%40{PASSWORD}@mail.here.test/?to=ann@here.test")
    assert isinstance(channel, AppriseChannel)
    said = channel._told(
        [f"robot at mail.here.test with a%40{PASSWORD}, a@{PASSWORD}\n was refused: 535 wrong password"]
    )
    assert said == "… at … with …, … was refused: 535 wrong password"


def test_mail_to_another_machine_is_encrypted_unless_an_operator_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where an address asks for it by its options only."""
    for address in (
        "mailto://robot:pw-pw@mail.here.test/?to=ann@here.test",
        "mailto://robot@mail.here.test/?to=a@b.test",
    ):
        monkeypatch.setenv("WORD", address)
        with pytest.raises(Refused, match=r"unencrypted\. Begin the address with mailtos://"):
            open_channel("ops", Channel(variable="WORD"))
        open_channel("ops", Channel(variable="WORD", unencrypted=True))
    for address in (
        "mailtos://robot:pw-pw@mail.here.test/?to=a@b.test",
        "mailto://robot@mail.here.test/?mode=starttls&to=a@b.test",
    ):
        opened(monkeypatch, address)


def test_a_channel_that_cannot_be_used_stops_nothing_and_comes_back_when_it_is_mended(
    monkeypatch: pytest.MonkeyPatch, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("WORD", raising=False)
    monkeypatch.setenv("OTHER", hook.address)
    channels = open_channels({"ops": Channel(variable="WORD"), "team": Channel(variable="OTHER")})
    assert "action=channel_disabled channel=ops" in caplog.text
    assert channels["team"].send(MESSAGE) is None
    assert "the variable WORD isn't set" in (channels["ops"].send(MESSAGE) or "")
    monkeypatch.setenv("WORD", hook.address)
    assert channels["ops"].send(MESSAGE) is None


class Chat:
    """Discord and Telegram, as strict about the length of a message as they are."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken: list[tuple[str, str]] = []
        self.refuses: dict[str, int] = {}
        self.asked: list[str] = []

    def request(self, _session: Any, method: str, url: str, **options: Any) -> requests.Response:
        assert method.upper() == "POST"
        payload = options.get("json") or options.get("data") or {}
        payload = json.loads(payload) if isinstance(payload, str | bytes) else payload
        text = str(payload.get("content") or payload.get("text"))
        to = str(payload.get("chat_id", ""))
        self.asked.append(to)
        answer = requests.Response()
        answer.url = url
        answer.status_code = 400 if len(text) > self.limit else self.refuses.get(to, 200)
        answer._content = b'{"ok": true, "result": {"message_id": 1}}' if answer.status_code == 200 else b"{}"
        if answer.status_code == 200:
            self.taken.append((to, text))
        return answer


def _asks(chat: Chat) -> Callable[..., requests.Response]:
    """A function, which a class binds as a method."""

    def request(session: requests.Session, method: str, url: str, **options: Any) -> requests.Response:
        return chat.request(session, method, url, **options)

    return request


@pytest.mark.parametrize(
    ("address", "limit"),
    [
        ("discord://123456789012345678/abcdefghijklmnopqrstuvwxyz", 2000),
        ("tgram://123456789:abcdefg_hijklmnop/12345", 4096),
    ],
)
def test_a_failure_with_a_long_log_arrives_where_messages_are_short(
    address: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = Chat(limit)
    lines = "\n".join(f"  {number:02} " + "x" * 296 for number in range(20))
    long = replace(MESSAGE, body=f"The cell failed.\n\n{lines}\n\nMessage 6f1c")
    monkeypatch.setattr(requests.Session, "request", _asks(chat))
    assert opened(monkeypatch, address).send(long) is None
    assert any("The cell failed." in text for _, text in chat.taken[:2])
    assert "Message 6f1c" in chat.taken[-1][1]


def test_each_recipient_gets_a_message_once_and_a_refusal_for_good_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chat = Chat(4096)
    monkeypatch.setattr(requests.Session, "request", _asks(chat))
    channel = opened(monkeypatch, "tgram://123456789:abcdefg_hijklmnop/111/222/333")
    chat.refuses = {"222": 503, "333": 400}
    trouble = channel.send(MESSAGE)
    assert trouble is not None
    assert not isinstance(trouble, PermanentRefusal)
    chat.refuses = {"333": 400}
    assert channel.send(MESSAGE) is None
    assert sorted(chat.asked) == ["111", "222", "222", "333"]
    chat.refuses = {"111": 400, "222": 404, "333": 400}
    assert isinstance(channel.send(replace(MESSAGE, id="other")), PermanentRefusal)
