"""A schedule as it was: an older version becomes the newest again."""

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Schedule
from jupyter_schedule.core.operations.operations import Operations


def roll_back(
    operations: Operations, name: str, number: int, *, if_version: int, public_confirmed: bool = False
) -> Schedule:
    """Record a new version that does what version `number` did; nothing of what lies between is lost.

    public_confirmed: the person has said that they checked what will be public.
    Raises Refused `no_such_version`, `current_version`, and what an edit raises: `changed_elsewhere` when the schedule
    is no longer at version `if_version`, `public_unconfirmed` when that would make public what isn't now.
    """
    operations.check_version(operations.schedule(name), if_version)
    version = operations.version(name, number)
    if number == if_version:
        raise Refused("current_version", f"“{name}” does what version {number} says already.", "version")
    return operations.edit(name, version.spec, if_version=if_version, public_confirmed=public_confirmed)
