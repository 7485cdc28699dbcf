"""The launcher of this machine; that it runs things is shown where the service is."""

import pytest

from scheduler_service.launchers.local import run_environment

PARENT = {
    "PATH": "/bin",
    "HOME": "/home/ann",
    "LC_ALL": "C.UTF-8",
    "JUPYTER_TOKEN": "canary",
    "AWS_SECRET_ACCESS_KEY": "canary",
    "PIP_INDEX_URL": "https://user:canary@index/simple",
    "DB": "mine",
}


def test_a_run_gets_the_allow_list_and_nothing_else() -> None:
    assert run_environment(PARENT, {}) == {"PATH": "/bin", "HOME": "/home/ann", "LC_ALL": "C.UTF-8"}


def test_a_schedule_may_list_more_by_name() -> None:
    assert run_environment(PARENT, {"pass_environment": ["DB", "ABSENT"]})["DB"] == "mine"


@pytest.mark.parametrize(
    ("brief", "knows"),
    [
        ({"notebook": "a.ipynb", "kernel": None}, True),
        ({"notebook": "a.ipynb", "kernel": {"name": "python3"}}, False),
        ({"notebook": None, "kernel": None}, False),
    ],
)
def test_only_a_run_that_builds_its_environment_knows_where_packages_are(brief: dict[str, object], knows: bool) -> None:
    assert ("PIP_INDEX_URL" in run_environment(PARENT, brief)) is knows
