"""The task of an attempt, built once and frozen in the attempt's row before anything is launched."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from jupyter_schedule.core.models import EnvironmentSource, Run, Spec, Visibility, utc_text
from jupyter_schedule.core.publication_keys import PublicationKeys
from jupyter_schedule.core.storage.factory import parse_address
from jupyter_schedule.core.timing import recurrence
from scheduler_service.worker.task import ExpectedOutputs, PreviousFiles, WorkerTask

#: seconds beyond the command's time-out after which an agent ends itself, whatever it is at: for uploads, and its end
UPLOAD_GRACE_SECONDS = 20 * 60


def token_of(secret: bytes, run_id: str, number: int) -> str:
    """The name under which an attempt's objects live: the service can compute it again, nobody else can guess it."""
    return hmac.new(secret, f"{run_id}/{number}".encode(), hashlib.sha256).hexdigest()[:40]


def share_of(secret: bytes, owner: str) -> str:
    """The name under which an owner's environments are kept: no code uses what another owner's may have made."""
    return hmac.new(secret, f"environments/{owner}".encode(), hashlib.sha256).hexdigest()[:40]


def build_task(
    run: Run,
    spec: Spec,
    *,
    number: int,
    token: str,
    worker: str,
    work_area: str,
    launcher_environment: Mapping[str, str],
    share: str = "",
) -> WorkerTask:
    """The task of one attempt.  `work_area` is the address of the objects it works with; share: see `share_of`."""
    return WorkerTask(
        run_id=run.id,
        attempt=number,
        token=token,
        worker=worker,
        objects=work_area,
        bundle=spec.bundle,
        command=spec.command,
        notebook=spec.notebook,
        output_dir=spec.output_dir,
        parameters=None if spec.notebook is None else spec.parameters,
        timeout_seconds=spec.timeout * 60,
        lifetime_seconds=spec.timeout * 60 + UPLOAD_GRACE_SECONDS,
        environment=dict(launcher_environment) | _variables(run, spec),
        pass_environment=list(spec.env),
        kernel=_kernel(spec),
        previous=_previous(run, spec),
        expect=_expect(run, spec),
        share=share,
    )


def _variables(run: Run, spec: Spec) -> dict[str, str]:
    published = parse_address(spec.publication_base).url(PublicationKeys(run.publication_name).data)
    return {
        "RUN_ID": run.id,
        "SCHEDULED_FOR": utc_text(run.scheduled_for),
        "DATA_INTERVAL_START": utc_text(run.data_interval_start),
        "DATA_INTERVAL_END": utc_text(run.data_interval_end),
        "DATA_DATE": recurrence.data_date(run.scheduled_for, spec.timing.timezone).isoformat(),
        "PUBLISHED_DATA_URL": "" if spec.visibility == Visibility.NONE else published,
        **({"HIDE_CODE": "1"} if spec.hide_code else {}),
    }


def _kernel(spec: Spec) -> dict[str, Any] | None:
    if spec.kernel is None or spec.environment == EnvironmentSource.FRESH:
        return None
    return spec.kernel.model_dump(mode="json")


def _previous(run: Run, spec: Spec) -> PreviousFiles | None:
    if not spec.previous:
        return None
    prefix = PublicationKeys(run.publication_name).data
    return PreviousFiles(spec.publication_base, prefix, list(spec.previous))


def _expect(run: Run, spec: Spec) -> ExpectedOutputs | None:
    if not spec.expect:
        return None
    return ExpectedOutputs(
        lines=list(spec.expect),
        day=(recurrence.data_date(run.scheduled_for, spec.timing.timezone) + timedelta(days=1)).isoformat(),
        objects=None if spec.visibility == Visibility.NONE else spec.publication_base,
        index=PublicationKeys(run.publication_name).data_index,
    )
