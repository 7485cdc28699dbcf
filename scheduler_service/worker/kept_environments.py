"""Environments that are kept: packed beside the run that they were made for, fetched and unpacked for the next one.

They are kept compiled, which is where the time goes, and can be moved.  What is packed is a copy that was taken before
the analysis began, so that nothing that the analysis installs or changes gets into the next run.
"""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from jupyter_schedule.core.storage.factory import NoSuchObject, ObjectStorage
from scheduler_service.worker.environments import EnvironmentPlan, PlannedEnvironment, Say
from scheduler_service.worker.files import remove_folder

#: seconds that a run which has ended waits for what it made to be packed and stored
LIMIT = 180.0
#: bytes that have to be free for packing anything
ROOM = 2_000_000_000
#: store a file under a name, in place of what is there
Keep = Callable[[str, Path], None]
#: programs that pack, the better first; what unpacks knows them by the file's first bytes
_PACKERS = (("zstd", "zstd -3 -T0"), ("gzip", "gzip -1"))


def fetch_kept(plan: EnvironmentPlan, objects: ObjectStorage, prefix: str, folder: Path, say: Say) -> EnvironmentPlan:
    """The same plan with the archives that were kept under `prefix`, fetched into `folder`.

    What can't be fetched is made: a worker's role is refused what isn't there.
    """

    def fetched(planned: PlannedEnvironment) -> PlannedEnvironment:
        archive = folder / f"{planned.name}.packed"
        if planned.kept_as:
            with suppress(OSError, NoSuchObject):
                objects.fetch(prefix + planned.kept_as, archive)
                return replace(planned, archive=str(archive))
            archive.unlink(missing_ok=True)
        return planned

    found = replace(plan, environments=[fetched(planned) for planned in plan.environments])
    if names := [planned.name for planned in found.environments if planned.archive]:
        say(f"using the kept environment of the {' and the '.join(names)}")
    return found


class Packer:
    """Packs what was made while the run goes on, at the lowest priority."""

    def __init__(self, made: Iterable[PlannedEnvironment], folder: Path, keep: Keep) -> None:
        """Copy what was made into `folder`, which nobody but us may look into; packing begins at once.

        The copies share their files with what the run uses, so that they take no time and no room; a run that isn't
        ours may replace those, and change none.
        """
        self._keep = keep
        self._folder = folder
        self._copies: list[tuple[PlannedEnvironment, Path]] = []
        with suppress(OSError, subprocess.SubprocessError):
            folder.mkdir(mode=0o700)
            for planned in made:
                copy = folder / planned.name
                subprocess.run(["cp", "-al", planned.folder, copy], check=True, capture_output=True, timeout=LIMIT)
                if copy.is_symlink():
                    # whoever made it put a link in its place, to what only we may read
                    continue
                if os.geteuid() == 0:
                    own = f"{os.geteuid()}:{os.getegid()}"
                    subprocess.run(["chown", "-Rh", own, copy], check=True, capture_output=True, timeout=LIMIT)
                self._copies.append((planned, copy))
        self._thread = threading.Thread(target=self._pack_all, daemon=True, name="packer")
        self._thread.start()

    def finish(self) -> None:
        """Wait until all is kept, as long as is worth it: the next run makes what isn't."""
        self._thread.join(LIMIT)

    def _pack_all(self) -> None:
        for planned, copy in self._copies:
            with suppress(OSError, subprocess.SubprocessError):
                if shutil.disk_usage(self._folder).free < ROOM:
                    # the room that there is is the analysis's
                    return
                packed = self._folder / f"{planned.name}.packed"
                pack(copy, packed)
                self._keep(planned.kept_as, packed)
                packed.unlink(missing_ok=True)
            remove_folder(copy)


def pack(folder: Path, packed: Path) -> None:
    """Pack what is in `folder`.  Raises OSError and SubprocessError."""
    program = next(command for name, command in _PACKERS if shutil.which(name))
    tar = ["tar", "-c", "-C", str(folder), "-f", str(packed), f"--use-compress-program={program}", "."]
    subprocess.run(["nice", "-n", "19", *tar], check=True, capture_output=True, timeout=10 * LIMIT)
