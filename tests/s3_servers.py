"""Servers that speak as S3 does, as real processes: SeaweedFS, which keeps what S3 promises, and moto."""

import base64
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from jupyter_schedule.core.storage.factory import S3Address, S3Storage
from tests.engine import eventually

#: a secret that must never show in any message, log, bundle or answer
CANARY = "canary-5f0e1c7d9b"
#: whose sessions may do what each is given, and whose may read the bucket of data; the server lets anybody become them
ROLE = "arn:aws:iam::role/worker"
DATA_ROLE = "acme-data"
DATA_BUCKET = "data-bucket"
_MAY = {
    "worker": {"Action": ["s3:*"], "Resource": ["*"]},
    DATA_ROLE: {"Action": ["s3:GetObject"], "Resource": [f"arn:aws:s3:::{DATA_BUCKET}/*"]},
}
ROLES = {
    "sts": {
        "issuer": "tests",
        "signingKey": base64.b64encode(CANARY.encode() * 2).decode(),
        "tokenDuration": "1h",
        "maxSessionLength": "12h",
    },
    "policy": {"defaultEffect": "Deny", "storeType": "memory"},
    "roles": [
        {
            "roleName": name,
            "roleArn": f"arn:aws:iam::role/{name}",
            "trustPolicy": {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["sts:AssumeRole"]}],
            },
            "attachedPolicies": [name],
        }
        for name in _MAY
    ],
    "policies": [
        {
            "name": name,
            "document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **allowed}]},
        }
        for name, allowed in _MAY.items()
    ],
}
#: access key: what it may do
IDENTITIES = {"admin": ["Admin", "Read", "Write", "List", "Tagging"], "reader": ["Read", "List"], "nobody": []}


@dataclass
class S3Server:
    """A server, and the way into it."""

    endpoint: str
    region: str = "us-east-1"
    _clients: dict[str, Any] = field(default_factory=dict)
    _buckets: set[str] = field(default_factory=set)

    def client(self, who: str = "admin") -> Any:
        """A plain client of boto3, for a test to look around."""
        if who not in self._clients:
            config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
            keys = {"aws_access_key_id": who, "aws_secret_access_key": secret_of(who)}
            self._clients[who] = boto3.session.Session(**keys, region_name=self.region).client(
                "s3", endpoint_url=self.endpoint, config=config
            )
        return self._clients[who]

    def session(self, name: str, statements: list[dict[str, Any]]) -> dict[str, str]:
        """Credentials of a session that may do that alone, as the metadata address of a machine shows them."""
        keys = {"aws_access_key_id": "admin", "aws_secret_access_key": secret_of("admin")}
        sts = boto3.session.Session(**keys, region_name=self.region).client("sts", endpoint_url=self.endpoint)
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        made = sts.assume_role(RoleArn=ROLE, RoleSessionName=name, Policy=policy)["Credentials"]
        return {
            "AccessKeyId": made["AccessKeyId"],
            "SecretAccessKey": made["SecretAccessKey"],
            "Token": made["SessionToken"],
            "Expiration": made["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def bucket(self, name: str = "shared") -> str:
        """The one of that name, made when it is first asked for: a new one is much work for a server."""
        if name not in self._buckets:
            self.client().create_bucket(Bucket=f"{name}-bucket")
            self._buckets.add(name)
        return f"{name}-bucket"

    def address(self, bucket: str, **changes: Any) -> S3Address:
        """A part of a bucket of this server that nobody else uses."""
        plain: dict[str, Any] = {"prefix": f"{uuid4().hex[:8]}/", "region": self.region, "endpoint": self.endpoint}
        return S3Address(bucket, **plain | changes)

    def objects(self, bucket: str = "shared") -> S3Storage:
        """A new, empty store."""
        return S3Storage(self.address(self.bucket(bucket)))


def secret_of(who: str) -> str:
    """The secret key of an identity."""
    return f"{CANARY}-{who}"


def variables(who: str = "admin") -> dict[str, str]:
    """The environment that makes a process that identity, and keeps it from finding others."""
    return {
        "AWS_ACCESS_KEY_ID": who,
        "AWS_SECRET_ACCESS_KEY": secret_of(who),
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def as_admin() -> Iterator[None]:
    """This process is that identity."""
    before = {name: os.environ.get(name) for name in variables()}
    os.environ.update(variables())
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def seaweedfs(folder: Path, domain: str | None = None) -> Iterator[S3Server]:
    """SeaweedFS with its files in `folder`; skips where its package isn't.

    domain: its own name, before which clients may put a bucket's.
    """
    weed = Path(sys.executable).with_name("weed")
    if not weed.exists():
        pytest.skip("SeaweedFS has a package for Linux on x86-64 only")
    identities = [
        {"name": who, "credentials": [{"accessKey": who, "secretKey": secret_of(who)}], "actions": actions}
        for who, actions in IDENTITIES.items()
    ]
    (folder / "identities.json").write_text(json.dumps({"identities": identities}))
    (folder / "roles.json").write_text(json.dumps(ROLES))
    free = free_ports(8)
    ports = dict(zip(("master", "volume", "filer", "s3"), free[:4], strict=True))
    others = dict(zip(ports, free[4:], strict=True))
    command = [
        str(weed), "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3",
        *(f"-{part}.port={port}" for part, port in ports.items()),
        *(f"-{part}.port.grpc={port}" for part, port in others.items()),
        "-s3.port.iceberg=0", "-s3.port.lance=0",
        f"-s3.localSocket={folder}/s3.sock", f"-filer.localSocket={folder}/filer.sock",
        "-s3.allowDeleteBucketNotEmpty=false", "-s3.autoCreateBucket=false", f"-s3.config={folder}/identities.json",
        f"-s3.iam.config={folder}/roles.json",
        *([f"-s3.domainName={domain}"] if domain else []),
        "-master.volumeSizeLimitMB=64", "-master.telemetry=false", "-volume.max=1000",
    ]  # fmt: skip
    with (folder / "weed.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            server = S3Server(f"http://127.0.0.1:{ports['s3']}")
            eventually(lambda: _answers(server), what="SeaweedFS")
            yield server
        finally:
            process.kill()


@contextmanager
def moto() -> Iterator[S3Server]:
    """moto's server; without the thousands of images, of which each new machine looks at all.

    A process of its own: all that is moto in one process shares its buckets, and what resets one account takes them.
    """
    [port] = free_ports(1)
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    surroundings = os.environ | {"MOTO_EC2_LOAD_DEFAULT_AMIS": "false"}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=surroundings, stdout=quiet, stderr=quiet) as process:
        try:
            server = S3Server(f"http://127.0.0.1:{port}")
            eventually(lambda: _answers(server), what="moto")
            yield server
        finally:
            process.kill()


def _answers(server: S3Server) -> bool:
    """Whether it takes an object: it listens some time before it can keep any."""
    try:
        server.client().put_object(Bucket=server.bucket(), Key="first", Body=b"")
    except (ClientError, BotoCoreError):
        return False
    return True


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens at."""
    with ExitStack() as open_sockets:
        sockets = [open_sockets.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
