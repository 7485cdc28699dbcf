from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_schedule.client.client import Client
from jupyter_schedule.client.in_process import InProcessTransport
from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.errors import Refused


@pytest.fixture
def direct(tmp_path: Path) -> Iterator[InProcessTransport]:
    transport = InProcessTransport(tmp_path, DataPaths(tmp_path / "data"))
    yield transport
    transport.close()


def test_nothing_is_made_before_something_is_asked(direct: InProcessTransport, tmp_path: Path) -> None:
    assert not (tmp_path / "data").exists()
    assert not Client(direct).status().ticking
    assert (tmp_path / "data").exists()


def test_a_file_is_only_had_from_a_server(direct: InProcessTransport) -> None:
    with pytest.raises(Refused, match="from a server"):
        direct.ask("GET", "publications/daily/index.html")


def test_a_ledger_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ledger.sqlite3").write_text("this is no database, and long enough to be taken for one\n" * 99)
    with pytest.raises(Refused, match="can't be used") as caught:
        InProcessTransport(tmp_path, DataPaths(tmp_path / "data")).ask("GET", "status")
    assert caught.value.code == "store_unusable"


def test_it_can_be_asked_again_after_it_was_closed(direct: InProcessTransport) -> None:
    assert Client(direct).schedules() == []
    direct.close()
    assert Client(direct).schedules() == []
