"""The work area as machines use it: where they find the agent and what their attempt is told."""

import hashlib
import json
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from jupyter_schedule.core.objects import S3Objects
from jupyter_schedule.core.workarea import agent_key, brief_key
from scheduler_service.launchers.ec2.agent_archive import agent_archive


class WorkArea:
    """A part of a bucket, which a machine's role may read."""

    def __init__(self, objects: S3Objects) -> None:
        self._objects = objects

    def configuration(self) -> dict[str, str]:
        """What a machine is told of it; the agent's archive is there by then.  Raises OSError."""
        return {"objects": str(self._objects.address), "base": self._base, **self._agent}

    def put_brief(self, token: str, brief: dict[str, Any]) -> None:
        """Store what an attempt's agent is told, the same each time."""
        self._objects.put(brief_key(token), json.dumps(brief, sort_keys=True).encode())

    @cached_property
    def _base(self) -> str:
        """The address that a key is appended to, as boto3 makes it for this region or endpoint."""
        link = urlsplit(self._objects.link("x", 60) or "")
        return link._replace(query="", path=link.path.removesuffix("x")).geturl()

    @cached_property
    def _agent(self) -> dict[str, str]:
        archive = agent_archive()
        digest = hashlib.sha256(archive).hexdigest()
        if self._objects.size(agent_key(digest)) is None:
            self._objects.put(agent_key(digest), archive)
        return {"agent": agent_key(digest), "agent_sha256": digest}
