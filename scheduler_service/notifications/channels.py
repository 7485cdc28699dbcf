"""Channels by way of Apprise: its addresses name mail servers, webhooks, chats and a hundred services more.

https://appriseit.com lists them.  An address holds passwords, so neither it nor a part of it is ever told.
"""

import logging
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from jupyter_schedule.core.config import Channel
from jupyter_schedule.core.errors import Refused
from scheduler_service.notifications.message import Message

if TYPE_CHECKING:
    import apprise

#: seconds for which an answer is waited for, where the address names no time of its own, and for all of it
PATIENCE = 20.0
MOST = 60.0
#: by it a program that gets a message twice can tell
HEADER = "X-Message-Id"
#: the shortest part of an address that is taken out of what is told
SHORTEST = 4


class MessageSender(Protocol):
    """Takes messages to where somebody reads them."""

    def send(self, message: Message) -> str | None:
        """Send it; None when it arrived, else why it didn't."""


def open_channels(channels: Mapping[str, Channel]) -> dict[str, MessageSender]:
    """The channels that the settings name.  Raises Refused `channel_unusable` for the first that can't be used."""
    return {name: AppriseChannel(read_address(name, channel), name, channel) for name, channel in channels.items()}


def read_address(name: str, channel: Channel) -> str:
    """The channel's address.  Raises Refused when it isn't where the settings say."""
    if channel.variable is not None:
        found = os.environ.get(channel.variable, "")
        if not found.strip():
            raise _unusable(name, f"{channel.place} isn't set. Set it to an address, as docs/notifications.md shows")
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
        if self._opened() is None:
            raise _unusable(name, f"what {channel.place} holds isn't an address that Apprise knows")

    def send(self, message: Message) -> str | None:
        """Send it, once; None when it was taken, else what Apprise says, without any part of the address."""
        plugin = self._opened()
        assert plugin is not None
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
        return None if result else self._told([entry.message for entry in result.logs()])

    def _opened(self) -> "apprise.plugins.NotifyBase | None":
        plugin = self._apprise.Apprise.instantiate(self._address, asset=self._asset)
        if plugin is not None and "rto=" not in self._address:
            plugin.socket_read_timeout = max(plugin.socket_read_timeout, PATIENCE)
        return plugin

    def _told(self, said: list[str]) -> str:
        text = " ".join(said[0].split()) if said else "It wasn't taken, and nothing was said."
        for hidden in sorted(self._hidden, key=len, reverse=True):
            text = text.replace(hidden, "…")
        return text[:300]


def _unusable(name: str, why: str) -> Refused:
    return Refused("channel_unusable", f"The channel “{name}” can't be used: {why}.")
