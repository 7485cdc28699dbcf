"""How a run that has its outputs ends: published where its schedule says, kept back, or failed in publishing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from jupyter_schedule.core.config import StorageConfig
from jupyter_schedule.core.models import (
    Outcome,
    Publication,
    Reason,
    Result,
    Run,
    RunStatus,
    Schedule,
    Spec,
    Visibility,
)
from jupyter_schedule.core.storage.factory import ObjectStorage
from scheduler_service.clearance import WorkerFiles, held_back, told
from scheduler_service.decide import End
from scheduler_service.publishing.publish import PublishFailed, check_number, publish, with_cost


@dataclass(frozen=True)
class Outlet:
    """The ways out of a deployment."""

    open_objects: Callable[[str], ObjectStorage]
    areas: StorageConfig
    now: datetime

    def let_out(
        self, run: Run, spec: Spec, schedule: Schedule | None, result: Result, files: WorkerFiles
    ) -> tuple[End, Publication | None]:
        """The run's end, and its publication if it has one.  May be repeated.

        spec: the frozen one that it ran with.  schedule: as it is now; what became private while the run was going
        doesn't become public any more.
        """
        place = spec
        if spec.visibility == Visibility.PUBLIC and schedule is not None:
            place = spec if schedule.spec.visibility == Visibility.PUBLIC else schedule.spec
        if place.visibility == Visibility.PUBLIC and (held := held_back(run, spec, result, files)):
            return held, None
        publication = None
        if place.visibility != Visibility.NONE and result.files:
            area = self.open_objects(place.publication_base)
            report = spec.publish_report and place.publish_report
            try:
                check_number(result, self.areas.most_files)
                publication = publish(run, result, files.work, files.prefix, area, self.now, report=report)
            except PublishFailed as failure:
                return End(RunStatus.FAILED, Reason.PUBLISHING, str(failure), result=result), None
        sentence = told(run, result)
        if publication is not None:
            sentence = with_cost(sentence, publication)
        return End(RunStatus.SUCCEEDED, result.reason, sentence, Outcome.FINISHED, result), publication
