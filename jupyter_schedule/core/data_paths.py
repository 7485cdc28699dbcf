"""The paths of the embedded default, so that every client and the service find the same ones without a setting."""

from dataclasses import dataclass, field
from pathlib import Path

from jupyter_core.paths import jupyter_data_dir

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.storage.factory import FolderAddress

#: the ledger's file in the folder
LEDGER = "ledger.sqlite3"
#: how the address of a ledger in a file begins
_FILE = "sqlite:///"


@dataclass(frozen=True)
class DataPaths:
    """One folder with the ledger, the objects' work area, and what the service needs on this machine."""

    folder: Path
    #: the address that the settings give of the ledger; it may hold a password
    given_store: str | None = field(default=None, repr=False)

    @property
    def store(self) -> str:
        """The address of the store."""
        return self.given_store or f"sqlite:///{self.ledger}"

    @property
    def shared_store(self) -> str | None:
        """The address of a ledger for which any number of services tick; None of a file, for which one does."""
        return None if self.given_store is None or self.given_store.startswith(_FILE) else self.given_store

    @property
    def ledger(self) -> Path:
        """The ledger's file, where many don't share one."""
        if self.given_store is not None and self.given_store.startswith(_FILE):
            return Path(self.given_store.removeprefix(_FILE).partition("?")[0]).absolute()
        return self.folder / LEDGER

    @property
    def objects(self) -> str:
        """The address of the work area."""
        return FolderAddress(self.folder).url("objects")

    @property
    def published(self) -> str:
        """The address of results that neither a setting nor a Jupyter server sends elsewhere."""
        return FolderAddress(self.folder).url("published")

    @property
    def lock(self) -> Path:
        """Held by the service that ticks: beside the ledger's file, so that whoever opens that one meets it."""
        ledger = self.ledger.resolve()
        return ledger.with_name("service.lock" if ledger.name == LEDGER else f"{ledger.name}.lock")

    def make_private(self) -> None:
        """The folder is its owner's alone, also when somebody else made it.  Raises Refused when it can't be."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder.chmod(0o700)
        except OSError as problem:
            message = f"{self.folder} can't be used: {problem.strerror}. Make it, and what it is in, writable for us."
            raise Refused("store_unusable", message) from None


def default_data_paths() -> DataPaths:
    """Under Jupyter's data folder (`jupyter --data-dir`; JUPYTER_DATA_DIR moves it)."""
    return DataPaths(Path(jupyter_data_dir()).absolute() / "schedule")
