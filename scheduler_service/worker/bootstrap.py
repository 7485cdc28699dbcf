"""The first program on a fresh machine: get the agent out of the work storage, as the machine's role, and become it.

Standard library only, and any Python from 3.6 on: it is sent as user-data, and nothing of ours is installed yet.  Where
Python is too old for the agent it says so in the attempt's result.
Sources: "Use IMDSv2" in the EC2 user guide; "Create a signed AWS API request" (Signature Version 4).
"""

import hashlib
import hmac
import http.client
import io
import json
import os
import sys
import tarfile
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timezone
from typing import Any, Dict, Optional

METADATA = "http://169.254.169.254/latest/"
FOLDER = "/opt/jupyter-schedule"
NEEDED = (3, 11)
#: seconds between two tries, and how often what the machine is told of itself is asked for
PAUSE = 2
TRIES = 60
#: seconds until the last try at the agent begins: a new machine's network and role take a moment, and one that has no
#: way to S3 never gets there, which is to be known within two minutes
PATIENCE = 90
#: seconds that S3 may say nothing
SILENCE = 20


def read_metadata(path: str) -> str:
    """Read what the machine is told about itself.  Raises OSError, also where there is no such thing."""
    ask = urllib.request.Request(METADATA + "api/token", method="PUT")
    ask.add_header("X-aws-ec2-metadata-token-ttl-seconds", "300")
    token = urllib.request.urlopen(ask, timeout=5).read().decode()
    look = urllib.request.Request(METADATA + path, headers={"X-aws-ec2-metadata-token": token})
    return str(urllib.request.urlopen(look, timeout=5).read(), "utf-8")


def sign_request(
    url: str, region: str, role: Dict[str, str], now: datetime, body: Optional[bytes] = None, **headers: str
) -> urllib.request.Request:
    """A GET of an S3 object, or a PUT of `body`, signed with the role's credentials at the instant `now` (UTC)."""
    method = "GET" if body is None else "PUT"
    parts = urllib.parse.urlsplit(url)
    instant = now.strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body or b"").hexdigest()
    every = {name.replace("_", "-"): value for name, value in headers.items()}
    every.update({"host": parts.netloc, "x-amz-content-sha256": digest, "x-amz-date": instant})
    if role.get("Token"):
        every["x-amz-security-token"] = role["Token"]
    names = ";".join(sorted(every))
    lines = "".join("{}:{}\n".format(name, every[name]) for name in sorted(every))
    canonical = "\n".join([method, parts.path, "", lines, names, digest])
    scope = "{}/{}/s3/aws4_request".format(instant[:8], region)
    to_sign = "\n".join(["AWS4-HMAC-SHA256", instant, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + role["SecretAccessKey"]).encode()
    for part in [*scope.split("/"), to_sign]:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    every["authorization"] = "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}".format(
        role["AccessKeyId"], scope, names, key.hex()
    )
    return urllib.request.Request(url, data=body, headers=every, method=method)


class SignedStorage:
    """The work storage as a machine's role reaches it."""

    def __init__(self, configuration: Dict[str, Any]) -> None:
        name = read_metadata("meta-data/iam/security-credentials/").split()[0]
        self._role = json.loads(read_metadata("meta-data/iam/security-credentials/" + name))
        self._base = configuration["base"]
        self._region = configuration["region"]

    def get(self, key: str) -> bytes:
        """An object.  Raises OSError."""
        return bytes(urllib.request.urlopen(self._request(key), timeout=SILENCE).read())

    def put_once(self, key: str, body: bytes) -> bool:
        """Store an object unless there is one; True when it is ours now.  Raises OSError."""
        try:
            urllib.request.urlopen(self._request(key, body, if_none_match="*"), timeout=60).close()
        except urllib.error.HTTPError as answer:
            if answer.code != 412:
                raise
            return False
        return True

    def _request(self, key: str, body: Optional[bytes] = None, **headers: str) -> urllib.request.Request:
        url = self._base + urllib.parse.quote(key)
        return sign_request(url, self._region, self._role, datetime.now(timezone.utc), body, **headers)


def fetch_agent(configuration: Dict[str, Any]) -> bytes:
    """The agent's archive.  Raises ValueError when it isn't the one that was meant."""
    archive = SignedStorage(configuration).get(configuration["agent"])
    if hashlib.sha256(archive).hexdigest() != configuration["agent_sha256"]:
        raise ValueError("the agent's archive isn't the one that was recorded")
    return archive


def keep_fetching(configuration: Dict[str, Any]) -> bytes:
    """The agent's archive, asked for again and again until patience is over.  Raises as the last try did."""
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            return fetch_agent(configuration)
        except (OSError, http.client.HTTPException, ValueError, KeyError, IndexError) as problem:
            # S3 says in the body why it refuses
            why = getattr(problem, "read", bytes)()[:400]
            print("jupyter-schedule: the agent can't be fetched:", problem, why or "", flush=True)
            if time.monotonic() >= give_up:
                raise
        time.sleep(PAUSE)


def report_old_image(configuration: Dict[str, Any]) -> None:
    """Win the attempt's gate and write its result: this image can't run the agent."""
    instance = read_metadata("meta-data/instance-id")
    identity = "{}:{}".format(configuration["role_id"], instance)
    token = configuration["token"]
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    area = SignedStorage(configuration)
    started = {"started_by": {"instance": instance, "identity": identity}, "at": now}
    if not area.put_once("gates/" + token, json.dumps(started).encode()):
        return
    have = "{}.{}.{}".format(*sys.version_info[:3])
    need = "{}.{}".format(*NEEDED)
    result = {
        "outcome": "refused",
        "reason": "environment",
        "sentence": "The machine's image has Python {}; a worker needs {} or newer. Choose another image.".format(
            have, need
        ),
        "started_at": now,
        "ended_at": now,
        "seconds": 0,
    }
    area.put_once("workers/{}/{}/result".format(identity, token), json.dumps(result).encode())


def main() -> None:
    """Unpack the agent and become it."""
    configuration = json.loads(sys.argv[1])
    if sys.version_info < NEEDED:
        report_old_image(configuration)
        return
    os.makedirs(FOLDER, mode=0o755, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(keep_fetching(configuration))) as archive:
        archive.extractall(FOLDER)
    os.environ["PYTHONPATH"] = FOLDER
    os.execv(sys.executable, [sys.executable, "-P", "-m", "scheduler_service.worker.ec2_main", sys.argv[1]])


if __name__ == "__main__":
    main()
