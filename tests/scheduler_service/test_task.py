"""What an attempt's agent is told."""

from typing import Any

import pytest

from jupyter_schedule.core.models import EnvironmentSource, Kernel, Spec, Timing, Visibility
from scheduler_service.task import brief_for, token_of
from tests.factories import NOON, make_run, make_schedule, make_spec

KERNEL = Kernel(name="python3", display_name="Python 3", argv=("/env/bin/python",))


def brief(**changes: Any) -> dict[str, Any]:
    spec: Spec = make_spec(publication_base="file:///home/ann/my%20published", **changes)
    run = make_run(make_schedule("bikes", spec=spec))
    return brief_for(
        run,
        spec,
        number=2,
        token="t",
        worker="local",
        work_area="file:///work",
        launcher_environment={"RUNNER_PYTHON": "/runner/python", "SCHEDULED_FOR": "never"},
    )


def test_the_run_is_told_when_it_was_due_in_the_words_of_every_interface() -> None:
    environment = brief()["environment"]
    assert environment["SCHEDULED_FOR"] == "2026-11-24T12:00:00Z"
    assert environment["DATA_INTERVAL_START"] == "2026-11-23T12:00:00Z"
    assert environment["DATA_INTERVAL_END"] == "2026-11-24T12:00:00Z"


@pytest.mark.parametrize(
    ("zone", "data_date"),
    [("UTC", "2026-11-23"), ("Pacific/Kiritimati", "2026-11-24"), ("Pacific/Pago_Pago", "2026-11-23")],
)
def test_the_data_date_is_the_day_before_in_the_zone_of_the_schedule(zone: str, data_date: str) -> None:
    assert brief(timing=Timing(cron="0 12 * * *", timezone=zone))["environment"]["DATA_DATE"] == data_date


def test_what_the_launcher_has_ready_never_hides_what_the_run_is() -> None:
    environment = brief()["environment"]
    assert environment["RUNNER_PYTHON"] == "/runner/python"
    assert environment["SCHEDULED_FOR"] != "never"


def test_a_notebooks_parameters_are_those_of_the_schedule_and_a_command_has_none() -> None:
    assert brief(notebook="a.ipynb", parameters={"month": 3})["parameters"] == {"month": 3}
    assert brief()["parameters"] is None


def test_the_time_out_is_in_seconds() -> None:
    assert brief(timeout=90)["timeout"] == 5400


def test_the_publication_address_is_told_unless_nothing_is_published() -> None:
    assert brief()["environment"]["PUBLISHED_DATA_URL"] == "file:///home/ann/my%20published/bikes/data/"
    assert brief(visibility=Visibility.NONE)["environment"]["PUBLISHED_DATA_URL"] == ""


def test_earlier_files_are_fetched_only_when_asked_for() -> None:
    assert brief()["previous"] is None
    assert brief(previous=("*.csv.gz",))["previous"] == {
        "objects": "file:///home/ann/my%20published",
        "prefix": "bikes/data/",
        "globs": ["*.csv.gz"],
    }


def test_a_fresh_environment_leaves_the_kernel_to_the_wrapper() -> None:
    assert brief(kernel=KERNEL)["kernel"]["argv"] == ["/env/bin/python"]
    assert brief(kernel=KERNEL, environment=EnvironmentSource.FRESH)["kernel"] is None


def test_a_token_follows_from_the_secret_and_is_another_for_every_attempt() -> None:
    assert token_of(b"secret", "run", 1) == token_of(b"secret", "run", 1)
    others = {token_of(b"secret", "run", 2), token_of(b"secret", "other", 1), token_of(b"other", "run", 1)}
    assert token_of(b"secret", "run", 1) not in others
    assert len(others) == 3
    assert NOON.isoformat() not in token_of(b"secret", "run", 1)
