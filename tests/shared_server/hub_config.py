"""The configuration of the real Hub that tests start: a proxy that isn't needed, three people, and our service."""

import os
import sys
from typing import Any

from jupyterhub.proxy import Proxy

READ, WRITE, OPERATE = (f"custom:jupyter-schedule:{right}" for right in ("read", "write", "operate"))


class NoProxy(Proxy):
    """Everybody asks the Hub and the service at their own ports."""

    should_start = False

    async def add_route(self, routespec: str, target: str, data: dict[str, Any]) -> None:
        """Nothing to do."""

    async def delete_route(self, routespec: str) -> None:
        """Nothing to do."""

    async def get_all_routes(self) -> dict[str, Any]:
        """None, which the Hub takes for routes that went missing, and adds them again."""
        return {}


def configure(c: Any) -> None:
    """As docs/shared-server.md has it."""
    hub, service, folder = (os.environ[f"TEST_{name}"] for name in ("HUB", "SERVICE", "FOLDER"))
    c.JupyterHub.hub_bind_url = hub
    c.JupyterHub.bind_url = os.environ["TEST_PROXY"]
    c.JupyterHub.proxy_class = NoProxy
    c.JupyterHub.db_url = f"sqlite:///{folder}/hub.sqlite"
    c.JupyterHub.cookie_secret = b"0" * 32
    c.JupyterHub.authenticator_class = "dummy"
    c.JupyterHub.spawner_class = "simple"
    c.Authenticator.allowed_users = {"ann", "bob", "cat"}
    c.JupyterHub.load_groups = {"analysts": {"users": ["ann", "bob"]}, "operators": {"users": ["cat"]}}
    c.JupyterHub.custom_scopes = {
        READ: {"description": "Look at one's schedules"},
        WRITE: {"description": "Schedule", "subscopes": [READ]},
        OPERATE: {"description": "End others' runs", "subscopes": [WRITE]},
    }
    c.JupyterHub.load_roles = [
        {"name": "schedule-people", "scopes": [WRITE], "groups": ["analysts"]},
        {"name": "schedule-operators", "scopes": [OPERATE], "groups": ["operators"]},
        {
            "name": "makes-tokens",
            "scopes": ["admin:users", "admin:groups", "tokens", "read:users"],
            "services": ["tester"],
        },
    ]
    command = [sys.executable, "-P", "-m", "jupyter_schedule.cli", "server", "run", "--folder", folder]
    c.JupyterHub.services = [
        {"name": "jupyter-schedule", "url": service, "command": command},
        {"name": "tester", "api_token": os.environ["TEST_TOKEN"]},
    ]
