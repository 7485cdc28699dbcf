"""What an operator can set, in a TOML file; without one the service takes what the embedded default uses."""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.places import Places, default_places


class Settings(BaseModel):
    """The service's settings; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: the ledger, the work area, the lock and the workers' scratch folders are here
    folder: Path = Field(default_factory=lambda: default_places().folder)
    #: runs that may go at once
    max_running: int = Field(default=4, ge=1)

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
