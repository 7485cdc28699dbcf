"""The last lines of a run's log, without what mustn't leave the machine in a message."""

import re
from collections.abc import Mapping

from jupyter_schedule.core.models import Run
from jupyter_schedule.core.object_keys import LOG
from jupyter_schedule.core.operations.run_files import RunFiles
from jupyter_schedule.core.storage.factory import NoSuchObject, ObjectStorage
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.text import strip_escapes
from scheduler_service.disclosure.secrets import find_secret
from scheduler_service.worker.text import LEFT_OUT, mask_values

#: lines that a message has, and signs of each
LINES = 20
LONGEST = 300
#: bytes that are read, so that a key which begins above the last lines is known as one
READ = 32_000
_KEY = re.compile(r"-----(BEGIN|END) [A-Z0-9 ]*PRIVATE KEY")


def select_last_lines(text: str, known: Mapping[str, str]) -> list[str]:
    """The last lines of a log that say something, each with its secrets left out.

    known: values that nobody may see, by the names that are shown in their place.
    """
    shown: list[str] = []
    in_key = False
    for raw in strip_escapes(text).replace("\r\n", "\n").split("\n"):
        # what a progress bar showed last
        line = raw.rstrip("\r").rpartition("\r")[2].rstrip()
        marked = [match[1] for match in _KEY.finditer(line)]
        if in_key or marked:
            if not in_key or "END" in marked:
                shown.append(LEFT_OUT.format("a private key"))
            in_key = marked[-1] == "BEGIN" if marked else in_key
        elif line:
            shown.append(_without_secrets(line, known))
    return shown[-LINES:]


def _without_secrets(line: str, known: Mapping[str, str]) -> str:
    line = mask_values(line, known)
    secret = find_secret(line)
    if secret is not None:
        return LEFT_OUT.format(f"a line with {secret}")
    visible = "".join(sign if sign.isprintable() else " " for sign in line)
    return visible if len(visible) <= LONGEST else f"{visible[:LONGEST]}…"


def read_log_end(store: Store, objects: ObjectStorage, run: Run) -> str:
    """The last bytes of what the run printed, as text; empty when it printed nothing, or nobody kept it.

    Raises OSError when the objects are away.
    """
    files = RunFiles(store, objects)
    key = files.key(run, LOG)
    size = objects.size(key)
    if size is None:
        return b"".join(files.log_pieces(run)).decode(errors="replace")[-READ:]
    try:
        with objects.open(key) as stream:
            if stream.seekable():
                stream.seek(max(0, size - READ))
            end = b""
            while block := stream.read(1024 * 1024):
                end = (end + block)[-READ:]
    except NoSuchObject:
        return ""
    return end.decode(errors="replace")
