"""The operation on results: publish what was kept back."""

from jupyter_schedule.core.models import Approval, Run, utc
from jupyter_schedule.core.operations import publication_policy
from jupyter_schedule.core.operations.context import OperationsContext
from jupyter_schedule.core.operations.runs import RunFiles, RunOperations
from jupyter_schedule.core.operations.schedules import ScheduleOperations
from jupyter_schedule.core.timing import planning


class PublicationOperations:
    """Decisions of one person about what their runs made."""

    def __init__(
        self, context: OperationsContext, schedules: ScheduleOperations, runs: RunOperations, files: RunFiles
    ) -> None:
        self._context = context
        self._schedules = schedules
        self._runs = runs
        self._files = files

    def approve(self, run_id: str, reason: str | None = None, *, without_hover_data: bool = False) -> Run:
        """Put a run into the ledger that publishes what an ended one made: a rehearsal, or one that was held back.

        reason: why it may be public although the disclosure check found something; recorded with the person's name.
        without_hover_data: publish pages that it found something in without hover data, which needs no reason: they
        are looked at again.
        Raises Refused `run_not_ended`, `nothing_to_publish`, `not_public`, `reason_needed`, `not_hover_data`.
        """
        run = self._runs.get(run_id)
        found = self._files.checked(run) if without_hover_data else None
        publication_policy.check_releasable(run, self._schedules.get(run.schedule).spec, reason, found)
        decision = Approval(
            run_id=run.origin,
            by=self._context.actor,
            at=utc(self._context.now()),
            reason=None if without_hover_data else (reason or "").strip() or None,
            without_hover_data=without_hover_data,
        )
        count = 1
        while self._context.store.runs.get((made := planning.plan_release(run, decision, count)).id) is not None:
            count += 1
        self._context.check(made)
        self._context.store.runs.add(made, actor=self._context.actor)
        return self._runs.get(made.id)
