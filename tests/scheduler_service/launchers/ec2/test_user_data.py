"""What a fresh machine does first."""

import json
import subprocess
from datetime import UTC, datetime

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from scheduler_service.launchers.ec2.user_data import user_data
from scheduler_service.worker.fetch_agent import signed_get

CONFIGURATION = {"region": "eu-west-1", "agent": "https://b/agents/x.tar.gz", "power_off_after": 8400}


def test_it_is_a_constant_but_for_one_line() -> None:
    one = user_data(CONFIGURATION).splitlines()
    other = user_data(CONFIGURATION | {"agent": "'; reboot; '"}).splitlines()
    assert [a == b for a, b in zip(one, other, strict=True)].count(False) == 1


def test_bash_and_python_understand_it() -> None:
    text = user_data(CONFIGURATION)
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    program = text.partition("<<'PYTHON'\n")[2].partition("\nPYTHON\n")[0]
    compile(program, "fetch_agent.py", "exec")


def test_it_leaves_room_in_what_ec2_takes() -> None:
    assert len(user_data(CONFIGURATION).encode()) < 8 * 1024


def test_the_end_of_the_machine_is_armed_with_the_seconds_it_is_told() -> None:
    lines = user_data(CONFIGURATION).partition("python3 -")[0].replace("systemd-run", "echo")
    said = subprocess.run(["bash"], input=lines, text=True, check=True, capture_output=True).stdout
    assert "--on-active=8400 systemctl poweroff --force --force" in said


def test_no_word_of_the_document_is_read_by_the_shell() -> None:
    hostile = CONFIGURATION | {"agent": "$(touch /tmp/owned)'\"`id`\n"}
    lines = user_data(hostile).replace("systemd-run", "true").partition("python3 -")[0] + 'printf %s "$json"'
    said = subprocess.run(["bash"], input=lines, text=True, check=True, capture_output=True).stdout
    assert json.loads(said) == hostile


def test_the_request_for_the_agent_is_signed_as_botocore_signs_it(monkeypatch: object) -> None:
    now = datetime(2026, 11, 23, 12, 0, 1, tzinfo=UTC)
    role = {"AccessKeyId": "AKID", "SecretAccessKey": "secret", "Token": "session"}
    url = "https://bucket.s3.eu-west-1.amazonaws.com/agents/abc.tar.gz"
    ours = dict(signed_get(url, "eu-west-1", role, now).header_items())

    theirs = AWSRequest("GET", url)
    theirs.context["timestamp"] = "20261123T120001Z"
    signer = S3SigV4Auth(Credentials("AKID", "secret", "session"), "s3", "eu-west-1")
    theirs.headers["X-Amz-Date"] = "20261123T120001Z"
    theirs.headers["X-Amz-Security-Token"] = "session"
    theirs.headers["X-Amz-Content-SHA256"] = signer.payload(theirs)
    canonical = signer.canonical_request(theirs)
    signature = signer.signature(signer.string_to_sign(theirs, canonical), theirs)
    assert ours["Authorization"].endswith(f"Signature={signature}")
