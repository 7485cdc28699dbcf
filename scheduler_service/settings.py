"""What an operator can set, in a TOML file; without one the service takes what the embedded default uses."""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ByteSize, ConfigDict, Field, ValidationError

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.places import Places, default_places


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

    #: the ledger, the work area, the lock and the workers' scratch folders are here
    folder: Path = Field(default_factory=lambda: default_places().folder)
    #: runs that may go at once
    max_running: int = Field(default=4, ge=1)
    #: what one run on this machine may use
    limits: RunLimits = RunLimits()

    @property
    def places(self) -> Places:
        """Where things are."""
        return Places(self.folder.absolute())


def load_settings(path: Path | None) -> Settings:
    """The settings in a file, or the defaults.  Raises Refused with a sentence for each thing that is wrong."""
    if path is None:
        return Settings()
    try:
        return Settings.model_validate(tomllib.loads(path.read_text()))
    except OSError as problem:
        raise Refused("settings_unreadable", f"{path} can't be read: {problem.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise Refused("settings_malformed", f"{path} isn't TOML: {problem}.") from None
    except ValidationError as problem:
        wrong = "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in problem.errors())
        known = ", ".join(Settings.model_fields)
        raise Refused("settings_wrong", f"{path}: {wrong}.  Settings are {known}.") from None
