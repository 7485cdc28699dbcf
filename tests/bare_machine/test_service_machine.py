"""The service's own machine of the template: its first program, executed on Ubuntu's image for clouds."""

import hashlib
import http.server
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests import s3_servers
from tests.bare_machine.cloud import BareCloud
from tests.bare_machine.conftest import RELAY
from tests.bare_machine.image import missing
from tests.bare_machine.network import HERE
from tests.bare_machine.release import packed_release
from tests.deploy.template import FILLED, as_list, filled, resources, role_statements
from tests.engine import eventually
from tests.s3_servers import S3Server
from tests.scheduler_service.launchers.ec2.machines import Region

pytestmark = [
    pytest.mark.bare_machine,
    pytest.mark.s3,
    pytest.mark.ubuntu,
    pytest.mark.proof("machines"),
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
    pytest.mark.skipif(not Path("/dev/loop-control").exists(), reason="needs loop devices"),
]

DOMAIN = "us-east-1.amazonaws.com"
BUCKETS = ("acme-work", "acme-results", "acme-public")
RELEASES = "acme-releases"
NAMES: dict[str, Any] = FILLED | {
    "AWS::Region": "us-east-1",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "schedules",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:111122223333:stack/schedules/1",
    "Ledger": "vol-0a1b",
    "Wheels": f"{RELEASES}/jupyter-schedule/0.1.0.tar",
    "SubnetList": "subnet-1",
    "DataRoles": "",
    "DiskKey": "",
    "WorkerGroup": "sg-1",
    "AdHocGroup": "sg-2",
    "AdHocProfile": "acme-ad-hoc",
    "WorkerProfile": "acme-worker",
    "WorkerRole.RoleId": "AROAWORKER",
}
PATIENCE = 900.0


def first_program(digest: str) -> str:
    template = resources()["Service"]["Properties"]["UserData"]["Fn::Base64"]["Fn::Sub"][0]
    text: str = filled({"Fn": ["Sub", template]}, **NAMES | {"WheelsSha256": digest})
    return text


def certified(folder: Path) -> tuple[Path, Path]:
    """A certificate of its own authority for Amazon's names in that region, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    names = [x509.DNSName(each) for each in (f"*.{DOMAIN}", f"*.s3.{DOMAIN}")]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private


@contextmanager
def cloudformation() -> Iterator[tuple[int, list[dict[str, str]]]]:
    """CloudFormation as far as it takes signals: its port, and what it was told."""
    told: list[dict[str, str]] = []

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            told.append({name: values[0] for name, values in parse_qs(body).items()})
            answer = b"<SignalResourceResponse/>"
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def amazons_names_here(layer: Path, image: Path, certificate: Path) -> Path:
    """A layer over the image in which Amazon's names lead to this machine, whose certificate is believed."""
    names = [f"{each}.{DOMAIN}" for each in ("s3", "cloudformation")]
    names += [f"{bucket}.s3.{DOMAIN}" for bucket in BUCKETS]
    etc = layer / "etc"
    (etc / "ssl/certs").mkdir(parents=True)
    (etc / "hosts").write_text("127.0.0.1 localhost\n" + "".join(f"{HERE} {name}\n" for name in names))
    believed = etc / "ssl/certs/ca-certificates.crt"
    shutil.copy(image / "etc/ssl/certs/ca-certificates.crt", believed)
    with believed.open("a") as file:
        file.write(certificate.read_text())
    (etc / "systemd/system.conf.d").mkdir(parents=True)
    # boto3 and what is written in Rust bring their own lists of authorities
    variables = f"AWS_CA_BUNDLE=/{believed.relative_to(layer)} SSL_CERT_FILE=/{believed.relative_to(layer)}"
    (etc / "systemd/system.conf.d/here.conf").write_text(f"[Manager]\nDefaultEnvironment={variables}\n")
    return layer


@contextmanager
def disk(folder: Path) -> Iterator[str]:
    """A new, empty disk of 256 MB: its device."""
    image = folder / "disk.img"
    with image.open("wb") as file:
        file.truncate(256 << 20)
    attach = ["losetup", "--find", "--show", str(image)]
    device = subprocess.run(attach, check=True, capture_output=True, text=True).stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[S3Server]:
    """Amazon's S3, by the name that it has in that region."""
    (tmp_path / "server").mkdir()
    with s3_servers.as_admin(), s3_servers.seaweedfs(tmp_path / "server", f"s3.{DOMAIN}") as made:
        for bucket in (*BUCKETS, RELEASES):
            made.client().create_bucket(Bucket=bucket)
        yield made


def may_of_the_service() -> list[dict[str, Any]]:
    """What the template's role of the service may do with files."""
    files = [each for each in role_statements("ServiceRole") if each["Sid"] in {"Files", "Lists", "FetchWheels"}]
    return [each | {name: as_list(each[name]) for name in ("Action", "Resource")} for each in filled(files, **NAMES)]


def test_the_first_program_installs_the_release_from_the_bucket_starts_the_service_and_signals(
    cloud: BareCloud, server: S3Server, ubuntu: Path, tmp_path: Path
) -> None:
    (tmp_path / "release").mkdir()
    release = packed_release(tmp_path / "release")
    digest = hashlib.sha256(release.read_bytes()).hexdigest()
    server.client().upload_file(str(release), RELEASES, "jupyter-schedule/0.1.0.tar")
    certificate, key = certified(tmp_path)
    cloud.layers.insert(0, amazons_names_here(tmp_path / "layer", ubuntu, certificate))
    cloud.credentials_of = lambda instance: server.session(instance, may_of_the_service())
    port = str(urlsplit(server.endpoint).port)
    with disk(tmp_path) as device, cloudformation() as (signals, told):
        cloud.binds = [f"--bind={device}:/dev/xvdf"]
        relay = [
            sys.executable,
            str(RELAY),
            HERE,
            port,
            "443",
            str(certificate),
            str(key),
            f"cloudformation.={signals}",
        ]
        with subprocess.Popen(relay) as relaying:
            try:
                attempt = Region().attempt(user_data=first_program(digest))
                launched = cloud.run_instances(**attempt.parameters["launch"])["Instances"][0]["InstanceId"]
                machine = cloud.machines[launched]
                boots = machine.written("/var/lib/cloud/instances")
                eventually(lambda: told or any(boots.glob("*/boot-finished")), what="a signal", patience=PATIENCE)
                assert told, machine.read("/var/log/cloud-init-output.log")[-4000:]
            finally:
                machine.cut_power()
                relaying.kill()
    [signal] = told
    expected = {"StackName": "schedules", "LogicalResourceId": "Service", "UniqueId": launched, "Status": "SUCCESS"}
    assert expected.items() <= signal.items(), machine.read("/var/log/cloud-init-output.log")[-4000:]
    # the ledger is on the disk, the release in its place, and the work area is known as this ledger's
    assert "/var/lib/jupyter-schedule ext4" in machine.read("/etc/fstab")
    assert list(machine.written("/opt/jupyter-schedule/lib").glob("python3.*/site-packages/scheduler_service"))
    assert "deployment" in json.loads(server.client().get_object(Bucket="acme-work", Key="owner.json")["Body"].read())
