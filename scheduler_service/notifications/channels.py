"""Channels by way of Apprise: its addresses name mail servers, webhooks, chats and a hundred services more.

https://appriseit.com lists them.  An address holds passwords, so neither it nor a part of it is ever told.
"""

import logging
import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from jupyter_schedule.core.config import Channel
from jupyter_schedule.core.errors import Refused
from scheduler_service.logfmt import logfmt
from scheduler_service.notifications.message import Message

if TYPE_CHECKING:
    import apprise

log = logging.getLogger(__name__)

#: seconds for which an answer is waited for, where the address names no time of its own, and for all of it
PATIENCE = 20.0
MOST = 60.0
#: by it a program that gets a message twice can tell
HEADER = "X-Message-Id"
#: signs that a service takes at least, to get a longer message in several; one that takes fewer gets the beginning
SPLIT_FROM = 1000
#: messages of which is remembered who has them
REMEMBERED = 500
#: an answer that refuses a message itself: HTTP's 4xx, but for those that ask for patience, and SMTP's 55x
_REFUSED = re.compile(r"(?:error|code|status|http)\W{0,3}(4\d\d|5[0-9]\d)\b|(?<!\d)(55[0-9])[ -]", re.IGNORECASE)
_LATER = frozenset({401, 403, 407, 408, 409, 421, 423, 425, 429})
#: the shortest part of an address that is taken out of what is told
SHORTEST = 4


class PermanentRefusal(str):
    """The sentence of a refusal that another try wouldn't change."""

    __slots__ = ()


class MessageSender(Protocol):
    """Takes messages to where somebody reads them."""

    def send(self, message: Message) -> str | None:
        """Send it; None when it arrived, else why it didn't: a PermanentRefusal when it never will."""


def open_channels(channels: Mapping[str, Channel]) -> dict[str, MessageSender]:
    """The channels that the settings name; one that can't be used says so of each message, and stops nothing else."""
    return {name: _open_or_disable(name, channel) for name, channel in channels.items()}


def open_channel(name: str, channel: Channel) -> "AppriseChannel":
    """The channel.  Raises Refused `channel_unusable` when it can't be used."""
    return AppriseChannel(read_address(name, channel), name, channel)


def _open_or_disable(name: str, channel: Channel) -> MessageSender:
    try:
        return open_channel(name, channel)
    except Refused as refusal:
        log.error(logfmt("channel_disabled", channel=name, message=refusal.message))
        return DisabledChannel(name, channel)


class DisabledChannel:
    """A channel that couldn't be used; each message looks whether it was mended meanwhile."""

    def __init__(self, name: str, channel: Channel) -> None:
        self._name = name
        self._channel = channel

    def send(self, message: Message) -> str | None:
        """Send it if the channel was mended, else tell what is wrong with it."""
        try:
            mended = open_channel(self._name, self._channel)
        except Refused as refusal:
            return refusal.message
        return mended.send(message)


def read_address(name: str, channel: Channel) -> str:
    """The channel's address.  Raises Refused when it isn't where the settings say."""
    if channel.variable is not None:
        found = os.environ.get(channel.variable, "")
        if not found.strip():
            raise _unusable(
                name, f"{channel.place} isn't set. Set it to an address of Apprise, such as jsons://HOST/PATH"
            )
        return found.strip()
    assert channel.file is not None
    try:
        return channel.file.read_text().strip()
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it isn't text"
        raise _unusable(name, f"{channel.place} can't be read: {why}") from None


