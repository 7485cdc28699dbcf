"""The conditions for public results: somebody says so knowing it, and no key is in the code."""

from datetime import datetime

from jupyter_schedule.core.bundles.record import read_record
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    Confirmation,
    DisclosureReport,
    Reason,
    Run,
    RunStatus,
    Spec,
    Trigger,
    Visibility,
    utc,
)
from jupyter_schedule.core.operations.removal import check_there
from jupyter_schedule.core.storage.factory import ObjectStorage

#: what public means, wherever it is chosen
MEANING = "Anyone on the internet can read these files. Aggregates are fine; raw data is not."


def confirmed(before: Spec | None, after: Spec, *, by: str, now: datetime, says_so: bool) -> Spec:
    """`after` with who confirmed that it is public: still the one of `before`, while what was looked at is the same.

    Other code, another command, other parameters, inputs or rights, another folder or a report ask for another one, and
    so does one of which nobody knows what was looked at.

    says_so: whether `by` has confirmed it now.  Raises Refused `public_unconfirmed`.
    """
    if after.visibility != Visibility.PUBLIC:
        return after.model_copy(update={"public_confirmed": None})
    if before is not None and before.visibility == Visibility.PUBLIC:
        kept = after.model_copy(update={"public_confirmed": before.public_confirmed})
        if kept.is_confirmed:
            return kept
    if not says_so:
        raise Refused("public_unconfirmed", f"{MEANING} Look at what will be public, then confirm it.", "visibility")
    digest = after.digest_looked_at(report=after.publish_report)
    return after.model_copy(update={"public_confirmed": Confirmation(by=by, at=utc(now), digest=digest)})


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


def check_releasable(
    run: Run, spec: Spec, reason: str | None, without_hover_data: DisclosureReport | None = None
) -> None:
    """The outputs of the run were kept back and may be released for that reason, or Refused says why not.

    without_hover_data: what was found in them, where they are to be released without hover data instead.
    """
    if not run.status.terminal:
        raise Refused("run_not_ended", "That run hasn't ended yet. Stop it first, or wait.")
    check_there(run)
    if not is_held_back(run):
        message = "That run has nothing that waits to be published: run it again to publish something new."
        raise Refused("nothing_to_publish", message)
    if run.reason != Reason.PUBLISHING and spec.visibility != Visibility.PUBLIC:
        raise Refused("not_public", f"“{run.schedule}” isn't public any more. Make it public first, then run it.")
    if without_hover_data is not None:
        if not without_hover_data.only_hover_data:
            message = "Nothing that was found goes with the hover data of charts. Mend the notebook and run it again."
            raise Refused("not_hover_data", message)
    elif run.reason == Reason.DISCLOSURE and len((reason or "").strip()) < 3:
        message = "Say why these results may be public all the same; it is recorded with your name."
        raise Refused("reason_needed", message, "reason")
