"""How a process is known again."""

import os

import pytest

from scheduler_service.worker import handle


def test_a_living_process_is_found_by_its_handle() -> None:
    found = handle.find_process(handle.build_handle(os.getpid()))
    assert found is not None
    assert found.pid == os.getpid()


@pytest.mark.parametrize("other", [{"boot": "another"}, {"started": 1}, {"pid": 2**22}])
def test_a_process_of_another_boot_or_start_is_gone(other: dict[str, object]) -> None:
    assert handle.find_process(handle.build_handle(os.getpid()) | other) is None
