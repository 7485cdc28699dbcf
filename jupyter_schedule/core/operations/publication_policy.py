"""The conditions for public results: somebody says so knowing it, and no key is in the code."""

from datetime import datetime

from jupyter_schedule.core.bundles.record import read_record
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Confirmation, Reason, Run, RunStatus, Spec, Trigger, Visibility, utc
from jupyter_schedule.core.operations.removal import check_there
from jupyter_schedule.core.storage.factory import ObjectStorage

#: what public means, wherever it is chosen
#: what decides what is in the files; a report counts when it is added
_LOOKED_AT = ("bundle", "command", "parameters", "files", "output_dir", "notebook", "previous", "env", "data_role")
MEANING = "Anyone on the internet can read these files. Aggregates are fine; raw data is not."


def confirmed(before: Spec | None, after: Spec, *, by: str, now: datetime, says_so: bool) -> Spec:
    """`after` with who confirmed that it is public: still the one of `before`, while what was looked at is the same.

    Other code, another command, other parameters, inputs or rights, another folder or a report ask for another one.

    says_so: whether `by` has confirmed it now.  Raises Refused `public_unconfirmed`.
    """
    if after.visibility != Visibility.PUBLIC:
        return after.model_copy(update={"public_confirmed": None})
    kept = before.public_confirmed if before is not None and before.visibility == Visibility.PUBLIC else None
    if kept is not None and before is not None and not _differs(before, after):
        return after.model_copy(update={"public_confirmed": kept})
    if not says_so:
        raise Refused("public_unconfirmed", f"{MEANING} Look at what will be public, then confirm it.", "visibility")
    return after.model_copy(update={"public_confirmed": Confirmation(by=by, at=utc(now))})


def _differs(before: Spec, after: Spec) -> bool:
    """True when a run of `after` can make other files public than one of `before`."""
    wider = after.publish_report and not before.publish_report
    return wider or any(getattr(before, field) != getattr(after, field) for field in _LOOKED_AT)


def check_code(spec: Spec, objects: ObjectStorage) -> None:
    """No notebook or module in the bundle has what looks like a key, or Refused `key_in_code`."""
    for key in read_record(objects, spec.bundle).keys:
        where = key.cell if key.cell and key.path == spec.notebook else ", ".join(filter(None, (key.path, key.cell)))
        message = f"Scan found what looks like a key in {where}. It stays private until that is gone."
        raise Refused("key_in_code", message, "visibility")


def is_held_back(run: Run) -> bool:
    """True if the run made something that wasn't published and can be."""
    if run.pruned_at is not None:
        return False
    rehearsed = run.trigger == Trigger.REHEARSAL and run.status == RunStatus.SUCCEEDED
    return rehearsed or (run.status == RunStatus.FAILED and run.reason in {Reason.DISCLOSURE, Reason.PUBLISHING})


def is_releasable(run: Run, spec: Spec) -> bool:
    """True if a person can publish what the run made: a rehearsal of what isn't public has nobody to wait for."""
    return is_held_back(run) and (spec.visibility == Visibility.PUBLIC or run.trigger is not Trigger.REHEARSAL)


def check_releasable(run: Run, spec: Spec, reason: str | None) -> None:
    """The outputs of the run were kept back and may be released for that reason, or Refused says why not."""
    if not run.status.terminal:
        raise Refused("run_not_ended", "That run hasn't ended yet. Stop it first, or wait.")
    check_there(run)
    if not is_held_back(run):
        message = "That run has nothing that waits to be published: run it again to publish something new."
        raise Refused("nothing_to_publish", message)
    if run.reason != Reason.PUBLISHING and spec.visibility != Visibility.PUBLIC:
        raise Refused("not_public", f"“{run.schedule}” isn't public any more. Make it public first, then run it.")
    if run.reason == Reason.DISCLOSURE and len((reason or "").strip()) < 3:
        message = "Say why these results may be public all the same; it is recorded with your name."
        raise Refused("reason_needed", message, "reason")
