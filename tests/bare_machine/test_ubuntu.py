"""On Ubuntu's image for clouds as it is: what machines of a stock deployment are."""

import pytest

from jupyter_schedule.core.models import RunStatus
from tests.bare_machine.image import missing
from tests.bare_machine.index import UBUNTU_PYTHON
from tests.bare_machine.team import Team

pytestmark = [
    pytest.mark.bare_machine,
    pytest.mark.s3,
    pytest.mark.ubuntu,
    pytest.mark.proof("machines"),
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]


def test_a_notebook_runs_and_its_other_python_is_told(team: Team) -> None:
    """Its packages are pinned for the Python of the analyst, which is another one than Ubuntu's."""
    made = team.sample()
    with team.packages_of(made, UBUNTU_PYTHON), team.service():
        run = team.run("flights")
        ended = team.ended(run)
        assert ended.status == RunStatus.SUCCEEDED, team.log(run)
        team.machine_of(run).wait(60)
    assert {"weekly.csv", "weekly.png"} <= set(team.names("flights"))
    assert ended.message
    assert "with Python 3.12.3 instead of 3." in ended.message
    assert team.cloud.living == []


def test_a_command_runs_as_a_user_without_a_way_to_the_role(team: Team) -> None:
    team.script("hello", 'id -un; echo "hello $DATA_DATE" > "$OUTPUT_DIR/hello.txt"')
    run = team.run("hello")
    with team.service():
        ended = team.ended(run)
        assert ended.status == RunStatus.SUCCEEDED, ended.message
        team.machine_of(run).wait(60)
    assert team.log(run).startswith("analyst\n")
    assert team.cloud.living == []
