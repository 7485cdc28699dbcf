"""Processes: one publishes day after day, until it is killed in the middle of something; one reads all the time."""

import itertools
import os
import signal
import sys
from multiprocessing.synchronize import Event
from pathlib import Path

import obstore.auth.boto3
import obstore.store  # noqa: F401  (once for all publishers)

from jupyter_schedule.core.storage import s3_clients
from jupyter_schedule.core.storage.factory import LocalStorage, ObjectStorage
from scheduler_service.publishing.publish import publish
from tests.scheduler_service.publishing.results import (
    KEYS,
    assert_readers_find_what_latest_points_at,
    due_on,
    result_of,
)

#: seconds between two looks of a reader: as often as makes no difference, and the publishers get on
LOOK = 0.05
#: what Python tells of before it touches a file: https://docs.python.org/3/library/audit_events.html
TOUCHES = {"open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.chmod", "os.truncate", "shutil.copyfile"}
#: boto3 reads its descriptions of S3 once for all publishers
s3_clients._session().client("s3", region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")


def files_of(day: int) -> dict[str, bytes]:
    """What the run of that day leaves: two large files that hold nothing but its number, one of them at five names."""
    return {"same.csv": b"%06d\n" % day * 5000, f"day{day % 5}.csv": b"%06d\n" % day * 2000}


def put_outputs(work: ObjectStorage, days: range) -> None:
    """As workers left them."""
    for day in days:
        for path, data in files_of(day).items():
            work.put(f"workers/w/{due_on(day).id}/output/{path}", data)


def publish_days(
    work: ObjectStorage, area: ObjectStorage, days: range, done: Path, *, dies_at: int | None, variables: dict[str, str]
) -> None:
    """Publish each day, noting it in `done`; killed by itself before it touches the area's folder for the nth time.

    dies_at: None when somebody else does it.
    """
    os.environ |= variables
    if dies_at is not None:
        assert isinstance(area, LocalStorage)
        _die_at(dies_at, str(area.root))
    for day in days:
        run = due_on(day)
        publish(run, result_of(files_of(day)), work, f"workers/w/{run.id}/", area, run.scheduled_for)
        with done.open("a") as noted:
            noted.write(f"{day}\n")


def read(area: ObjectStorage, over: Event, seen: Path, variables: dict[str, str]) -> None:
    """Until it is over, read what latest.json points at and a file of the stable address; note what they are of.

    Raises AssertionError for a mixture.
    """
    os.environ |= variables
    with seen.open("w") as noted:
        while not over.wait(LOOK):
            if area.get_or_none(KEYS.latest) is not None:
                noted.write(f"runs {assert_readers_find_what_latest_points_at(area)}\n")
            content = area.get_or_none(f"{KEYS.data}same.csv")
            if content is not None:
                day = int(content[:6])
                assert content == files_of(day)["same.csv"]
                noted.write(f"days {day:06d}\n")


def _die_at(touch: int, folder: str) -> None:
    touches = itertools.count()

    def count(event: str, arguments: tuple[object, ...]) -> None:
        if event in TOUCHES and any(str(each).startswith(folder) for each in arguments) and next(touches) == touch:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
