"""People by the tokens of a JupyterHub, which the shared server is a service of."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tornado.web import HTTPError

from jupyter_schedule.core.config import check_owner
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.shared_server.identity import Identity, Person, Role, identity_away

if TYPE_CHECKING:
    from jupyterhub.services.auth import HubAuth

#: seconds that the Hub may take to say whose a token is
DEADLINE = 5.0
#: seconds for which it is believed without being asked again, before what changes nothing
KEPT_FOR = 30
#: the scopes of a Hub that give a person a role, the most first
SCOPES = {
    "custom:jupyter-schedule:operate": Role.OPERATOR,
    "custom:jupyter-schedule:write": Role.OWNER,
    "custom:jupyter-schedule:read": Role.READER,
}


class HubIdentity(Identity):
    """Asks the Hub; what it said last counts for half a minute, and for nothing that changes anything."""

    def __init__(self, auth: "HubAuth", deadline: float = DEADLINE) -> None:
        self._auth = auth
        self._deadline = deadline

    @classmethod
    def open(cls) -> "HubIdentity":
        """By the variables that a Hub gives to its services.  Raises Refused `no_hub`."""
        try:
            # an extra: only who is a Hub's service needs it
            from jupyterhub.services.auth import HubAuth  # noqa: PLC0415
        except ImportError:
            message = "JupyterHub isn't installed here: pip install jupyter-schedule[hub]."
            raise Refused("no_hub", message) from None
        auth = HubAuth(cache_max_age=KEPT_FOR)
        if not auth.api_token:
            message = "No Hub started this: set JUPYTERHUB_API_URL and JUPYTERHUB_API_TOKEN as for a service of it."
            raise Refused("no_hub", message)
        return cls(auth)

    async def find_person(self, token: str, *, anew: bool) -> Person | None:
        try:
            asked = self._auth.user_for_token(token, use_cache=not anew, sync=False)
            found = await asyncio.wait_for(asked, self._deadline)
        except TimeoutError:
            raise self._away("doesn't answer") from None
        except HTTPError as problem:
            raise self._away("doesn't answer" if problem.status_code == 500 else "fails") from None
        return None if found is None else person_of(found)

    def _away(self, what: str) -> Refused:
        return identity_away(f"The Hub at {self._auth.api_url}", what)


def person_of(found: Mapping[str, Any]) -> Person | None:
    """The person whom the Hub's answer names; None of a service, and of whom no scope lets in."""
    scopes, name = set(found.get("scopes", ())), str(found.get("name"))
    # a right that is limited to somebody else is none here
    role = next((role for scope, role in SCOPES.items() if scopes & {scope, f"{scope}!user={name}"}), None)
    if found.get("kind") != "user" or role is None:
        return None
    try:
        return Person(check_owner(name), role)
    except ValueError:
        return None
