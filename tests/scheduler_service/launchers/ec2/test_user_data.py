"""What a fresh machine does first."""

import ast
import hashlib
import inspect
import json
import subprocess
from datetime import UTC, datetime

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from scheduler_service.launchers.ec2.launch_plan import build_user_data
from scheduler_service.worker import bootstrap
from scheduler_service.worker.bootstrap import sign_request

CONFIGURATION = {"region": "eu-west-1", "agent": "agents/x.tar.gz", "power_off_after": 8400}


def test_it_is_a_constant_but_for_one_line() -> None:
    one = build_user_data(CONFIGURATION).splitlines()
    other = build_user_data(CONFIGURATION | {"agent": "'; reboot; '"}).splitlines()
    assert [a == b for a, b in zip(one, other, strict=True)].count(False) == 1


def test_bash_and_python_understand_it() -> None:
    text = build_user_data(CONFIGURATION)
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    program = text.partition("<<'PYTHON'\n")[2].partition("\nPYTHON\n")[0]
    compile(program, "bootstrap.py", "exec")


def test_a_python_that_is_too_old_for_the_agent_can_still_say_so() -> None:
    source = inspect.getsource(bootstrap)
    ast.parse(source, feature_version=(3, 6))


def test_it_leaves_room_in_what_ec2_takes() -> None:
    assert len(build_user_data(CONFIGURATION).encode()) < 8 * 1024


@pytest.mark.promise("P21")
def test_the_end_of_the_machine_is_armed_with_the_seconds_it_is_told() -> None:
    lines = build_user_data(CONFIGURATION).partition("python3 -")[0].replace("systemd-run", "echo")
    said = subprocess.run(["bash"], input=lines, text=True, check=True, capture_output=True).stdout
    assert "--on-active=8400 systemctl poweroff --force --force" in said


def test_no_word_of_the_document_is_read_by_the_shell() -> None:
    hostile = CONFIGURATION | {"agent": "$(touch /tmp/owned)'\"`id`\n"}
    lines = build_user_data(hostile).replace("systemd-run", "true").partition("python3 -")[0] + 'printf %s "$json"'
    said = subprocess.run(["bash"], input=lines, text=True, check=True, capture_output=True).stdout
    assert json.loads(said) == hostile


@pytest.mark.parametrize("body", [None, b"a result"])
@pytest.mark.parametrize("token", ["session", ""])
def test_requests_are_signed_as_botocore_signs_them(body: bytes | None, token: str) -> None:
    now = datetime(2026, 11, 23, 12, 0, 1, tzinfo=UTC)
    role = {"AccessKeyId": "AKID", "SecretAccessKey": "secret", "Token": token}
    url = "https://bucket.s3.eu-west-1.amazonaws.com/workers/AROA%3Ai-1/result"
    condition = {} if body is None else {"if_none_match": "*"}
    ours = dict(sign_request(url, "eu-west-1", role, now, body, **condition).header_items())

    theirs = AWSRequest("GET" if body is None else "PUT", url, data=body)
    theirs.context["timestamp"] = theirs.headers["X-Amz-Date"] = "20261123T120001Z"
    signer = S3SigV4Auth(Credentials("AKID", "secret", token), "s3", "eu-west-1")
    if token:
        theirs.headers["X-Amz-Security-Token"] = token
    if condition:
        theirs.headers["If-None-Match"] = "*"
    theirs.headers["X-Amz-Content-SHA256"] = hashlib.sha256(body or b"").hexdigest()
    canonical = signer.canonical_request(theirs)
    signature = signer.signature(signer.string_to_sign(theirs, canonical), theirs)
    assert ours["Authorization"].endswith(f"Signature={signature}")
