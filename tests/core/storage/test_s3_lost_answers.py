"""Answers of S3 that are lost, late or false: nothing is doubled, and no half body is taken for whole."""

from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.storage import s3_clients
from jupyter_schedule.core.storage.base import digest
from jupyter_schedule.core.storage.factory import ObjectExists, S3Storage, StorageAway
from tests.faulty import MOMENT, PIECES, Fault, Faulty


def once(*faults: Fault, method: str = "PUT") -> Any:
    """These faults, one for each of the next requests with that method."""
    left = list(faults)

    def decide(asked: str, _path: str) -> Fault | None:
        return left.pop(0) if asked == method and left else None

    return decide


@pytest.mark.s3
def test_a_writer_whose_answer_was_lost_knows_that_it_won(store: S3Storage, proxy: Faulty) -> None:
    """The request that is sent again meets what the first one wrote."""
    proxy.decide = once(Fault.LOST)
    store.put_once("gate", b"ours")
    proxy.decide = once(Fault.LOST)
    store.put_if("gate", b"newer", digest(b"ours"))

    assert store.get("gate") == b"newer"
    assert proxy.faults() == 2
    with pytest.raises(ObjectExists):
        store.put_once("gate", b"ours")


@pytest.mark.s3
def test_a_conflict_is_asked_again_and_given_up_in_the_end(store: S3Storage, proxy: Faulty) -> None:
    proxy.decide = once(Fault.CONFLICT, Fault.CONFLICT)
    store.put_once("gate", b"ours")
    assert store.get("gate") == b"ours"

    proxy.decide = lambda *_: Fault.CONFLICT
    with pytest.raises(StorageAway, match="keep writing"):
        store.put_once("other", b"")


@pytest.mark.s3
def test_a_false_412_never_makes_two_winners(store: S3Storage, proxy: Faulty) -> None:
    proxy.decide = once(Fault.PRECONDITION)
    with pytest.raises(ObjectExists):
        store.put_once("gate", b"ours")
    assert store.get_or_none("gate") is None


@pytest.mark.s3
@pytest.mark.parametrize("fault", [Fault.SLOW_DOWN, Fault.INTERNAL, Fault.CLOSED, Fault.LOST, Fault.EXPIRED])
def test_what_passes_is_tried_again(store: S3Storage, proxy: Faulty, fault: Fault, tmp_path: Path) -> None:
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(b"x" * 9_000_000)
    proxy.decide = once(fault, fault)
    store.put_file("small", Path(__file__))
    proxy.decide = once(fault)
    store.put_file("large", source)
    proxy.decide = once(fault, fault, method="GET")
    store.fetch("large", back)

    assert back.read_bytes() == source.read_bytes()
    assert store.get("small") == Path(__file__).read_bytes()


@pytest.mark.s3
@pytest.mark.parametrize("fast", [True, False])
def test_a_body_that_breaks_off_is_never_taken_for_whole(
    store: S3Storage, proxy: Faulty, tmp_path: Path, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fast:
        monkeypatch.setattr(s3_clients, "mover", lambda _: None)
    store.put("key", b"0123456789" * 1000)

    proxy.decide = once(Fault.TRUNCATED, Fault.TRUNCATED, method="GET")
    assert store.get("key") == b"0123456789" * 1000
    proxy.decide = once(Fault.TRUNCATED, Fault.TRUNCATED, method="GET")
    store.fetch("key", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"0123456789" * 1000
    proxy.decide = once(Fault.TRUNCATED, method="GET")
    with store.open("key") as stream, pytest.raises(StorageAway, match="breaks off"):
        stream.read()


@pytest.mark.s3
@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.STALLED])
def test_who_says_nothing_for_long_is_asked_again(  # noqa: PLR0917  (fixtures)
    store: S3Storage, proxy: Faulty, tmp_path: Path, fault: Fault, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_clients, "SILENCE", 0.3)
    if not fast:
        monkeypatch.setattr(s3_clients, "mover", lambda _: None)
    content = b"0123456789" * 1000
    (tmp_path / "source").write_bytes(content)

    proxy.decide = once(fault)
    store.put_file("file", tmp_path / "source")
    proxy.decide = once(fault)
    store.put_once("gate", content)
    proxy.decide = once(fault, fault, method="GET")
    store.fetch("file", tmp_path / "back")
    proxy.decide = once(fault, method="GET")

    assert (tmp_path / "back").read_bytes() == content
    assert store.get("gate") == content
    assert [stored.key for stored in store.list()] == ["file", "gate"]


@pytest.mark.s3
@pytest.mark.parametrize("fast", [True, False])
def test_an_answer_may_take_long_as_long_as_it_goes_on(
    store: S3Storage, proxy: Faulty, tmp_path: Path, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every time it takes longer than nobody may say nothing."""
    monkeypatch.setattr(s3_clients, "SILENCE", PIECES * MOMENT / 2)
    if not fast:
        monkeypatch.setattr(s3_clients, "mover", lambda _: None)
    content = b"0123456789" * 1000
    store.put("key", content)
    proxy.decide = lambda method, _: Fault.SLOW if method == "GET" else None

    store.fetch("key", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content
    assert store.get("key") == content


@pytest.mark.s3
def test_a_server_that_stays_away_is_said_to_be_away(store: S3Storage, proxy: Faulty, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 9_000_000)
    proxy.decide = lambda *_: Fault.SLOW_DOWN
    for ask in (
        lambda: store.put("key", b""),
        lambda: store.get("key"),
        lambda: store.put_file("key", source),
        lambda: store.fetch("key", tmp_path / "back"),
        lambda: list(store.list()),
        lambda: store.size("key"),
        lambda: store.put_once("key", b""),
    ):
        with pytest.raises(StorageAway):
            ask()