class AppriseChannel:
    """One address."""

    def __init__(self, address: str, name: str, channel: Channel) -> None:
        """Raises Refused when Apprise doesn't know such an address."""
        # 24 MB, which a service without channels doesn't need
        import apprise  # noqa: PLC0415

        self._apprise = apprise
        self._address = address
        self._asset = apprise.AppriseAsset(
            app_id="jupyter-schedule", app_desc="jupyter-schedule", async_mode=False, storage_mode="memory"
        )
        self._hidden = {part for part in re.split(r"[:/@?&=+,;]+", address) if len(part) >= SHORTEST}
        self._hidden |= {unquote(part) for part in self._hidden}
        # it quotes addresses; what it has to say comes with each result
        logging.getLogger("apprise").propagate = False
        #: by message, those who have it or never will
        self._done: dict[str, set[str]] = {}
        plugin = self._opened()
        if plugin is None:
            raise _unusable(name, f"what {channel.place} holds isn't an address that Apprise knows")
        if _is_plain_mail(plugin) and not channel.unencrypted:
            why = "it sends mail and password unencrypted. Begin the address with mailtos://, or say unencrypted = true"
            raise _unusable(name, why)

    def send(self, message: Message) -> str | None:
        """Send it, once to each recipient; None when it was taken, else what Apprise says, without its address.

        Who has it, or refused it for good, isn't sent it again when another's has to be tried again.
        """
        plugin = self._opened()
        assert plugin is not None
        targets = getattr(plugin, "targets", None)
        if not isinstance(targets, list) or len(targets) < 2:
            return self._send(plugin, message)
        done = self._done.setdefault(message.id, set())
        while len(self._done) > REMEMBERED:
            del self._done[next(iter(self._done))]
        troubles = [trouble for target in targets if (trouble := self._send_to(target, message, done)) is not None]
        waiting = [trouble for trouble in troubles if not isinstance(trouble, PermanentRefusal)]
        if not waiting:
            del self._done[message.id]
        return next(iter(waiting or troubles), None)

    def _send_to(self, target: object, message: Message, done: set[str]) -> str | None:
        if repr(target) in done:
            return None
        plugin = self._opened()
        assert plugin is not None
        plugin.targets = [target]  # type: ignore[attr-defined]
        trouble = self._send(plugin, message)
        if trouble is None or isinstance(trouble, PermanentRefusal):
            done.add(repr(target))
        return trouble

    def _send(self, plugin: "apprise.plugins.NotifyBase", message: Message) -> str | None:
        headers = getattr(plugin, "headers", None)
        if isinstance(headers, dict):
            headers[HEADER] = message.id
        kinds = self._apprise.NotifyType
        result = self._apprise.Apprise(plugin, asset=self._asset).notify(
            title=message.title,
            body=message.body,
            notify_type=kinds.SUCCESS if message.good else kinds.FAILURE,
            body_format=self._apprise.NotifyFormat.TEXT,
            timeout=MOST,
        )
        return None if result else self._judged([entry.message for entry in result.logs()])

    def _judged(self, said: Sequence[str]) -> str:
        """Tell Apprise's words, as a PermanentRefusal when each answer that it got was one."""
        told = self._told(list(said))
        codes = [int(match[1] or match[2]) for line in said for match in _REFUSED.finditer(line)]
        mail = self._address.startswith("mailto")
        final = [code not in _LATER and (code < 500 or (mail and 550 <= code < 560)) for code in codes]
        return PermanentRefusal(told) if final and all(final) else told

    def _opened(self) -> "apprise.plugins.NotifyBase | None":
        plugin = self._apprise.Apprise.instantiate(self._address, asset=self._asset)
        if plugin is not None and "rto=" not in self._address:
            plugin.socket_read_timeout = max(plugin.socket_read_timeout, PATIENCE)
        if plugin is not None and "overflow=" not in self._address:
            modes = self._apprise.OverflowMode
            plugin.overflow_mode = modes.SPLIT if plugin.body_maxlen >= SPLIT_FROM else modes.TRUNCATE
        return plugin

    def _told(self, said: list[str]) -> str:
        text = " ".join(said[0].split()) if said else "It wasn't taken, and nothing was said."
        for hidden in sorted(self._hidden, key=len, reverse=True):
            text = text.replace(hidden, "…")
        return text[:300]


def _is_plain_mail(plugin: "apprise.plugins.NotifyBase") -> bool:
    """True when it sends mail without encryption to another machine."""
    mode = getattr(plugin, "secure_mode", None)
    if mode is None:
        return False
    host = str(getattr(plugin, "smtp_host", "") or getattr(plugin, "host", "") or "")
    here = host in {"localhost", "::1"} or host.startswith("127.")
    return getattr(mode, "value", mode) == "insecure" and not here


def _unusable(name: str, why: str) -> Refused:
    return Refused("channel_unusable", f"The channel “{name}” can't be used: {why}.")
