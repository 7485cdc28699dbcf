"""The first program on a fresh machine: get the agent out of the work area, as the machine's role, and become it.

Standard library only, and any Python from 3.9 on: it is sent as user-data, and nothing of ours is installed yet.
Sources: "Use IMDSv2" in the EC2 user guide; "Create a signed AWS API request" (Signature Version 4).
"""

import hashlib
import hmac
import io
import json
import os
import sys
import tarfile
import time
import urllib.parse
import urllib.request
from datetime import datetime, timezone
from typing import Any, Dict

METADATA = "http://169.254.169.254/latest/"
FOLDER = "/opt/jupyter-schedule"
#: seconds between two tries, and how many there are: a new machine's network and role take a moment
PAUSE = 2
TRIES = 60


def metadata(path: str) -> str:
    """What the machine is told about itself."""
    ask = urllib.request.Request(METADATA + "api/token", method="PUT")
    ask.add_header("X-aws-ec2-metadata-token-ttl-seconds", "300")
    token = urllib.request.urlopen(ask, timeout=5).read().decode()
    look = urllib.request.Request(METADATA + path, headers={"X-aws-ec2-metadata-token": token})
    return str(urllib.request.urlopen(look, timeout=5).read(), "utf-8")


def signed_get(url: str, region: str, role: Dict[str, str], now: datetime) -> urllib.request.Request:
    """A GET of an S3 object, signed with the role's credentials at the instant `now` (UTC)."""
    parts = urllib.parse.urlsplit(url)
    instant = now.strftime("%Y%m%dT%H%M%SZ")
    empty = hashlib.sha256(b"").hexdigest()
    headers = {
        "host": parts.netloc,
        "x-amz-content-sha256": empty,
        "x-amz-date": instant,
        "x-amz-security-token": role["Token"],
    }
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = "\n".join(["GET", parts.path, "", lines, names, empty])
    scope = f"{instant[:8]}/{region}/s3/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", instant, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + role["SecretAccessKey"]).encode()
    for part in (*scope.split("/"), to_sign):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    credential = f"{role['AccessKeyId']}/{scope}"
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={key.hex()}"
    return urllib.request.Request(url, headers=headers)


def fetch(configuration: Dict[str, Any]) -> bytes:
    """The agent's archive.  Raises ValueError when it isn't the one that was meant."""
    name = metadata("meta-data/iam/security-credentials/").split()[0]
    role = json.loads(metadata("meta-data/iam/security-credentials/" + name))
    now = datetime.now(timezone.utc)
    request = signed_get(configuration["agent"], configuration["region"], role, now)
    archive = bytes(urllib.request.urlopen(request, timeout=60).read())
    if hashlib.sha256(archive).hexdigest() != configuration["agent_sha256"]:
        raise ValueError("the agent's archive isn't the one that was recorded")
    return archive


def insist(configuration: Dict[str, Any]) -> bytes:
    """`fetch`, again and again."""
    for left in reversed(range(TRIES)):
        try:
            return fetch(configuration)
        except (OSError, ValueError, KeyError, IndexError) as problem:
            print("jupyter-schedule: the agent can't be fetched:", problem, flush=True)
            if not left:
                raise
        time.sleep(PAUSE)
    raise AssertionError


def main() -> None:
    """Unpack the agent and become it."""
    configuration = json.loads(sys.argv[1])
    os.makedirs(FOLDER, mode=0o755, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(insist(configuration))) as archive:
        archive.extractall(FOLDER)
    os.environ["PYTHONPATH"] = FOLDER
    os.execv(sys.executable, [sys.executable, "-P", "-m", "scheduler_service.worker.machine", sys.argv[1]])


if __name__ == "__main__":
    main()
