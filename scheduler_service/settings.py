"""What an operator can set, in a TOML file; without one the service takes what the embedded default uses."""

import os
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ByteSize, ConfigDict, Field, ValidationError, model_validator

from jupyter_schedule.core.areas import FOLDERS, SETTINGS, Areas, read_settings, wrong_settings
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.places import Places, default_places
from scheduler_service.launchers.ec2.settings import Ec2Settings


class RunLimits(BaseModel):
    """What one run may use of this machine; without a setting, as much as there is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: bytes, or such as "4 GiB"
    memory: ByteSize | None = Field(default=None, ge=16 * 1024 * 1024)
    cpus: float | None = Field(default=None, ge=0.1)
    #: what it may write into its output folder
    output: ByteSize | None = Field(default=None, ge=1)


class Settings(BaseModel):
    """The service's settings; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: the ledger unless `store` is set, the work area, the lock and the workers' scratch folders are here
    folder: Path = Field(default_factory=lambda: default_places().folder)
    #: the ledger's address when it isn't a file in that folder: `postgresql://user@host/database`
    store: str | None = Field(default=None, repr=False)
    #: runs that may go at once
    max_running: int = Field(default=4, ge=1)
    #: what one run on this machine may use
    limits: RunLimits = RunLimits()
    #: the least that a count may be in what becomes public
    smallest_cell: int = Field(default=5, ge=1)
    #: where files and publications go when not to folders
    areas: Areas = FOLDERS
    #: machines of one's own for runs whose launcher is `ec2`
    ec2: Ec2Settings | None = None

    @model_validator(mode="after")
    def _machines_reach_the_work_area(self) -> Self:
        if self.ec2 is not None and not (self.areas.work or "").startswith("s3:"):
            raise ValueError("machines on EC2 need a work area that they reach: set areas.work to s3://bucket/prefix")
        return self

    @property
    def places(self) -> Places:
        """Where things are."""
        return Places(self.folder.absolute(), self.store)


def load_settings(path: Path | None, folder: Path | None = None) -> Settings:
    """The settings in a file, else those in `service.toml` of the folder with the ledger, else the defaults.

    folder: stands for the one that the settings name.  Raises Refused with a sentence for each thing that is wrong.
    """
    inside = (folder or default_places().folder) / SETTINGS
    if path is None and inside.exists():
        path = inside
    given = {} if path is None else read_settings(path)
    try:
        settings = Settings.model_validate(given)
    except ValidationError as problem:
        assert path is not None
        known = ", ".join(Settings.model_fields)
        raise Refused("settings_wrong", f"{wrong_settings(path, problem).message}  Settings are {known}.") from None
    return settings.model_copy(update={"folder": folder}) if folder else settings


def show_to_doors(path: Path, folder: Path) -> None:
    """Let `service.toml` in the folder be the settings that the service runs with: every door reads them there.

    Raises Refused `two_settings` when other settings are there.
    """
    inside = folder / SETTINGS
    if inside.exists() and inside.resolve() == path.resolve():
        return
    if inside.exists() and not inside.is_symlink():
        message = f"There are two settings, {path} and {inside}: keep the second, which every door reads, or remove it."
        raise Refused("two_settings", message)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    link = inside.with_name(f".{SETTINGS}-{os.getpid()}")
    link.symlink_to(path.resolve())
    link.replace(inside)
