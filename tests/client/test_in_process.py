import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_schedule.api.requests import Form
from jupyter_schedule.client.client import Client
from jupyter_schedule.client.in_process import InProcessTransport
from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.errors import Refused
from tests.engine import notebook_of


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


def test_results_go_where_the_server_that_serves_the_folder_puts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never by the folder that one stands in: without such a server they have a fixed folder beside the ledger."""
    root, runtime = tmp_path / "root", tmp_path / "runtime"
    (root / "work").mkdir(parents=True)
    runtime.mkdir()
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(runtime))
    (root / "work" / "n.ipynb").write_text(json.dumps(notebook_of("1")))

    def base(name: str) -> str:
        transport = InProcessTransport(root / "work", DataPaths(tmp_path / "data"))
        with Client(transport) as client:
            client.create(Form(notebook="n.ipynb", name=name))
            return client.schedule(name).publication_url or ""

    assert base("alone") == f"file://{tmp_path}/data/published/alone/data/"
    record = {"url": "http://localhost:1/", "token": "", "root_dir": str(root), "pid": os.getpid()}
    (runtime / "jpserver-1.json").write_text(json.dumps(record))
    assert base("served") == f"file://{root}/published/served/data/"
