"""The paths of the embedded default, so that every client and the service find the same ones without a setting."""

from dataclasses import dataclass, field
from pathlib import Path

from jupyter_core.paths import jupyter_data_dir

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.storage.factory import FolderAddress


@dataclass(frozen=True)
class DataPaths:
    """One folder with the ledger, the objects' work area, and what the service needs on this machine."""

    folder: Path
    #: the address of a ledger that many share; it may hold a password
    shared_store: str | None = field(default=None, repr=False)

    @property
    def store(self) -> str:
        """The address of the store."""
        return self.shared_store or f"sqlite:///{self.ledger}"

    @property
    def ledger(self) -> Path:
        """The ledger's file, where many don't share one."""
        return self.folder / "ledger.sqlite3"

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
        """Held by the service that ticks."""
        return self.folder / "service.lock"

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
