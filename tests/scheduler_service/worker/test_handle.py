"""How a process, and the place from which it can be seen, are known again."""

import os
import socket
from pathlib import Path

import pytest

from scheduler_service.worker import handle


def test_a_living_process_is_found_by_its_handle() -> None:
    found = handle.find_process(handle.build_handle(os.getpid()))
    assert found is not None
    assert found.pid == os.getpid()


@pytest.mark.parametrize("other", [{"boot": "another"}, {"started": 1}, {"pid": 2**22}])
def test_a_process_of_another_boot_or_start_is_gone(other: dict[str, object]) -> None:
    assert handle.find_process(handle.build_handle(os.getpid()) | other) is None


def test_a_place_keeps_its_name_when_people_rename_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handle, "_process_ids", lambda: "pid:[4026531836]")
    monkeypatch.setattr(Path, "read_text", lambda _: "machine\n")
    monkeypatch.setattr(socket, "gethostname", lambda: "before")
    before = handle.identify_host()
    monkeypatch.setattr(socket, "gethostname", lambda: "after")
    assert handle.identify_host() == before


def test_two_containers_of_one_image_are_two_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handle, "_process_ids", lambda: "pid:[1]")
    monkeypatch.setattr(Path, "read_text", lambda _: "machine of the image\n")
    monkeypatch.setattr(socket, "gethostname", lambda: "one")
    one = handle.identify_host()
    monkeypatch.setattr(socket, "gethostname", lambda: "two")
    assert handle.identify_host() != one
