"""The operation on results: publish what was kept back."""

from jupyter_schedule.core.models import Approval, Run, utc
from jupyter_schedule.core.operations import publication_policy
from jupyter_schedule.core.operations.context import OperationsContext
from jupyter_schedule.core.operations.runs import RunOperations
from jupyter_schedule.core.operations.schedules import ScheduleOperations
from jupyter_schedule.core.timing import planning


class PublicationOperations:
    """Decisions of one person about what their runs made."""

    def __init__(self, context: OperationsContext, schedules: ScheduleOperations, runs: RunOperations) -> None:
        self._context = context
        self._schedules = schedules
        self._runs = runs

    def approve(self, run_id: str, reason: str | None = None) -> Run:
        """Put a run into the ledger that publishes what an ended one made: a rehearsal, or one that was held back.

        reason: why it may be public although the disclosure check found something; recorded with the person's name.
        Raises Refused `run_not_ended`, `nothing_to_publish`, `not_public`, `reason_needed`.
        """
        run = self._runs.get(run_id)
        publication_policy.check_releasable(run, self._schedules.get(run.schedule).spec, reason)
        now = utc(self._context.now())
        decision = Approval(run_id=run.origin, by=self._context.actor, at=now, reason=(reason or "").strip() or None)
        count = 1
        while self._context.store.runs.get((made := planning.plan_release(run, decision, count)).id) is not None:
            count += 1
        self._context.check(made)
        self._context.store.runs.add(made, actor=self._context.actor)
        return self._runs.get(made.id)
