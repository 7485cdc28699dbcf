"""The images that tests boot are no kinder than the one of the real cloud."""

import shutil
from pathlib import Path

import pytest

from jupyter_schedule.core.errors import Refused
from scheduler_service.worker.machine_image import APT, PROGRAMS, check_image
from tests.bare_machine.image import PACKAGES, TASK, list_packages, missing

#: Debian's own, under another name or of another version, and nothing that a worker would use
OTHER_NAMES = ("debian-archive-keyring", "eject", "gcc-12-base", "locales", "perl", "python3.11", "usrmerge",
               "util-linux-extra", "isc-dhcp-client", "python3-charset-normalizer")  # fmt: skip


def task() -> set[str]:
    """The packages of Ubuntu's image for clouds."""
    return set(TASK.read_text().split())


def test_a_worker_expects_of_an_image_what_ubuntus_for_clouds_has() -> None:
    assert {*PROGRAMS.values(), *APT.values()} <= task()
    assert set(PACKAGES) <= task()
    assert not task() & {"python3-venv", "python3-pip", "python3-virtualenv"}


def test_an_image_that_lacks_a_program_is_told_with_the_package_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "systemctl" else name)
    with pytest.raises(Refused) as refused:
        check_image()
    assert refused.value.code == "environment"
    assert "systemctl (package systemd)" in refused.value.message
    assert len(refused.value.message) <= 120


@pytest.mark.bare_machine
@pytest.mark.skipif(missing() is not None, reason=missing() or "")
def test_the_debian_that_tests_boot_has_nothing_that_ubuntus_image_lacks(debian: Path) -> None:
    own = (name for name in list_packages(debian) - task() if not name.startswith(("lib", *OTHER_NAMES)))
    assert list(own) == []


@pytest.mark.bare_machine
@pytest.mark.proof("machines")
@pytest.mark.skipif(missing() is not None, reason=missing() or "")
def test_the_ubuntu_that_tests_boot_is_the_archives_task_and_has_each_program(ubuntu: Path) -> None:
    installed = list_packages(ubuntu)
    assert {*PROGRAMS.values(), *APT.values(), *PACKAGES} <= installed
    assert not installed & {"python3-venv", "python3-pip"}
    programs = {path.name for folder in ("usr/bin", "usr/sbin") for path in (ubuntu / folder).iterdir()}
    assert {*PROGRAMS, *APT} <= programs
