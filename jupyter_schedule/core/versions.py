"""A schedule as it was: an older version becomes the newest again."""

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Schedule
from jupyter_schedule.core.operations import Operations


def roll_back(operations: Operations, name: str, number: int, *, if_version: int) -> Schedule:
    """Record a new version that does what version `number` did; nothing of what lies between is lost.

    Raises Refused `no_such_version`, `current_version`, and what an edit raises: `changed_elsewhere` when the schedule
    is no longer at version `if_version`, `public_unconfirmed` when that would make public what isn't now.
    """
    operations.check_version(operations.schedule(name), if_version)
    versions = {version.version: version for version in operations.versions(name)}
    if number not in versions:
        message = f"“{name}” has no version {number}. `jupyter schedule versions {name}` lists them."
        raise Refused("no_such_version", message, "version")
    if number == if_version:
        raise Refused("current_version", f"“{name}” does what version {number} says already.", "version")
    return operations.edit(name, versions[number].spec, if_version=if_version)
