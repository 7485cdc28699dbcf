"""A full disk over HTTP: 507 and a sentence for whoever writes, answers for whoever reads, and nothing half done."""

from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.data_paths import DataPaths
from tests.disks import Mount, leave_free
from tests.server.conftest import Api
from tests.server.test_bundles import GZIP, tarball


@pytest.fixture
def disk(small_disk: Mount) -> Path:
    return small_disk("60m")


@pytest.fixture
def jp_server_config(disk: Path) -> dict[str, Any]:
    return {
        "ServerApp": {"jpserver_extensions": {"jupyter_schedule": True}},
        "JupyterSchedule": {"folder": str(disk / "schedule"), "embedded_service": False},
    }


@pytest.fixture
def api(jp_fetch: Any, jp_root_dir: Path, disk: Path) -> Api:
    return Api(jp_fetch, Path(jp_root_dir), DataPaths(disk / "schedule"))


@pytest.mark.promise("P22")
async def test_whoever_writes_is_told_to_free_some_space_and_can_go_on_then(api: Api, disk: Path) -> None:
    await api.create()
    form = {"name": "other", "notebook": api.notebook("new.ipynb", "print(2)"), "environment": "kernel"}
    digest, packed = tarball("run.sh", size=300_000)
    asked: list[tuple[str, str, Any, dict[str, str]]] = [
        ("POST", "preview", form, {}),
        ("PUT", f"bundles/{digest}", packed, GZIP),
        ("POST", "schedules", {"form": form}, {}),
        ("POST", "schedules/daily/pause", {}, {}),
    ]
    leave_free(disk, 0)
    # the ledger may have some room of its own left
    while (last := await api("POST", "schedules/daily/run")).status < 400:
        pass
    for method, path, body, headers in asked:
        reply = await api(method, path, body, headers=headers)
        assert (reply.status, reply.code) == (507, "disk_full"), (path, reply.body)
        assert "free some" in reply.body["error"]["message"]
    assert (last.status, last.code) == (507, "disk_full")
    assert (await api("GET", "status")).status == 200
    (listed,) = (await api("GET", "schedules")).body
    assert (listed["name"], listed["state"]) == ("daily", "active")

    leave_free(disk, 60_000_000)
    for method, path, body, headers in asked:
        assert (await api(method, path, body, headers=headers)).status < 300, path
    assert [each["name"] for each in (await api("GET", "schedules")).body] == ["daily", "other"]
