"""The status of HTTP that goes with each refusal."""

from jupyter_schedule.core.errors import Refused

#: of codes that end otherwise than in 422
STATUS_OF = {
    "no_such_route": 404,
    "no_such_schedule": 404,
    "no_such_run": 404,
    "no_such_version": 404,
    "no_such_file": 404,
    "no_such_worker": 404,
    "files_removed": 410,
    "code_removed": 410,
    "wrong_method": 405,
    "name_taken": 409,
    "name_reserved": 409,
    "run_ended": 409,
    "run_not_ended": 409,
    "nothing_to_publish": 409,
    "not_public": 409,
    "schedule_ended": 409,
    "busy": 409,
    "worker_over": 409,
    "too_many": 409,
    "confirm_backfill": 409,
    "changed_elsewhere": 412,
    "archive_too_big": 413,
    "bundle_too_big": 413,
    "notebook_too_large": 413,
    "not_json": 415,
    "version_needed": 428,
    "store_unusable": 503,
    "store_away": 503,
    "store_busy": 503,
    "objects_unusable": 503,
    "disk_full": 507,
}


def status_of(refused: Refused) -> int:
    """The status of HTTP that goes with a refusal."""
    return STATUS_OF.get(refused.code, 422)
