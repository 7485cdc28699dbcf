"""Where the embedded default keeps things, so that every door and the service find the same ones without a setting."""

import contextlib
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

from jupyter_core.paths import jupyter_data_dir

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.objects import FolderObjects

#: characters of the deployment's secret
SECRET_LENGTH = 64


@dataclass(frozen=True)
class Places:
    """One folder with the ledger, the objects' work area, and what the service needs on this machine."""

    folder: Path

    @property
    def store(self) -> str:
        """The address of the store."""
        return f"sqlite:///{self.folder}/ledger.sqlite3"

    @property
    def objects(self) -> str:
        """The address of the work area."""
        return FolderObjects(self.folder).url("objects")

    @property
    def lock(self) -> Path:
        """Held by the service that ticks."""
        return self.folder / "service.lock"

    def secret(self) -> bytes:
        """The deployment's secret, from which the names of attempts' objects are made; made on first use."""
        path = self.folder / "secret"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            # written beside its place and linked there: nobody ever reads half of it, and the first one wins
            with tempfile.NamedTemporaryFile(dir=self.folder, prefix="secret-") as half:
                half.write(secrets.token_hex(SECRET_LENGTH // 2).encode())
                half.flush()
                with contextlib.suppress(FileExistsError):
                    os.link(half.name, path)
        secret = path.read_bytes()
        if len(secret) < SECRET_LENGTH:
            message = f"{path} is damaged. Remove it; runs that are open now will be started again."
            raise Refused("secret_damaged", message)
        return secret

    def make_private(self) -> None:
        """The folder is its owner's alone, also when somebody else made it."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)


def default_places() -> Places:
    """Under Jupyter's data folder (`jupyter --data-dir`; JUPYTER_DATA_DIR moves it)."""
    return Places(Path(jupyter_data_dir()).absolute() / "schedule")
