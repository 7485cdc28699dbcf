"""The uv that machines make environments with: the service's own, so that their image needs neither pip nor venv."""

import gzip
import os
from functools import cache
from pathlib import Path

import uv

from jupyter_schedule.core.object_keys import uv_key
from jupyter_schedule.core.storage.factory import ObjectStorage, file_digest
from scheduler_service.worker.environments import DOWNLOADS

#: gzip's level: more takes three times as long for a tenth less
_LEVEL = 1


def describe_uv(objects: ObjectStorage) -> dict[str, object]:
    """The part of a machine's configuration by which it finds uv, and uv a Python; the program is stored by then.

    Which Pythons can be had is what uv's own variables say to the service.  Raises OSError.
    """
    program = Path(uv.find_uv_bin())
    digest = _digest(program)
    if objects.size(uv_key(digest)) is None:
        objects.put(uv_key(digest), gzip.compress(program.read_bytes(), _LEVEL, mtime=0))
    return {"uv_sha256": digest, "uv_variables": {name: os.environ[name] for name in DOWNLOADS if name in os.environ}}


@cache
def _digest(program: Path) -> str:
    return file_digest(program)
