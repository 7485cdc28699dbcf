"""What a fresh machine does first: a constant program with a base64 JSON document, in which there is no secret."""

import base64
import json
from functools import cache
from importlib.resources import files
from typing import Any


def build_user_data(configuration: dict[str, Any]) -> str:
    """The user-data that fetches and becomes the agent.

    configuration: what `worker.bootstrap` and `worker.ec2_main` read: `region`, `objects` and `base` (addresses of the
    work area, the second for plain HTTP), `agent` and `agent_sha256`, `token` and `role_id` (under which the attempt's
    worker writes), and `power_off_after`, the seconds after which the machine powers itself off, whatever hangs.
    """
    return _told(_program(), configuration)


def build_ad_hoc_user_data(configuration: dict[str, Any]) -> str:
    """The user-data that lets an ad-hoc worker's owner in.

    configuration: `login_user`, `ssh_key` (a public key, or None), and `power_off_after`, the seconds after which the
    machine first looks whether its time is over.
    """
    return _told((files("scheduler_service") / "launchers" / "ec2" / "ad_hoc.sh").read_text(), configuration)


def _told(program: str, configuration: dict[str, Any]) -> str:
    document = json.dumps(configuration, sort_keys=True).encode()
    return program.replace("@CONFIGURATION@", base64.b64encode(document).decode())


@cache
def _program() -> str:
    ours = files("scheduler_service")
    bootstrap = (ours / "worker" / "bootstrap.py").read_text()
    return (ours / "launchers" / "ec2" / "user_data.sh").read_text().replace("@BOOTSTRAP@\n", bootstrap)
