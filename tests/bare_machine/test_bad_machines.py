"""What a second machine can't mend is told in one sentence, after one machine."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_schedule.core.models import Reason, RunStatus
from tests.bare_machine.image import missing
from tests.bare_machine.team import Team
from tests.deploy.template import worker_statements

pytestmark = [
    pytest.mark.bare_machine,
    pytest.mark.s3,
    pytest.mark.proof("machines"),
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]
#: of an image whose cloud-init has a Python of its own
OWN_PYTHON = "/usr/libexec/cloud-python"
LATE = """
import datetime
class Late(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(minutes=20)
datetime.datetime = Late
"""


def without_python(team: Team, image: Path, layer: Path) -> None:
    (layer / "usr/libexec").mkdir(parents=True)
    (layer / "usr/bin").mkdir()
    shutil.copy2(image / "usr/bin/python3.11", layer / OWN_PYTHON.lstrip("/"))
    program = (image / "usr/bin/cloud-init").read_text()
    (layer / "usr/bin/cloud-init").write_text(program.replace("/usr/bin/python3", OWN_PYTHON, 1))
    (layer / "usr/bin/cloud-init").chmod(0o755)
    # what an overlay takes for a file that is gone
    for name in ("python3", "python3.11"):
        (layer / "usr/bin" / name).unlink(missing_ok=True)
        _hide(layer / "usr/bin" / name)


def _hide(path: Path) -> None:
    os.mknod(path, stat.S_IFCHR, os.makedev(0, 0))


def without_a_way_out(team: Team, image: Path, layer: Path) -> None:
    team.cloud.way_out = False


def with_a_wrong_clock(team: Team, image: Path, layer: Path) -> None:
    (layer / "opt/late").mkdir(parents=True)
    (layer / "opt/late/sitecustomize.py").write_text(LATE)
    python = layer / "usr/local/bin/python3"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nPYTHONPATH=/opt/late exec /usr/bin/python3 "$@"\n')
    python.chmod(0o755)


def with_a_full_disk(team: Team, image: Path, layer: Path) -> None:
    (layer / "etc").mkdir(parents=True)
    (layer / "etc/fstab").write_text("tmpfs /opt tmpfs size=64k 0 0\n")


def with_another_role(team: Team, image: Path, layer: Path) -> None:
    address = team.work.address
    part = f"{address.bucket}/{address.prefix}".rstrip("/")
    team.cloud.credentials_of = lambda instance: team.server.session(
        instance, worker_statements(part, f"AROAANOTHER:{instance}")
    )


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without_python, "image has no Python"),
        (without_a_way_out, "the agent can't be fetched: <urlopen error"),
        (with_a_wrong_clock, "clock is wrong by more than 15 minutes"),
        (with_a_full_disk, "disk is full"),
        (with_another_role, "set role_id to the id of instance_profile's role"),
    ],
)
def test_it_is_told_in_one_sentence_and_no_second_machine_starts(
    team: Team, debian: Path, tmp_path: Path, spoil: Callable[[Team, Path, Path], None], words: str
) -> None:
    layer = tmp_path / "layer"
    layer.mkdir()
    spoil(team, debian, layer)
    team.cloud.layers.insert(0, layer)
    team.script("bad", 'echo never > "$OUTPUT_DIR/never"')
    run = team.run("bad")
    with team.service():
        ended = team.ended(run)
        team.machine_of(run).wait(60)
    assert (ended.status, ended.reason) == (RunStatus.FAILED, Reason.CONFIG), ended.message
    assert words in (ended.message or "")
    assert len(team.store.runs.list_attempts(run.id)) == 1
    assert team.names("bad") == []
    assert team.cloud.living == []
