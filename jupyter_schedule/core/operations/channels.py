"""Channels as an operator names them in `service.toml`: every door knows the names, the service alone the addresses."""

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator

from jupyter_schedule.core.config import SETTINGS, read_settings, wrong_settings
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.text import listed, quoted

NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?")


class Channel(BaseModel):
    """Where the channel's address is found, which may hold a password and so isn't in the settings themselves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: the name of a variable in the service's environment
    variable: str | None = None
    #: a file with nothing else in it
    file: Path | None = None

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.variable is None) == (self.file is None):
            raise ValueError('name a variable or a file that holds the address, such as { variable = "WORD_TO_OPS" }')
        return self

    @property
    def place(self) -> str:
        """Where an operator mends it."""
        return f"the variable {self.variable}" if self.variable is not None else f"the file {self.file}"


def _named(channels: dict[str, Channel]) -> dict[str, Channel]:
    for name in channels:
        if not NAME.fullmatch(name):
            raise ValueError(f"{quoted(name)} isn't a channel's name: use small letters, digits, - and _, such as ops")
    return channels


Channels = Annotated[dict[str, Channel], AfterValidator(_named)]
_CHANNELS: TypeAdapter[dict[str, Channel]] = TypeAdapter(Channels)


def channels_in(folder: Path) -> tuple[str, ...]:
    """The names of the channels that the settings in that folder have.  Raises Refused when they can't be used."""
    path = folder / SETTINGS
    if not path.exists():
        return ()
    try:
        return tuple(_CHANNELS.validate_python(read_settings(path).get("channels", {})))
    except ValidationError as problem:
        raise wrong_settings(path, problem, "channels.") from None


def check_known(picked: tuple[str, ...], known: tuple[str, ...]) -> None:
    """All that were picked are there, or Refused `no_such_channel` names those that are."""
    missing = next((name for name in picked if name not in known), None)
    if missing is None:
        return
    there = f"Pick of {listed(known)}." if known else "Nobody has set up any here: ask whoever runs the service."
    raise Refused("no_such_channel", f"There is no channel {quoted(missing)}. {there}", "notify")
