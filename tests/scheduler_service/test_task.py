"""What an attempt's agent is told."""

from typing import Any

import pytest

from jupyter_schedule.core.models import EnvironmentSource, Kernel, Spec, Timing, Visibility
from scheduler_service.task import build_task, share_of, token_of
from scheduler_service.worker.task import PreviousFiles, WorkerTask
from tests.factories import NOON, make_run, make_schedule, make_spec

KERNEL = Kernel(name="python3", display_name="Python 3", argv=("/env/bin/python",))


def task(**changes: Any) -> WorkerTask:
    spec: Spec = make_spec(publication_base="file:///home/ann/my%20published", **changes)
    run = make_run(make_schedule("bikes", spec=spec))
    return build_task(
        run,
        spec,
        number=2,
        token="t",
        worker="local",
        work_area="file:///work",
        launcher_environment={"RUNNER_PYTHON": "/runner/python", "SCHEDULED_FOR": "never"},
    )


def test_the_run_is_told_when_it_was_due_in_the_words_of_every_interface() -> None:
    environment = task().environment
    assert environment["SCHEDULED_FOR"] == "2026-11-24T12:00:00Z"
    assert environment["DATA_INTERVAL_START"] == "2026-11-23T12:00:00Z"
    assert environment["DATA_INTERVAL_END"] == "2026-11-24T12:00:00Z"


@pytest.mark.parametrize(
    ("zone", "data_date"),
    [("UTC", "2026-11-23"), ("Pacific/Kiritimati", "2026-11-24"), ("Pacific/Pago_Pago", "2026-11-23")],
)
def test_the_data_date_is_the_day_before_in_the_zone_of_the_schedule(zone: str, data_date: str) -> None:
    assert task(timing=Timing(cron="0 12 * * *", timezone=zone)).environment["DATA_DATE"] == data_date


def test_what_the_launcher_has_ready_never_hides_what_the_run_is() -> None:
    environment = task().environment
    assert environment["RUNNER_PYTHON"] == "/runner/python"
    assert environment["SCHEDULED_FOR"] != "never"


def test_a_notebooks_parameters_are_those_of_the_schedule_and_a_command_has_none() -> None:
    assert task(notebook="a.ipynb", parameters={"month": 3}).parameters == {"month": 3}
    assert task().parameters is None


def test_the_wrapper_is_told_that_a_page_shows_no_code() -> None:
    assert task(hide_code=True).environment["HIDE_CODE"] == "1"
    assert "HIDE_CODE" not in task().environment


def test_the_time_out_is_in_seconds() -> None:
    assert task(timeout=90).timeout_seconds == 5400


def test_the_publication_address_is_told_unless_nothing_is_published() -> None:
    assert task().environment["PUBLISHED_DATA_URL"] == "file:///home/ann/my%20published/bikes/data/"
    assert task(visibility=Visibility.NONE).environment["PUBLISHED_DATA_URL"] == ""


def test_earlier_files_are_fetched_only_when_asked_for() -> None:
    assert task().previous is None
    assert task(previous=("*.csv.gz",)).previous == PreviousFiles(
        objects="file:///home/ann/my%20published", prefix="bikes/data/", globs=["*.csv.gz"]
    )


def test_a_fresh_environment_leaves_the_kernel_to_the_wrapper() -> None:
    assert (task(kernel=KERNEL).kernel or {})["argv"] == ["/env/bin/python"]
    assert task(kernel=KERNEL, environment=EnvironmentSource.FRESH).kernel is None


def test_a_token_follows_from_the_secret_and_is_another_for_every_attempt() -> None:
    assert token_of(b"secret", "run", 1) == token_of(b"secret", "run", 1)
    others = {token_of(b"secret", "run", 2), token_of(b"secret", "other", 1), token_of(b"other", "run", 1)}
    assert token_of(b"secret", "run", 1) not in others
    assert len(others) == 3
    assert NOON.isoformat() not in token_of(b"secret", "run", 1)


def test_each_owner_has_a_share_of_environments_that_nobody_else_can_guess() -> None:
    shares = {share_of(secret, owner) for secret in (b"a", b"b") for owner in ("ann", "ben")}
    assert len(shares) == 4
    assert all(len(share) == 40 for share in shares)
