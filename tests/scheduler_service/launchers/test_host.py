"""How the place from which a worker can be seen is known again."""

import json
import shutil
import socket
from pathlib import Path

import pytest

from scheduler_service.launchers import host
from scheduler_service.launchers.host import identify_host


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> "Life":
    return Life(monkeypatch)


class Life:
    """This process, as if it were in a container, or on a machine, with these names."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, hostname: str, boot: str, *, processes: str = "pid:[1]", machine: str = "image") -> None:
        self._monkeypatch.setattr(socket, "gethostname", lambda: hostname)
        self._monkeypatch.setattr(host, "identify_boot", lambda: boot)
        self._monkeypatch.setattr(host, "process_ids", lambda: processes)
        self._monkeypatch.setattr(host, "_machine", lambda: machine)


def test_a_machine_keeps_its_name_when_people_rename_it_and_needs_no_file(live: Life, tmp_path: Path) -> None:
    for hostname in ("before", "after"):
        live(hostname, hostname, processes="pid:[4026531836]", machine="machine")
        assert identify_host(tmp_path).name == "machine"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.promise("P20")
def test_a_container_that_is_made_anew_with_another_host_name_is_the_same_host(live: Life, tmp_path: Path) -> None:
    live("c0ffee01", "first")
    first = identify_host(tmp_path)
    first.close()
    live("beef0002", "second")
    second = identify_host(tmp_path)
    assert second.name == first.name == "image@c0ffee01"
    second.close()


def test_a_container_in_which_a_worker_still_lives_is_another_host(live: Life, tmp_path: Path) -> None:
    """A worker has inherited the descriptor, so the name is in use without a service."""
    live("c0ffee01", "first")
    first = identify_host(tmp_path)
    live("beef0002", "second")
    second = identify_host(tmp_path)
    assert second.name == "image@beef0002"
    live("c0ffee01", "first")
    again = identify_host(tmp_path)
    assert again.name == first.name, "a service that starts again there knows it by its boot"
    for each in (first, second, again):
        each.close()


@pytest.mark.promise("P20")
def test_services_of_one_container_share_the_name_that_it_took_over_until_the_last_is_gone(
    live: Life, tmp_path: Path
) -> None:
    live("c0ffee01", "first")
    identify_host(tmp_path).close()
    live("beef0002", "second")
    one, other = identify_host(tmp_path), identify_host(tmp_path)
    assert (one.name, other.name) == ("image@c0ffee01", "image@c0ffee01")
    one.close()
    live("dead0003", "third")
    third = identify_host(tmp_path)
    assert third.name == "image@dead0003", "the other service still lives there"
    for each in (other, third):
        each.close()


def test_two_containers_of_one_image_with_folders_of_their_own_are_two_hosts(live: Life, tmp_path: Path) -> None:
    live("one", "first")
    one = identify_host(tmp_path / "one")
    live("two", "second")
    two = identify_host(tmp_path / "two")
    assert one.name != two.name
    for each in (one, two):
        each.close()


def test_two_services_in_one_container_with_folders_of_their_own_are_on_one_host(live: Life, tmp_path: Path) -> None:
    live("one", "first")
    seen = [identify_host(tmp_path / name) for name in ("one", "two", "one")]
    assert {each.name for each in seen} == {"image@one"}
    for each in seen:
        each.close()


@pytest.mark.parametrize("spoilt", [b"", b"{", b"null", json.dumps({"name": "image@one"}).encode()])
def test_a_folder_that_was_copied_or_spoilt_names_no_other_host(live: Life, tmp_path: Path, spoilt: bytes) -> None:
    live("one", "first")
    original = identify_host(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    live("two", "second")
    copied = identify_host(tmp_path / "two")
    assert copied.name == "image@two"
    copied.close()
    (tmp_path / "two" / "hosts" / "1").write_bytes(spoilt)
    spoiled = identify_host(tmp_path / "two")
    assert spoiled.name == "image@two"
    for each in (original, spoiled):
        each.close()
