"""What moto's EC2 lacks, in front of it: idempotence by client token, the limit of user-data, shortages, lost answers.

moto has the wire's format; what a launcher's safety hangs on it lets pass.
"""

import base64
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl

import boto3

USER_DATA_LIMIT = 16 * 1024
ERROR = (
    '<?xml version="1.0"?><Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error></Errors>'
    "<RequestID>0</RequestID></Response>"
)
#: of an account whose disks have Amazon's own key
DEFAULT_KEY = (
    '<GetEbsDefaultKmsKeyIdResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>0</requestId>'
    "<kmsKeyId>alias/aws/ebs</kmsKeyId></GetEbsDefaultKmsKeyIdResponse>"
)
#: status, headers, content
_Answer = tuple[str, list[tuple[str, str]], bytes]


class Shim:
    """A WSGI application around moto's."""

    def __init__(self, moto: Callable[..., Iterable[bytes]]) -> None:
        self._moto = moto
        self._lock = threading.Lock()
        #: by token and subnet: the request, its answer, the machine
        self._launched: dict[tuple[str, str], tuple[dict[str, str], _Answer, str]] = {}
        self._terminated: set[str] = set()
        #: (type, subnet) that have no capacity now
        self.empty: set[tuple[str | None, str]] = set()
        #: codes of errors that the next calls get, before or after they had their effect
        self.faults_before: list[str] = []
        self.faults_after: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        asked = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        with self._lock:
            status, headers, content = self._answer(environ, asked)
        start_response(status, headers)
        return [content]

    def _answer(self, environ: dict[str, Any], asked: dict[str, str]) -> _Answer:
        action = asked.get("Action")
        if action == "GetEbsDefaultKmsKeyId":
            return _answer(DEFAULT_KEY, "200 OK")
        if action not in {"RunInstances", "TerminateInstances", "DescribeInstances"}:
            return self._pass_on(environ)
        if self.faults_before:
            return _error(self.faults_before.pop(0))
        answer = self._launch(environ, asked) if action == "RunInstances" else self._pass_on(environ)
        if action == "TerminateInstances" and answer[0].startswith("200"):
            self._terminated |= {value for name, value in asked.items() if name.startswith("InstanceId.")}
        return _error(self.faults_after.pop(0)) if self.faults_after else answer

    def _launch(self, environ: dict[str, Any], asked: dict[str, str]) -> _Answer:
        key = (asked["ClientToken"], asked.get("SubnetId", ""))
        if key in self._launched:
            before, answer, machine = self._launched[key]
            if before != asked:
                return _error("IdempotentParameterMismatch")
            return _error("IdempotentInstanceTerminated") if machine in self._terminated else answer
        if asked.get("DryRun") == "true":
            return self._pass_on(environ)
        if len(base64.b64decode(asked.get("UserData", ""))) > USER_DATA_LIMIT:
            return _error("InvalidParameterValue", "User data is limited to 16384 bytes")
        if (asked.get("InstanceType"), key[1]) in self.empty:
            return _error("InsufficientInstanceCapacity", status="500 Internal Server Error")
        answer = self._pass_on(environ)
        if answer[0].startswith("200"):
            machine = answer[2].decode().partition("<instanceId>")[2].partition("<")[0]
            self._launched[key] = (asked, answer, machine)
        return answer

    def _pass_on(self, environ: dict[str, Any]) -> _Answer:
        said: list[Any] = []
        content = b"".join(self._moto(environ, lambda status, headers, *_: said.extend((status, headers))))
        return said[0], said[1], content


def _error(code: str, message: str = "", status: str = "400 Bad Request") -> _Answer:
    if code in {"RequestLimitExceeded", "Unavailable", "InternalError"}:
        status = "503 Service Unavailable"
    return _answer(ERROR.format(code, message), status)


def _answer(text: str, status: str) -> _Answer:
    content = text.encode()
    return status, [("Content-Type", "text/xml"), ("Content-Length", str(len(content)))], content


@contextmanager
def shimmed_moto() -> Iterator[tuple[str, Shim]]:
    """A new account on moto's server behind the shim: its address, and the shim to give faults to.

    It has one image: moto's own thousands take seconds.
    """
    from moto.backends import get_backend
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    shim = Shim(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, shim, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with mock.patch.dict(os.environ, MOTO_EC2_LOAD_DEFAULT_AMIS="false"):
            for name in ("ec2", "iam"):
                get_backend(name).reset()
            endpoint = f"http://127.0.0.1:{server.server_port}"
            boto3.client("ec2", region_name="us-east-1", endpoint_url=endpoint).register_image(Name="debian")
            yield endpoint, shim
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
