"""What a machine finds in the work area, and what is left of it afterwards."""

import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import uv
from botocore.exceptions import ClientError

from jupyter_schedule.core.object_keys import brief_key, uv_key
from jupyter_schedule.core.storage import s3_clients
from jupyter_schedule.core.storage.factory import LocalStorage, ObjectStorage, S3Address, S3Storage
from scheduler_service.launchers.ec2.work_storage import WorkStorage, build_agent_archive
from scheduler_service.worker.task import ExpectedOutputs, PreviousFiles
from scheduler_service.worker.workspace import Folders, fetch_previous
from tests.factories import make_task
from tests.s3_servers import S3Server


@pytest.fixture
def work(moto: S3Server) -> S3Storage:
    return moto.objects()


@pytest.fixture(params=["bucket", "folder"])
def publication(request: pytest.FixtureRequest, moto: S3Server, tmp_path: Path) -> ObjectStorage:
    """Where a schedule's publication is; no worker has any right there."""
    return moto.objects("published") if request.param == "bucket" else LocalStorage(tmp_path / "published")


def told(work: S3Storage, brief: dict[str, Any]) -> dict[str, Any]:
    WorkStorage(work).put_task("t", make_task(**brief))
    found: dict[str, Any] = json.loads(work.get(brief_key("t")))
    return found


def address(publication: ObjectStorage) -> str:
    return str(publication.address) if isinstance(publication, S3Storage) else publication.url("")


def test_the_files_of_its_publication_that_a_run_asked_for_are_where_it_may_read(
    work: S3Storage, publication: ObjectStorage, tmp_path: Path
) -> None:
    publication.put("daily/data/a.csv", b"a")
    publication.put("daily/data/deep/b.csv", b"b")
    publication.put("daily/data/c.txt", b"c")
    previous = {"objects": address(publication), "prefix": "daily/data/", "globs": ["*.csv"]}
    found = told(work, {"previous": PreviousFiles.of(previous)})["previous"]
    assert found["paths"] == ["a.csv", "deep/b.csv"]
    assert found["objects"].startswith(work.address.plain)
    task = make_task(work_folder=str(tmp_path / "scratch"), previous=PreviousFiles.of(found))
    folders = Folders(task)
    folders.make()
    fetch_previous(task, folders)
    assert (folders.previous / "a.csv").read_bytes() == b"a"
    assert (folders.previous / "deep/b.csv").read_bytes() == b"b"


def test_what_an_output_contract_compares_with_is_where_it_may_be_read(
    work: S3Storage, publication: ObjectStorage
) -> None:
    asked = {
        "lines": ["a.csv changed"],
        "day": "2026-11-24",
        "objects": address(publication),
        "index": "daily/data.json",
    }
    assert told(work, {"expect": ExpectedOutputs.of(asked)})["expect"]["objects"] is None
    publication.put("daily/data.json", b"{}")
    found = told(work, {"expect": ExpectedOutputs.of(asked)})["expect"]
    assert work.get(found["index"]) == b"{}"


def test_what_a_run_was_told_goes_with_it(work: S3Storage, publication: ObjectStorage) -> None:
    publication.put("daily/data/a.csv", b"a")
    work.put("briefs/another", b"{}")
    previous = {"objects": address(publication), "prefix": "daily/data/", "globs": ["*"]}
    told(work, {"previous": PreviousFiles.of(previous)})
    for _ in range(2):
        WorkStorage(work).remove_task("t")
    assert [stored.key for stored in work.list("briefs/")] == ["briefs/another"]


def test_an_environment_that_a_machine_made_is_kept_for_those_who_share_it_alone(work: S3Storage) -> None:
    """A worker writes under its own name; what others may fetch is the service's to write."""
    mine, others = "workers/AROA:i-1/t/", "workers/AROA:i-2/u/"
    work.put(f"{mine}environments/kernel-1", b"made")
    work.put(f"{mine}result", b"{}")
    work.put(f"{others}environments/kernel-2", b"another's")
    for _ in range(2):
        WorkStorage(work).keep_environments("AROA:i-1", "t", "anns")
    keys = [stored.key for stored in work.list()]
    assert keys == ["bundles/anns.environments/kernel-1", f"{mine}result", f"{others}environments/kernel-2"]


def test_the_services_uv_is_stored_once_by_what_it_is(work: S3Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS_JSON_URL", "https://files.example/downloads.json")
    told_of = WorkStorage(work).configuration()
    assert told_of["uv_variables"] == {"UV_PYTHON_DOWNLOADS_JSON_URL": "https://files.example/downloads.json"}
    program = gzip.decompress(work.get(uv_key(told_of["uv_sha256"])))
    assert hashlib.sha256(program).hexdigest() == told_of["uv_sha256"]
    assert program == Path(uv.find_uv_bin()).read_bytes()
    stored = work.size(uv_key(told_of["uv_sha256"]))
    monkeypatch.setattr(work, "put", lambda *_: pytest.fail("it is there"))
    assert WorkStorage(work).configuration()["uv_sha256"] == told_of["uv_sha256"]
    assert work.size(uv_key(told_of["uv_sha256"])) == stored


def test_machines_in_another_region_are_told_the_buckets(work: S3Storage) -> None:
    told_of = WorkStorage(work).configuration()
    assert told_of["region"] == "us-east-1"
    assert "region=us-east-1" in told_of["objects"]


@pytest.mark.parametrize("may_list", [True, False])
def test_machines_go_to_the_region_that_the_bucket_is_in_whatever_the_settings_say(
    may_list: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """boto3 follows S3 to another region; what a machine fetches its agent with doesn't."""
    headers = {"HTTPHeaders": {"x-amz-bucket-region": "af-south-1"}, "HTTPStatusCode": 200 if may_list else 403}

    class Bucket:
        meta = s3_clients.client(S3Address("acme-work", region="eu-west-1")).meta

        def head_bucket(self, **_: Any) -> dict[str, Any]:
            if not may_list:
                raise ClientError({"Error": {"Code": "403"}, "ResponseMetadata": headers}, "HeadBucket")
            return {"ResponseMetadata": headers}

        def head_object(self, **_: Any) -> dict[str, Any]:
            return {"ContentLength": 1}

    wrong = WorkStorage(S3Storage(S3Address("acme-work", region="eu-west-1")))
    real = s3_clients.client
    monkeypatch.setattr(s3_clients, "client", lambda at: Bucket() if at.region == "eu-west-1" else real(at))
    monkeypatch.setattr(S3Storage, "size", lambda *_: 1)
    told_of = wrong.configuration()
    assert told_of["region"] == "af-south-1"
    assert told_of["objects"] == "s3://acme-work?region=af-south-1"
    assert told_of["base"] == "https://acme-work.s3.af-south-1.amazonaws.com/"


def test_the_agent_runs_from_it_with_nothing_else_installed(tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(build_agent_archive())) as archive:
        archive.extractall(tmp_path, filter="data")
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import boto3, scheduler_service.worker.agent as agent; "
        "boto3.Session(region_name='eu-west-1').client('s3'); print(agent.__file__, boto3.__file__)"
    )
    # neither this environment's packages nor the folder we are in
    base: str = vars(sys)["_base_executable"]
    done = subprocess.run([base, "-I", "-S", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(path.startswith(str(tmp_path)) for path in done.stdout.split())


def test_the_same_sources_give_the_same_bytes() -> None:
    first = build_agent_archive()
    build_agent_archive.cache_clear()
    assert build_agent_archive() == first


def test_it_is_small_enough_to_be_fetched_in_a_moment() -> None:
    assert len(build_agent_archive()) < 4 << 20
