"""`python -m scheduler_service check`: what is right, what is missing, and nothing left behind."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_schedule.core import clock
from jupyter_schedule.core.areas import Areas
from jupyter_schedule.core.objects import s3_clients
from scheduler_service.check import check
from tests.s3_servers import CANARY, S3Server, variables


def areas_on(server: S3Server, **changes: str) -> Areas:
    given = {
        "work": f"s3://{server.bucket('work')}",
        "private": f"s3://{server.bucket('private')}/results",
        "public": f"s3://{server.bucket('public')}",
        "public_base": f"{server.endpoint}/{server.bucket('public')}/",
        "endpoint": server.endpoint,
        "region": server.region,
    }
    return Areas(**given | changes)  # type: ignore[arg-type]


def everybody_may(server: S3Server, *actions: str) -> None:
    bucket = server.bucket("public")
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    allowed = [{"Effect": "Allow", "Principal": "*", "Action": list(actions), "Resource": resources}]
    server.client().put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": allowed}))


def wrong(areas: Areas) -> str:
    return "\n".join(finding.text for finding in check(areas, clock.now()) if not finding.right)


@pytest.mark.s3
def test_areas_as_they_should_be_have_nothing_wrong(seaweedfs: S3Server) -> None:
    everybody_may(seaweedfs, "s3:GetObject")
    areas = areas_on(seaweedfs)
    findings = list(check(areas, clock.now()))
    assert [finding.text for finding in findings if not finding.right] == []
    assert len(findings) == 17
    for name in ("work", "private", "public"):
        assert "Contents" not in seaweedfs.client().list_objects_v2(Bucket=seaweedfs.bucket(name), Prefix=".check")


@pytest.mark.s3
def test_each_thing_that_is_missing_is_named_with_its_mend(
    seaweedfs: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody_may(seaweedfs, "s3:PutBucketTagging")
    assert "everybody can read" in wrong(areas_on(seaweedfs))
    everybody_may(seaweedfs, "s3:GetObject", "s3:ListBucket")
    assert "Take s3:ListBucket for everybody out" in wrong(areas_on(seaweedfs))
    everybody_may(seaweedfs, "s3:GetObject")
    assert "There is no bucket absent-bucket" in wrong(areas_on(seaweedfs, private="s3://absent-bucket"))
    assert "differs from the server's by" in "".join(
        finding.text for finding in check(areas_on(seaweedfs), clock.now() + timedelta(minutes=5)) if not finding.right
    )
    for name, value in variables("reader").items():
        monkeypatch.setenv(name, value)
    s3_clients.forget()
    said = wrong(areas_on(seaweedfs))
    assert "may not s3:PutObject in s3://work-bucket: allow it in its policy" in said
    assert CANARY not in said


@pytest.mark.s3
def test_the_command_ends_with_0_or_1(seaweedfs: S3Server, tmp_path: Path) -> None:
    def run(private: str) -> "subprocess.CompletedProcess[str]":
        settings = tmp_path / "service.toml"
        settings.write_text(f'[areas]\nprivate = "{private}"\nendpoint = "{seaweedfs.endpoint}"\n')
        command = [sys.executable, "-m", "scheduler_service", "check", "--config", settings]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    right, missing = run(f"s3://{seaweedfs.bucket()}"), run("s3://absent-bucket")
    assert (right.returncode, missing.returncode) == (0, 1), right.stdout
    assert "ok      private (s3://shared-bucket): an object can be written, once" in right.stdout
    assert "MISSING private (s3://absent-bucket)" in missing.stdout
    assert CANARY not in right.stdout + right.stderr + missing.stdout + missing.stderr
