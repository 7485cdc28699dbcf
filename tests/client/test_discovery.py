import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_schedule.client import discovery
from jupyter_schedule.client.discovery import (
    Server,
    calling_notebook,
    inside_run,
    kernel_id,
    own_server,
    running_servers,
    server_of,
)

RECORD: dict[str, Any] = {"url": "http://localhost:8888/base/", "token": "secret", "root_dir": "/home/ann", "pid": 4711}


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def shell(monkeypatch: pytest.MonkeyPatch, found: object) -> None:
    monkeypatch.setattr(discovery, "_shell", lambda: found)


def test_the_server_is_the_one_that_started_the_kernel(runtime: Path) -> None:
    (runtime / "jpserver-1.json").write_text(json.dumps(RECORD | {"url": "http://localhost:1/"}))
    (runtime / "jpserver-4711.json").write_text(json.dumps(RECORD))
    found = own_server({"JPY_PARENT_PID": "4711"})
    assert found == Server(url="http://localhost:8888/base/", token="secret", root=Path("/home/ann"))
    assert "secret" not in repr(found)


def test_a_server_without_a_token_takes_the_hubs(runtime: Path) -> None:
    (runtime / "jpserver-4711.json").write_text(json.dumps(RECORD | {"token": ""}))
    found = own_server({"JPY_PARENT_PID": "4711", "JUPYTERHUB_API_TOKEN": "hub"})
    assert found is not None
    assert found.token == "hub"


@pytest.mark.parametrize("parent", ["", "4711", "../../etc/passwd", "-1"])
def test_a_kernel_without_a_server_has_none(runtime: Path, parent: str) -> None:
    assert own_server({"JPY_PARENT_PID": parent}) is None
    assert own_server({}) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"url": "http://h/"}', json.dumps(RECORD | {"url": "http+unix://%2Ftmp%2Fs"}), "\xff"]
)
def test_a_record_that_does_not_tell_an_address_is_left_aside(runtime: Path, text: str) -> None:
    (runtime / "jpserver-4711.json").write_bytes(text.encode("latin-1"))
    assert own_server({"JPY_PARENT_PID": "4711"}) is None


def test_a_run_of_ours_is_known_by_its_variables() -> None:
    assert inside_run({"RUN_ID": "1", "SCHEDULED_FOR": "2026-11-24T12:00:00Z"})
    assert not inside_run({"RUN_ID": "1"})
    assert not inside_run({})


@pytest.mark.parametrize(
    ("file", "expected"),
    [("/run/kernel-0a1b-2c.json", "0a1b-2c"), ("/run/kernel.json", ""), ("", ""), (None, "")],
)
def test_the_kernels_id_is_in_the_name_of_its_connection_file(
    monkeypatch: pytest.MonkeyPatch, file: str | None, expected: str
) -> None:
    shell(monkeypatch, SimpleNamespace(kernel=SimpleNamespace(parent=SimpleNamespace(connection_file=file))))
    assert kernel_id() == expected


def test_outside_of_a_kernel_there_is_no_id_and_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    for found in (None, SimpleNamespace(user_ns={})):
        shell(monkeypatch, found)
        assert kernel_id() == ""
        assert calling_notebook({}) is None


@pytest.mark.parametrize(
    ("variables", "environ", "expected"),
    [
        ({}, {"JPY_SESSION_NAME": "/home/ann/a é.ipynb"}, "/home/ann/a é.ipynb"),
        ({"__vsc_ipynb_file__": "/w/b.ipynb"}, {"JPY_SESSION_NAME": "/home/ann/a.ipynb"}, "/w/b.ipynb"),
        ({}, {"JPY_SESSION_NAME": "/home/ann/console-1-abc"}, None),
        ({"__vsc_ipynb_file__": 3}, {}, None),
    ],
)
def test_the_calling_notebook_is_what_vs_code_or_the_server_left_word_of(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, object], environ: dict[str, str], expected: str | None
) -> None:
    shell(monkeypatch, SimpleNamespace(user_ns=variables))
    assert calling_notebook(environ) == (Path(expected) if expected else None)


def test_the_server_of_a_folder_is_the_running_one_that_serves_it_most_closely(runtime: Path) -> None:
    """One that is gone has left its file, and doesn't count."""
    gone = max(int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()) + 100_000
    for number, (root, pid) in enumerate((("/home", os.getpid()), ("/home/ann", os.getpid()), ("/home/ann/b", gone))):
        (runtime / f"jpserver-{number}.json").write_text(json.dumps(RECORD | {"root_dir": root, "pid": pid}))
    assert [str(server.root) for server in running_servers({})] == ["/home", "/home/ann"]
    found = server_of(Path("/home/ann/b/work"))
    assert found is not None
    assert found.root == Path("/home/ann")
    assert server_of(Path("/srv")) is None
