"""The server's own managers say which kernels there are, and where notebooks are."""

import asyncio
import base64
import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_server.services.contents.filemanager import FileContentsManager
from jupyter_server.services.contents.manager import ContentsManager
from tornado.web import HTTPError

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.server.host import find_host, served_folder

SPECS = {
    "conda-env-Team-py": {
        "resource_dir": "/nowhere",
        "spec": {"argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], "display_name": "T"},
    }
}


class TeamKernels(KernelSpecManager):
    def get_all_specs(self) -> dict[str, Any]:
        return SPECS


class SlowKernels(KernelSpecManager):
    async def get_all_specs(self) -> dict[str, Any]:  # type: ignore[override]
        return SPECS


class GatewayKernels(KernelSpecManager):
    """Stands for jupyter_server's, which asks a gateway at once."""


GatewayKernels.__module__ = "jupyter_server.gateway.managers"


def server_of(folder: Path, loop: asyncio.AbstractEventLoop | None = None, **managers: Any) -> Any:
    """What of a server app is asked."""
    plain = {"contents_manager": FileContentsManager(root_dir=str(folder)), "kernel_spec_manager": TeamKernels()}
    return SimpleNamespace(root_dir="/elsewhere", io_loop=SimpleNamespace(asyncio_loop=loop), **plain | managers)


@pytest.mark.parametrize("manager", [TeamKernels, SlowKernels])
def test_kernels_are_those_of_the_servers_own_manager(tmp_path: Path, manager: type[KernelSpecManager]) -> None:
    async def ask() -> str:
        loop = asyncio.get_running_loop()
        host = find_host(server_of(tmp_path, loop, kernel_spec_manager=manager()))
        found = await asyncio.to_thread(host.find_kernel, "conda-env-team-py")
        return found.name

    assert asyncio.run(ask()) == "conda-env-Team-py"


def test_kernels_of_a_gateway_are_refused_since_a_run_could_not_start_them(tmp_path: Path) -> None:
    host = find_host(server_of(tmp_path, kernel_spec_manager=GatewayKernels()))
    with pytest.raises(Refused, match="started by a gateway"):
        host.find_kernel("python3")


def test_paths_are_relative_to_the_folder_of_what_opens_notebooks(tmp_path: Path) -> None:
    assert served_folder(server_of(tmp_path)) == tmp_path
    assert find_host(server_of(tmp_path)).kept_by is None


KEPT: dict[str, Any] = {
    "work/n.ipynb": {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []},
    "work/x.csv": "a,b",
    "work/data/y.bin": b"\xff\x00",
    "work/../../evil.txt": "x",
    "other/z.csv": "far",
}
LISTED = {
    "work": [("n.ipynb", "notebook"), ("x.csv", "file"), ("data", "directory"), ("../../evil.txt", "file")],
    "work/data": [("y.bin", "file")],
}


class BucketContents(ContentsManager):
    """Keeps its files in memory."""

    def get(self, path: Any, *_: Any, **__: Any) -> Any:
        if path in LISTED:
            return {"content": [{"name": name, "type": kind, "size": None} for name, kind in LISTED[path]]}
        kept = KEPT.get(path)
        if kept is None:
            raise HTTPError(404, f"no such entity: {path}")
        if isinstance(kept, bytes):
            return {"content": base64.b64encode(kept).decode(), "format": "base64"}
        return {"content": kept, "format": "text" if isinstance(kept, str) else "json"}


class WaitingContents(BucketContents):
    """Answers later, as one that asks over the network does."""

    async def get(self, path: Any, *_: Any, **__: Any) -> Any:
        await asyncio.sleep(0)
        return super().get(path)


def test_a_manager_without_a_disk_is_named(tmp_path: Path) -> None:
    app = server_of(tmp_path, contents_manager=BucketContents())
    assert (find_host(app).kept_by, served_folder(app)) == ("BucketContents", Path("/elsewhere"))


@pytest.mark.parametrize("manager", [BucketContents, WaitingContents])
def test_a_notebook_is_brought_from_the_manager_that_keeps_it(tmp_path: Path, manager: type[ContentsManager]) -> None:
    """With what is beside it and below, in text and bytes; nothing is written outside the folder."""

    async def ask(notebook: str) -> Path | None:
        host = find_host(server_of(tmp_path, asyncio.get_running_loop(), contents_manager=manager()))
        return await asyncio.to_thread(host.bring_notebook, tmp_path / notebook, notebook)

    brought = asyncio.run(ask("work/n.ipynb"))
    assert brought is not None
    found = {path.relative_to(brought).as_posix(): path.read_bytes() for path in brought.rglob("*") if path.is_file()}
    shutil.rmtree(brought)
    assert json.loads(found.pop("work/n.ipynb")) == KEPT["work/n.ipynb"]
    assert found == {"work/x.csv": b"a,b", "work/data/y.bin": b"\xff\x00"}
    assert not (brought.parent / "evil.txt").exists()
    with pytest.raises(Refused, match="which keeps this server's notebooks, can't read it"):
        asyncio.run(ask("gone.ipynb"))
